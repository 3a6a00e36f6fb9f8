/**
 * Connections that live for fifty days: longer than a timestamp clock of 1 ms takes to go round (24.9 days to where its sign
 * turns, 49.7 to its start), with sequence numbers that begin just below their wrap. RFC 7323 §5.5, RFC 9293 §3.4.
 */
import { expect, test } from "vitest";
import { below } from "../../src/base/rng.ts";
import { type Instant, instantOf, seconds } from "../../src/base/time.ts";
import type { Listener } from "../../src/stack/listener.ts";
import type { IsnGenerator } from "../../src/tcp/isn.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { cpuSeconds, figure, FULL, progress } from "../support/full.ts";
import { Conn } from "./conn.ts";
import { type Script, Wire } from "./wire.ts";

const DAY = seconds(86_400);
const DAYS = 50;
const PORT = 80;
const GIB = 2 ** 30;
/** What one connection moves in one direction: more than sequence numbers there are. */
const BULK = FULL ? 4.2 * GIB : 24 * 2 ** 20;
/** So many times rarer than in the long gate the others speak. */
const RARER = FULL ? 1 : 300;
/** ISNs of the clock that ticks 250 times a ms (RFC 9293 §3.4.1). */
const TICKS = 250;

interface Plan {
  readonly name: string;
  /** ms between two exchanges; with `sleeps` between the first and the second. */
  readonly every: number;
  readonly sleeps?: number;
  /** Only the first end speaks. */
  readonly oneWay?: boolean;
  readonly bulk?: "up" | "down";
  readonly loses?: boolean;
  /** Idle time of a keep-alive, ms. */
  readonly keepAlive?: number;
}

const PLANS: readonly Plan[] = [
  { name: "4.2 GiB from A", every: DAY, bulk: "up" },
  { name: "4.2 GiB from B", every: DAY, bulk: "down" },
  { name: "each 5 s", every: seconds(5) },
  { name: "each 20 s, one way", every: seconds(20), oneWay: true },
  { name: "each 30 s, with loss", every: seconds(30), loses: true },
  { name: "each minute", every: seconds(60) },
  { name: "each 5 minutes, with loss", every: seconds(300), loses: true },
  { name: "each 10 minutes, one way, with loss", every: seconds(600), oneWay: true, loses: true },
  { name: "each hour", every: seconds(3600) },
  { name: "each 6 hours, keep-alive", every: DAY / 4, keepAlive: seconds(7200) },
  { name: "each day", every: DAY },
  { name: "each day, one way", every: DAY, oneWay: true },
  { name: "each 5 days, with loss", every: 5 * DAY, loses: true },
  { name: "each 23.9 days", every: 23.9 * DAY },
  { name: "each 24.5 days", every: 24.5 * DAY },
  { name: "idle for 25 days", every: seconds(3600), sleeps: 25 * DAY },
  { name: "idle for 30 days, with loss", every: seconds(3600), sleeps: 30 * DAY, loses: true },
  { name: "idle for 40 days, keep-alive", every: DAY, sleeps: 40 * DAY, keepAlive: seconds(7200) },
  { name: "idle for 49.8 days", every: DAY, sleeps: 49.8 * DAY },
  { name: "a keep-alive after 49.9 days", every: DAY, sleeps: 49.95 * DAY, keepAlive: 49.9 * DAY },
];

class Days extends Wire {
  readonly pairs: Pair[] = [];
  readonly end: Instant;
  exchanges = 0;
  private readonly expected = new Map<number, Conn>();

  constructor(seed: number, settings: Partial<Settings>) {
    super({ seed, delay: 20, a: settings, b: settings });
    this.end = instantOf(DAYS * DAY);
    const onConnection = (listener: Listener): void => {
      for (let e = listener.accept(); e !== null; e = listener.accept()) {
        const conn = this.expected.get(e.remotePort)!;
        conn.endpoint = e;
        e.owner = conn;
      }
    };
    this.b.stack.listen({ port: PORT, owner: { onConnection } });
  }

  expects(port: number, conn: Conn): void {
    this.expected.set(port, conn);
  }
}

class Pair {
  readonly w: Days;
  readonly plan: Plan;
  readonly a: Conn;
  readonly b: Conn;
  readonly port: number;
  /** ISS of the end whose numbers begin below the wrap. */
  iss = 0;
  failure = "";

  constructor(w: Days, plan: Plan, n: number) {
    this.w = w;
    this.plan = plan;
    this.port = 50_000 + n;
    this.a = new Conn(w.a);
    this.b = new Conn(w.b);
    w.expects(this.port, this.b);
  }

  /** ms until the ISS of one end would be a little below 2^32. */
  private untilWrap(n: number): number {
    const { a, b, now, rng } = this.w;
    const [side, other] = n % 2 === 0 ? [a, b] : [b, a];
    const [port, otherPort] = n % 2 === 0 ? [this.port, PORT] : [PORT, this.port];
    const { isn } = side.stack as unknown as { readonly isn: IsnGenerator };
    const here = isn.generate(side.address, port, other.address, otherPort, now);
    const wanted = 2 ** 32 - 2 - below(rng, 3000);
    return ((wanted - here) >>> 0) / TICKS;
  }

