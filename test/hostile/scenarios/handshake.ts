/** Rows H050 to H063: many at once, numbers that must not be guessed, and handshakes that go other ways. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { below, seededRng } from "../../../src/base/rng.ts";
import {
  times,
  ACK,
  CLOSED_PORT,
  ECHO,
  HONEST,
  icmp,
  mss,
  options,
  PEER,
  RST,
  sackOk,
  type Seen,
  SINK,
  SYN,
  tcp,
  timestamps,
  wscale,
} from "../support/packet.ts";
import { aside } from "../support/aside.ts";
import { MemoryWorld } from "../support/memory-world.ts";
import { Peer } from "../support/peer.ts";
import { honestEcho } from "../support/invariants.ts";
import { FULL, type Scenario, type World } from "../support/world.ts";

const rng = seededRng(4711);
const anyone = (): number => 0xc6336400 + below(rng, 250) + 1; // 198.51.100.0/24
const anyPort = (): number => 1024 + below(rng, 60000);
const anyNumber = (): number => rng.i32() >>> 0;

/** Bytes of heap and buffers, after the collector. */
export function memoryUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * `count` packets at 20,000 a second with honest peers among them, one for each `every`; how the honest ones fared, ms, and
 * what came back to everybody else.
 */
async function flood(
  w: World,
  count: number,
  every: number,
  make: (n: number) => Uint8Array,
  heard: (s: Seen) => void = () => {},
): Promise<(number | string)[]> {
  const honest: (number | string)[] = [];
  for (let n = 0; n < count;) {
    const batch: Uint8Array[] = [];
    for (let i = 0; i < every && n < count; i++, n++) batch.push(make(n));
    w.put(...batch);
    await w.waits(every / 20);
    await w.settle();
    for (const s of w.inbox.splice(0)) heard(s);
    honest.push(await honestEcho(w, 3000));
  }
  return honest;
}

function served(honest: readonly (number | string)[]): void {
  const within = (ms: number): number =>
    honest.filter((t) => typeof t === "number" && t <= ms).length / honest.length;
  expect(within(1000)).toBeGreaterThanOrEqual(0.99);
  expect(within(3000)).toBe(1);
}

const FULL_OPTIONS = options(mss(1460), sackOk, timestamps(1, 0), [1], wscale(7));

async function H050(w: World): Promise<void> {
  const before = memoryUsed();
  const count = FULL ? 1_000_000 : w.virtual ? 40_000 : 20_000;
  let most = 0;
  const honest = await flood(w, count, 500, () =>
    tcp({
      source: anyone(),
      sport: anyPort(),
      dport: ECHO,
      seq: anyNumber(),
      flags: SYN,
      tcpOptions: FULL_OPTIONS,
    }),
  );
  most = (await w.app.residue()).halfOpen;
  served(honest);
  expect(most).toBeLessThanOrEqual(1024);
  if (w.virtual) expect(memoryUsed() - before).toBeLessThan(16 * 1024 * 1024);
}

async function H051(w: World): Promise<void> {
  await aside(w, { settings: { tcp_syncookies: 2 } }, async (v) => {
    const p = new Peer(v);
    expect(await p.says("S", 0, 0, 0, { tcpOptions: options(mss(1000)) })).toEqual([
      "S. 0:0(0) ack 1",
    ]);
    expect((await v.app.residue()).entries).toBe(0);
    expect(await p.says(".", 1, 2)).toEqual(["R 2:2(0)"]);
    const elsewhere = new Peer(v, { port: p.port + 1, isn: p.isn });
    elsewhere.iss = p.iss;
    expect(await elsewhere.says(".", 1, 1)).toEqual(["R 1:1(0)"]);
    const other = new Peer(v, { port: p.port, isn: p.isn, address: HONEST });
    other.iss = p.iss;
    expect(await other.says(".", 1, 1)).toEqual(["R 1:1(0)"]);
    expect(await p.says(".", 1, 1)).toEqual([]);
    expect(await v.app.told(p.port)).toMatchObject({ state: "ESTABLISHED" });
    const info = await v.app.info(p.port);
    expect(info.sndMss).toBeGreaterThan(500);
    expect(info.sndMss).toBeLessThanOrEqual(1000);
    expect(info).toMatchObject({ sack: false, sndWscale: -1 });
    const late = new Peer(v);
    await late.says("S", 0);
    await v.waits(200_000);
    expect(await late.says(".", 1, 1)).toEqual(["R 1:1(0)"]);
    const accepted = await v.app.accepted();
    await new Peer(v).says("S", 0);
    let resets = 0;
    v.onSent = (s) => void (resets += (s.flags & RST) === 0 ? 0 : 1);
    for (let n = 0; n < (FULL ? 1_000_000 : 100_000); n++) {
      v.put(
        tcp({
          sport: 1024 + (n % 60000),
          dport: SINK,
          seq: anyNumber(),
          ack: anyNumber(),
          flags: ACK,
        }),
      );
      if (n % 1000 === 0) await v.waits(50);
    }
    v.onSent = null;
    expect(await v.app.accepted()).toBe(accepted);
    expect(resets).toBeGreaterThan(0);
  });
  // no cookie was sent: an ACK for nobody is refused without a look
  const p = new Peer(w);
  expect(await p.says(".", 1, 55)).toEqual(["R 55:55(0)"]);
}

