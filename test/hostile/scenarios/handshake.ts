/** Rows H050 to H063: many at once, numbers that must not be guessed, and handshakes that go other ways. */
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
import { Peer } from "../support/peer.ts";
import { honestEcho } from "../support/invariants.ts";
import { type Scenario, sized, type World } from "../support/world.ts";

const rng = seededRng(4711);
const anyone = (): number => 0xc6336400 + below(rng, 250) + 1; // 198.51.100.0/24
const anyPort = (): number => 1024 + below(rng, 60000);
const anyNumber = (): number => rng.i32() >>> 0;

/**
 * `count` packets at 20,000 a second; in the middle of each `every` of them `atOnce` honest peers, who open while the rest comes.
 * How these fared, ms, and what came back to everybody else.
 */
async function flood(
  w: World,
  count: number,
  every: number,
  make: (n: number) => Uint8Array,
  heard: (s: Seen) => void = () => {},
  look: () => Promise<void> = () => Promise.resolve(),
  atOnce = 1,
): Promise<(number | string)[]> {
  const honest: (number | string)[] = [];
  for (let n = 0; n < count;) {
    const batch: Uint8Array[] = [];
    for (let i = 0; i < every && n < count; i++, n++) batch.push(make(n));
    const half = batch.length >> 1;
    w.put(...batch.slice(0, half));
    // each has put its SYN when this returns
    const some = Array.from({ length: atOnce }, async () => await honestEcho(w, 3000));
    w.put(...batch.slice(half));
    honest.push(...(await Promise.all(some)));
    await w.waits(every / 20);
    await w.settle();
    for (const s of w.inbox.splice(0)) heard(s);
    await look();
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
  const before = await w.memory();
  let most = 0;
  let timers = 0;
  const look = async (): Promise<void> => {
    const residue = await w.app.residue();
    most = Math.max(most, residue.halfOpen);
    timers = Math.max(timers, residue.timers);
  };
  const syn = (): Uint8Array =>
    tcp({
      source: anyone(),
      sport: anyPort(),
      dport: ECHO,
      seq: anyNumber(),
      flags: SYN,
      tcpOptions: FULL_OPTIONS,
    });
  served(await flood(w, sized(w, 1_000_000, 40_000, 20_000), 2000, syn, () => {}, look, 50));
  // what an entry costs is test/stack/syn-queue-memory.test.ts's to weigh
  expect(most).toBeLessThanOrEqual(1024);
  expect(timers).toBeLessThanOrEqual(1024 + 50);
  await w.app.forgetAll(); // what the program noted of 25,000 honest peers is no memory of the stack's
  expect((await w.memory()) - before).toBeLessThan(16 * 1024 * 1024);
}

async function H051(w: World): Promise<void> {
  await aside(w, "H051", { settings: { tcp_syncookies: 2 } }, async (v) => {
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
    const guesses = sized(w, 1_000_000, 100_000, 20_000);
    for (let n = 0; n < guesses; n++) {
      v.put(
        tcp({
          sport: 1024 + (n % 60000),
          dport: SINK,
          seq: anyNumber(),
          ack: anyNumber(),
          flags: ACK,
        }),
      );
      if (n % 1000 !== 999) continue;
      await v.waits(50);
      await v.settle();
      resets += v.inbox.splice(0).filter((s) => (s.flags & RST) !== 0).length;
    }
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
  await w.waits(200_000);
  await p.hears();
  expect(p.last.length).toBeGreaterThan(0);
  expect(p.last.length).toBeLessThanOrEqual(6);
  expect(atOnce + p.last.length).toBeLessThanOrEqual(6 * 11);
  const gaps = p.last.map((s, i) => s.at - (i === 0 ? 0 : p.last[i - 1]!.at));
  for (let i = 2; i < gaps.length; i++) expect(gaps[i]! / gaps[i - 1]!).toBeCloseTo(2, 1);
  expect(await w.app.residue()).toMatchObject({ halfOpen: 0, entries: 0 });
}

async function H053(w: World): Promise<void> {
  const count = sized(w, 1_000_000, 40_000, 10_000);
  const before = await w.memory();
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
  expect(await w.app.residue()).toMatchObject({ halfOpen: 0, entries: 0, timers: 0 });
  expect((await w.memory()) - before).toBeLessThan(16 * 1024 * 1024);
  const seconds = (w.now - began) / 1000;
  expect(resets).toBeLessThanOrEqual(1000 * (seconds + 1));
}

async function H054(w: World): Promise<void> {
  const backlog = 128;
  await w.app.acceptsFromNowOn(false);
  const peers = Array.from({ length: backlog * 10 }, () => new Peer(w));
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
  expect((await w.app.residue()).buffered).toBeLessThanOrEqual(10 * (backlog + 1));
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

/** S's ISNs for those peers; the half-open connections are taken back. */
async function isnsFor(
  w: World,
  places: readonly (readonly [number, number])[],
): Promise<number[]> {
  const out: number[] = [];
  for (let from = 0; from < places.length; from += 500) {
    const peers = places
      .slice(from, from + 500)
      .map(([address, port]) => new Peer(w, { address, port }));
    w.put(...peers.map((p) => p.make("S", 0)));
    await w.settle();
    const isns = new Map(w.inbox.splice(0).map((s) => [`${s.destination}:${s.dport}`, s.seq]));
    for (const p of peers) out.push(isns.get(`${p.address}:${p.port}`)!);
    w.put(...peers.map((p) => p.make("R", 1)));
    await w.settle();
  }
  return out;
}

async function H055(w: World): Promise<void> {
  const tuples = 10_000;
  const places = Array.from(
    { length: tuples },
    (_, n) => [0xc6336401 + (n % 100), 2000 + n] as const,
  );
  const isns = await isnsFor(w, places);
  // of 10,000 that are drawn at random two are the same once in a hundred runs
  expect(new Set(isns).size).toBeGreaterThanOrEqual(tuples - 1);
  const buckets = times(256, 0);
  const steps = new Map<number, number>();
  for (let i = 1; i < tuples; i++) {
    const step = (isns[i]! - isns[i - 1]!) >>> 0;
    buckets[step >>> 24]!++;
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  const expected = (tuples - 1) / 256;
  const chi = buckets.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // 255 degrees of freedom: 0.001, and where the key is another each time, one in 10,000,000
  expect(chi).toBeLessThan(w.inMemory ? 330 : 380);
  expect(Math.max(...steps.values())).toBeLessThanOrEqual(w.inMemory ? 1 : 2);
  let [last] = await isnsFor(w, [[PEER, 1999]]);
  const later = (isn: number): void => {
    expect((isn - last!) | 0).toBeGreaterThan(0);
    last = isn;
  };
  for (let n = 0; n < sized(w, 1000, 1000, 200); n++) {
    await w.waits(10);
    later((await isnsFor(w, [[PEER, 1999]]))[0]!);
  }
  // and where each use of the pair ends in TIME-WAIT
  for (let n = 0; n < 10; n++) {
    await w.waits(10);
    const p = await new Peer(w, { port: 1999 }).open();
    later(p.iss);
    await w.app.close(p.port);
    await p.hears();
    await p.says("F.", 1, 2);
    expect((await w.app.told(p.port))!.state).toBe("TIME-WAIT");
    await w.waits(60_001);
  }
  // a restart has another key
  await w.restarts();
  const again = await isnsFor(w, places.slice(0, 1000));
  expect(again.filter((isn, n) => isn === isns[n]).length).toBeLessThan(3);
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
  await aside(w, "H058", { settings: { ip_local_port_range: [50000, 50099] } }, async (v) => {
    const used: string[] = [];
    let quickest = Infinity;
    for (let n = 0; n < 100; n++) used.push(await v.app.connect(80, 0));
    expect(new Set(used).size).toBe(100);
    for (let n = 0; n < 50; n++) {
      const began = performance.now();
      expect(await v.app.connect(80, 0)).toBe("EADDRNOTAVAIL");
      quickest = Math.min(quickest, performance.now() - began);
    }
    expect(quickest).toBeLessThan(5);
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