  *lives(n: number): Script {
    const { a, b, plan, w } = this;
    const wait = this.untilWrap(n) - (n % 2 === 0 ? 0 : 20);
    yield wait < 0 ? wait + 2 ** 32 / TICKS : wait;
    const to = { remoteAddress: w.b.address, remotePort: PORT, localPort: this.port, owner: a };
    a.endpoint = w.a.stack.connect(to);
    yield { holds: () => a.state === "ESTABLISHED" && b.state === "ESTABLISHED", ms: 60_000 };
    if (plan.loses === true) w.lossy.add(w.keyOf(w.a, this.port, PORT));
    this.iss = (n % 2 === 0 ? a : b).endpoint!.info().iss;
    for (const c of [a, b])
      if (plan.keepAlive !== undefined) c.endpoint!.setKeepAlive(true, plan.keepAlive);
    if (plan.bulk !== undefined) yield* this.moves(plan.bulk === "up" ? a : b);
    else yield* this.speaks();
    yield w.end - w.now;
    this.expects(a.state === "ESTABLISHED" && b.state === "ESTABLISHED", "not alive at the end");
    yield* this.sends(a, b, 100);
    a.endpoint!.shutdown();
    b.endpoint!.shutdown();
  }

  private *speaks(): Script {
    const { a, b, plan, w } = this;
    for (let n = 0; ; n++) {
      yield* this.sends(a, b, 1 + below(w.rng, 3000));
      if (plan.oneWay !== true) yield* this.sends(b, a, 1 + below(w.rng, 3000));
      w.exchanges++;
      const rest = plan.every < DAY ? plan.every * RARER : plan.every;
      const pause = n === 0 && plan.sleeps !== undefined ? plan.sleeps : Math.min(rest, 10 * DAY);
      const next = plan.every > DAY ? plan.every : pause;
      if (this.failure !== "" || w.now + next >= w.end) return;
      yield next;
    }
  }

  /** The bulk, an equal part each day. */
  private *moves(from: Conn): Script {
    const { a, b, w } = this;
    const to = from === a ? b : a;
    const part = Math.ceil(BULK / (DAYS - 2));
    while (to.received < BULK && this.failure === "") {
      yield* this.sends(from, to, part);
      w.exchanges++;
      yield DAY * 0.99;
    }
  }

  /** All of it arrives, however often the buffer fills up. */
  private *sends(from: Conn, to: Conn, bytes: number): Script {
    const goal = to.received + bytes;
    let left = bytes;
    const since = this.w.now;
    while (left > 0 && from.maySend) {
      left -= from.sends(left);
      if (left > 0) yield { holds: () => from.endpoint!.sendSpace > 0, ms: 60_000 };
      if (this.w.now - since > DAY / 2) break;
    }
    yield { holds: () => to.received >= goal || from.closed || to.closed, ms: 600_000 };
    this.expects(to.received === goal, `${to.received} of ${goal} bytes`);
  }

  private expects(holds: boolean, what: string): void {
    if (holds || this.failure !== "") return;
    const ends = [this.a, this.b].map((c) => `${c.state} ${c.error?.code ?? ""}`).join(", ");
    this.failure = `${this.plan.name}: day ${(this.w.now / DAY).toFixed(1)}: ${what} (${ends})`;
  }
}

function run(plans: readonly Plan[], settings: Partial<Settings>): Days {
  const w = new Days(20_251_122, settings);
  plans.forEach((plan, n) => {
    const pair = new Pair(w, plan, n);
    w.pairs.push(pair);
    w.starts(pair.lives(n), n);
  });
  for (let day = 1; day <= DAYS; day++) {
    w.runs(day * DAY);
    progress(`day ${day}, ${w.exchanges} exchanges, ${w.packets} packets`);
  }
  w.runs(Infinity);
  return w;
}

function check(w: Days, label: string, began: number): void {
  expect(w.pairs.map((p) => p.failure).filter((f) => f !== "")).toEqual([]);
  for (const { a, b, plan, iss } of w.pairs) {
    expect([a.wrong, b.wrong], plan.name).toEqual([0, 0]);
    expect([b.received, a.received], plan.name).toEqual([a.sent, b.sent]);
    expect([a.error, b.error], plan.name).toEqual([null, null]);
    expect(iss, plan.name).toBeGreaterThan(2 ** 32 - 20_000);
  }
  for (const { name, stack } of [w.a, w.b]) {
    expect(stack.connections(), name).toEqual([]);
    expect([stack.memoryUsed, stack.nextTimeout()], name).toEqual([0, Infinity]);
  }
  const moved = w.pairs.reduce((n, p) => n + p.a.sent + p.b.sent, 0);
  const connections = `${w.pairs.length} connections ${label}`;
  figure(connections, `${w.exchanges} exchanges, ${(moved / GIB).toFixed(2)} GiB, all right`);
  figure(`packets, ${label}`, `${w.packets}`);
  figure(`CPU seconds, ${label}`, (cpuSeconds() - began).toFixed(0));
}

test("twenty connections live for fifty days, none is lost to PAWS or to a wrap [7323-5.5-OLD] [9293-3.4-MOD]", () => {
  const began = cpuSeconds();
  const w = run(PLANS, {});
  check(w, "with timestamps", began);
  const dropped =
    w.a.stack.counters.get("TcpExtPAWSEstab") + w.b.stack.counters.get("TcpExtPAWSEstab");
  figure("segments that PAWS dropped (doubled or overtaken ones)", `${dropped}`);
  const probed = w.a.stack.counters.get("TcpExtTCPKeepAlive");
  expect(probed).toBeGreaterThan(DAYS * 11);
});

test("so do connections without timestamps [9293-3.4-MOD]", () => {
  const began = cpuSeconds();
  const plans = PLANS.filter((p) => p.bulk === undefined && p.every >= seconds(300));
  check(run(plans, { tcp_timestamps: 0 }), "without timestamps", began);
});