async function H052(w: World): Promise<void> {
  const p = new Peer(w);
  for (let i = 0; i < 11; i++) w.put(p.make("S", 0));
  await p.hears();
  const atOnce = p.last.length;
  expect(p.last.every((s) => s.flags === (SYN | ACK))).toBe(true);
  expect((await w.app.residue()).halfOpen).toBe(1);
  await w.waits(w.virtual ? 200_000 : 2500);
  await p.hears();
  expect(p.last.length).toBeGreaterThan(0);
  expect(p.last.length).toBeLessThanOrEqual(6);
  expect(atOnce + p.last.length).toBeLessThanOrEqual(6 * 11);
  const gaps = p.last.map((s, i) => s.at - (i === 0 ? 0 : p.last[i - 1]!.at));
  if (w.virtual) {
    for (let i = 2; i < gaps.length; i++) expect(gaps[i]! / gaps[i - 1]!).toBeCloseTo(2, 1);
    expect(await w.app.residue()).toMatchObject({ halfOpen: 0, entries: 0 });
  }
}

async function H053(w: World): Promise<void> {
  const count = w.virtual ? (FULL ? 1_000_000 : 40_000) : 10_000;
  const began = w.now;
  let resets = 0;
  let others = 0;
  const heard = (s: Seen): void => {
    if ((s.flags & RST) !== 0) resets++;
    else if (s.destination !== HONEST) others++;
  };
  const from = (flags: number, dport: number) => (): Uint8Array =>
    tcp({ source: anyone(), sport: anyPort(), dport, seq: anyNumber(), ack: anyNumber(), flags });
  for (const make of [from(ACK, SINK), from(ACK, CLOSED_PORT), from(SYN | ACK, SINK)]) {
    served(await flood(w, count, 1000, make, heard));
  }
  const afterAcks = resets;
  served(await flood(w, count, 1000, from(RST, SINK), heard));
  expect(resets).toBe(afterAcks);
  expect(others).toBe(0);
  expect(await w.app.residue()).toMatchObject({ halfOpen: 0 });
  const seconds = (w.now - began) / 1000;
  expect(resets).toBeLessThanOrEqual(1000 * (seconds + 1));
}

async function H054(w: World): Promise<void> {
  const backlog = w.virtual ? 128 : 128;
  await w.app.acceptsFromNowOn(false);
  const peers = Array.from({ length: backlog * (w.virtual ? 10 : 3) }, () => new Peer(w));
  for (const p of peers) w.put(p.make("S", 0));
  await w.settle();
  for (const p of peers) p.last = p.take();
  const answered = peers.filter((p) => p.last.length > 0);
  for (const p of answered) w.put(p.make(".", 1, 1));
  for (const p of answered) w.put(p.make("P.", 1, 1, 10));
  await w.waits(100);
  await w.settle();
  const confirms = (p: Peer): boolean =>
    p.take().some((s) => (s.flags & (SYN | RST)) === 0 && ((s.ack - p.isn) | 0) === 11);
  const confirmed = new Set(answered.filter(confirms));
  expect(confirmed.size).toBeGreaterThan(backlog / 2);
  expect(confirmed.size).toBeLessThanOrEqual(backlog + 1);
  await w.app.acceptsFromNowOn(true);
  for (let round = 0; round < 4; round++) {
    for (const p of answered) if (!confirmed.has(p)) w.put(p.make("P.", 1, 1, 10));
    await w.waits(100);
    await w.settle();
    for (const p of answered) if (confirms(p)) confirmed.add(p);
  }
  for (const p of confirmed) expect(await w.app.told(p.port)).toMatchObject({ length: 10 });
  expect(confirmed.size).toBeGreaterThan(backlog);
  w.inbox = [];
}

/** S's ISN for the peer of that address and port; the half-open connection is taken back. */
async function isnFor(w: World, address: number, port: number): Promise<number> {
  const p = new Peer(w, { address, port });
  await p.says("S", 0);
  await p.says("R", 1);
  return p.iss;
}

async function H055(w: World): Promise<void> {
  const tuples = w.virtual ? 10_000 : 1000;
  const isns: number[] = [];
  for (let n = 0; n < tuples; n++) isns.push(await isnFor(w, 0xc6336401 + (n % 100), 2000 + n));
  expect(new Set(isns).size).toBe(tuples);
  const buckets = times(256, 0);
  const steps = new Map<number, number>();
  for (let i = 1; i < tuples; i++) {
    const step = (isns[i]! - isns[i - 1]!) >>> 0;
    buckets[step >>> 24]!++;
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  const expected = (tuples - 1) / 256;
  const chi = buckets.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  expect(chi).toBeLessThan(330); // 255 degrees of freedom, 0.001
  expect(Math.max(...steps.values())).toBe(1);
  let last = await isnFor(w, PEER, 1999);
  for (let n = 0; n < (w.virtual ? 1000 : 20); n++) {
    await w.waits(10);
    const next = await isnFor(w, PEER, 1999);
    expect((next - last) | 0).toBeGreaterThan(0);
    last = next;
  }
  if (!w.virtual) return;
  // a restart has another key
  const again = new MemoryWorld({ seed: 99 });
  let same = 0;
  for (let n = 0; n < 1000; n++) {
    if ((await isnFor(again, 0xc6336401 + (n % 100), 2000 + n)) === isns[n]) same++;
  }
  expect(same).toBeLessThan(3);
}

/** Local ports of `count` opens. */
async function ports(
  w: World,
  count: number,
  to: (n: number) => readonly [number, number],
): Promise<number[]> {
  const out: number[] = [];
  for (let n = 0; n < count; n++) {
    const [remote, port] = to(n);
    out.push(Number((await w.app.connect(port, 0, remote)).split(":")[1]));
  }
  await w.settle();
  w.inbox = [];
  return out;
}

async function H056(w: World): Promise<void> {
  const one = await ports(w, 200, () => [PEER, 80]);
  expect(new Set(one).size).toBe(200);
  const many = await ports(w, 200, (n) => [0xc6336400 + 1 + n, 80]);
  // to one destination the counter moves on by a random step; to others it says nothing
  for (const [list, most] of [
    [one, 60],
    [many, 5],
  ] as const) {
    expect(list.every((p) => p >= 1024 && p <= 65535)).toBe(true);
    const steps = new Map<number, number>();
    for (let i = 1; i < list.length; i++) {
      const step = list[i]! - list[i - 1]!;
      steps.set(step, (steps.get(step) ?? 0) + 1);
    }
    expect(Math.max(...steps.values())).toBeLessThan(most);
  }
}

async function H057(w: World): Promise<void> {
  const ping = async (address: number, count: number): Promise<number[]> => {
    for (let i = 0; i < count; i++) w.put(icmp({ source: address }, 8, 0, i, new Uint8Array(8)));
    await w.settle();
    return w.inbox
      .splice(0)
      .filter((s) => s.destination === address)
      .map((s) => s.id);
  };
  const all = await ping(PEER, 1000);
  expect(new Set(all).size).toBe(1000);
  // what a peer sees between two packets says nothing of what another was sent
  const gaps: number[] = [];
  for (const others of [0, 50, 0, 200, 100]) {
    const [a] = await ping(PEER, 1);
    if (others > 0) await ping(HONEST, others);
    const [b] = await ping(PEER, 1);
    gaps.push((b! - a!) & 0xffff);
  }
  const asCount = (k: number, others: number): boolean =>
    Math.abs(gaps[k]! - gaps[0]! - others) < 3;
  expect(asCount(1, 50) && asCount(3, 200) && asCount(4, 100)).toBe(false);
  const p = await new Peer(w).open();
  await w.app.write(p.port, 30_000);
  await p.hears();
  expect(p.last.every((s) => s.df)).toBe(true);
}

async function H058(w: World): Promise<void> {
  await aside(w, { settings: { ip_local_port_range: [50000, 50099] } }, async (v) => {
    const used: string[] = [];
    for (let n = 0; n < 100; n++) used.push(await v.app.connect(80, 0));
    expect(new Set(used).size).toBe(100);
    for (let n = 0; n < 50; n++) {
      const began = performance.now();
      expect(await v.app.connect(80, 0)).toBe("EADDRNOTAVAIL");
      expect(performance.now() - began).toBeLessThan(50);
    }
    expect(await v.app.connect(80, 0, HONEST)).toMatch(/:50\d\d\d$/);
    await v.app.endAll();
    await v.waits(200_000);
    expect(await v.app.connect(80, 0)).toMatch(/:50\d\d\d$/);
    v.inbox = [];
  });
  // the same of a port that is asked for twice
  await w.app.connect(81, 40_000);
  expect(await w.app.connect(81, 40_000)).toBe("EADDRINUSE");
  w.inbox = [];
}

async function H060(w: World): Promise<void> {
  for (const how of [".", "S.", "P."]) {
    const p = await new Peer(w).called();
    expect(await p.says("S", 0)).toEqual(["S. 0:0(0) ack 1"]);
    if (how === ".") expect((await p.says("S", 0)).length).toBeLessThanOrEqual(1);
    if (how === "S.") await p.says("S.", 0, 1);
    else await p.says(how, 1, 1, how === "P." ? 30 : 0);
    if (how !== "P.") await p.says("P.", 1, 1, 30);
    const told = await w.app.told(p.port);
    expect(told).toMatchObject({ state: "ESTABLISHED", length: 30 });
    expect(told!.events.filter((e) => e === "established")).toEqual(["established"]);
  }
  expect(await w.app.accepted()).toBe(0);
  expect((await w.app.states()).length).toBe(3);
}

async function H061(w: World): Promise<void> {
  for (const ackFirst of [true, false]) {
    const p = await new Peer(w).called();
    if (ackFirst) {
      expect(await p.says(".", 0, 1)).toEqual([]);
      expect((await w.app.told(p.port))!.state).toBe("SYN-SENT");
    }
    expect(await p.says("S", 0)).toEqual(["S. 0:0(0) ack 1"]);
    await p.says(".", 1, 1);
    const told = await w.app.told(p.port);
    expect(told!.state).toBe("ESTABLISHED");
    expect(told!.events).toEqual(["established"]);
  }
  expect(await w.app.accepted()).toBe(0);
}

async function H062(w: World): Promise<void> {
  const p = await new Peer(w).called();
  expect(await p.says("S.", 0, 0)).toEqual(["R 0:0(0)"]);
  expect(await p.says("S.", 0, 2)).toEqual(["R 2:2(0)"]);
  expect(await p.says("S.", 0, 0x80000000)).toHaveLength(1);
  expect(p.last[0]).toMatchObject({ flags: RST, seq: (p.iss + 0x80000000) >>> 0 });
  expect(await p.says(".", 0, 0)).toEqual(["R 0:0(0)"]);
  expect(await p.says("R", 0)).toEqual([]);
  expect(await p.says("R.", 0, 0)).toEqual([]);
  expect(await p.says("R.", 0, 2)).toEqual([]);
  expect((await w.app.told(p.port))!.state).toBe("SYN-SENT");
  expect(await p.says("S.", 0, 1)).toEqual([". 1:1(0) ack 1"]);
  expect((await w.app.told(p.port))!.state).toBe("ESTABLISHED");
  const q = await new Peer(w).called();
  expect(await q.says("R.", 0, 1)).toEqual([]);
  expect(await w.app.told(q.port)).toMatchObject({ state: "CLOSED", error: "ECONNREFUSED" });
}

async function H063(w: World): Promise<void> {
  const p = await new Peer(w).open();
  await p.says("P.", 1, 1, 20);
  await w.waits(100);
  p.take();
  expect(await p.says("S", 5000)).toEqual([". 1:1(0) ack 21"]);
  expect(await p.says("S", 50_000_000)).toEqual([". 1:1(0) ack 21"]);
  expect((await w.app.told(p.port))!.state).toBe("ESTABLISHED");
  expect(await p.says("R", 21)).toEqual([]);
  expect(await w.app.told(p.port)).toMatchObject({ state: "CLOSED", error: "ECONNRESET" });
  const again = await new Peer(w, { port: p.port, isn: p.isn + 50_000_000 }).open();
  await again.says("P.", 1, 1, 7);
  expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", length: 7 });
}

export const HANDSHAKE: Record<string, Scenario> = {
  H050,
  H051,
  H052,
  H053,
  H054,
  H055,
  H056,
  H057,
  H058,
  H060,
  H061,
  H062,
  H063,
};
