/** Rows H080 to H088: peers that cost memory and time: slow ones, silent ones, and many holes. */
import { expect } from "vitest";
import { below, seededRng } from "../../../src/base/rng.ts";
import { DEFAULT_SETTINGS } from "../../../src/tcp/config.ts";
import { times, ECHO, mss, options, sack, sackOk, type Seen, wscale } from "../support/packet.ts";
import { aside } from "../support/aside.ts";
import { hearAll, openMany, places } from "../support/many.ts";
import { Peer } from "../support/peer.ts";
import { honestEcho } from "../support/invariants.ts";
import { bestOf } from "../../support/best-of.ts";
import { type Scenario, sized, SLACK, spentFor, type World } from "../support/world.ts";

const rng = seededRng(31);

const endOf = (p: Peer, s: Seen): number => ((s.seq - p.iss) | 0) + s.payload.length;

const many = async (w: World, count: number, to?: number): Promise<Peer[]> =>
  await openMany(w, places(count, to));

/** The program writes to each of them, what there is room for or all of it, and each takes what its window held and shuts it. */
async function shut(
  w: World,
  peers: readonly Peer[],
  bytes: number,
  waits: boolean,
): Promise<Map<Peer, number>> {
  const acked = new Map<Peer, number>();
  for (const p of peers) {
    const size = waits ? Math.min(bytes, await w.app.sendSpace(p.port)) : bytes;
    await w.app.write(p.port, size);
    await p.hears();
    p.window = 0;
    const last = Math.max(1, ...p.last.map((s) => endOf(p, s)));
    w.put(p.make(".", 1, last));
    acked.set(p, last);
  }
  return acked;
}

/** Time goes by, and every probe is answered: the window stays shut. When each of them heard something. */
async function persists(
  w: World,
  acked: ReadonlyMap<Peer, number>,
  rounds: number,
  step: number,
): Promise<Map<Peer, number[]>> {
  const peers = [...acked.keys()];
  const probes = new Map<Peer, number[]>(peers.map((p) => [p, []]));
  const honest: (number | string)[] = [];
  for (let n = 0; n < rounds; n++) {
    await w.waits(step);
    await hearAll(w, peers);
    for (const p of peers) {
      probes.get(p)!.push(...p.last.map((s) => s.at));
      if (p.last.length > 0) w.put(p.make(".", 1, acked.get(p)!));
    }
    honest.push(await honestEcho(w, 1000));
  }
  expect(honest.filter((took) => typeof took !== "number")).toEqual([]);
  return probes;
}

async function H080(w: World): Promise<void> {
  const count = sized(w, 5000, 200, 50);
  const peers = await many(w, count);
  const acked = await shut(w, peers, 1_000_000, true);
  const bounded = async (): Promise<void> => {
    const { account } = await w.app.residue();
    expect(account).toBeLessThanOrEqual(DEFAULT_SETTINGS.tcp_mem[2] + count * 2048);
    expect(account).toBeGreaterThan(0);
  };
  await bounded();
  const probes = await persists(w, acked, 60, 20_000);
  await bounded();
  const isOpen: boolean[] = [];
  for (const p of peers) isOpen.push((await w.app.told(p.port))!.state === "ESTABLISHED");
  const open = peers.filter((_, n) => isOpen[n]);
  // the cap of all buffers is reached at full size only: those that are stuck longest went first
  if (count < 1000) expect(open.length).toBe(count);
  else expect(isOpen.lastIndexOf(false), "the longest first").toBeLessThan(isOpen.indexOf(true));
  for (const p of open.slice(0, 5)) {
    const times = probes.get(p)!;
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(60_000);
    expect((await w.app.info(p.port)).sendQueued).toBeLessThanOrEqual(4_194_304 + 65_536);
  }
  const one = open[0]!;
  await w.app.userTimeout(one.port, 30_000);
  await w.waits(400_000);
  expect(await w.app.told(one.port)).toMatchObject({ error: "ETIMEDOUT" });
  // the cap of all buffers: those that are stuck longest go first, and new peers are served
  const cap = 16 * 1024 * 1024;
  await aside(w, "H080", { settings: { tcp_mem: [cap / 2, cap / 2, cap] } }, async (v) => {
    const crowd = await many(v, 60);
    const stuck = await shut(v, crowd, 1_000_000, false);
    await persists(v, stuck, 20, 5000);
    const { account } = await v.app.residue();
    expect(account).toBeLessThanOrEqual(cap + 60 * 65_536);
    const open: boolean[] = [];
    for (const p of crowd) open.push((await v.app.told(p.port))!.state === "ESTABLISHED");
    expect(open).toContain(false);
    expect(open.lastIndexOf(false), "the longest first").toBeLessThan(open.indexOf(true));
    expect((await v.app.counters())["TcpExtTCPAbortOnMemory"]).toBeGreaterThan(0);
  });
}

async function H081(w: World): Promise<void> {
  const count = sized(w, 1000, 20, 5);
  // (a) a window of 4 bytes: small segments come one at a time, with the override timer between
  const small = await many(w, count);
  const acked = new Map(small.map((p) => [p, 1]));
  for (const p of small) {
    p.window = 4;
    w.put(p.make(".", 1, 1));
    await w.app.write(p.port, 5000);
  }
  const sent = new Map<Peer, Seen[]>(small.map((p) => [p, []]));
  for (let n = 0; n < 600; n++) {
    await w.waits(100);
    await hearAll(w, small);
    for (const p of small) {
      if (p.last.length === 0) continue;
      sent.get(p)!.push(...p.last);
      acked.set(p, Math.max(acked.get(p)!, ...p.last.map((s) => endOf(p, s))));
      w.put(p.make(".", 1, acked.get(p)!));
    }
  }
  for (const [p, all] of sent) {
    expect(all.length).toBeGreaterThan(10);
    expect(all.every((s) => s.payload.length <= 4)).toBe(true);
    const gaps = all.slice(1).map((s, i) => s.at - all[i]!.at);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
    expect((await w.app.info(p.port)).sendQueued).toBe(5001 - acked.get(p)!);
    await w.app.abort(p.port);
  }
  // (b) one byte a minute
  const slow = await many(w, count);
  for (const p of slow) await w.app.write(p.port, 5000);
  for (let n = 1; n <= 20; n++) {
    await w.waits(60_000);
    for (const p of slow) w.put(p.make(".", 1, 1 + n));
  }
  await w.settle();
  for (const p of slow) {
    expect((await w.app.told(p.port))!.state).toBe("ESTABLISHED");
    expect((await w.app.info(p.port)).sendQueued).toBe(4980);
    await w.app.abort(p.port);
  }
  w.inbox = [];
  // (c) silence from the first byte on, (d) after some of them
  for (const some of [1, 1461]) {
    const silent = await many(w, count);
    const began = w.now;
    for (const p of silent) {
      await w.app.write(p.port, 20_000);
      w.put(p.make(".", 1, some));
    }
    await w.settle();
    await w.waits(100_000 - (w.now - began) - 1);
    expect((await w.app.states()).length).toBe(count);
    // Linux's 15 retransmissions are a little more than 15 minutes
    await w.waits(16 * 60_000 - (w.now - began));
    for (const p of silent) expect((await w.app.told(p.port))!.error).toBe("ETIMEDOUT");
    expect(await w.app.residue()).toMatchObject({ entries: 0, timers: 0, buffered: 0, account: 0 });
    w.inbox = [];
  }
}

async function H082(w: World): Promise<void> {
  const count = sized(w, 10_000, 1000, 500);
  const before = await w.memory();
  const peers = await many(w, count, ECHO);
  for (let n = 0; n < 6; n++) {
    await w.waits(10_000);
    w.put(...peers.map((p) => p.make("P.", 1 + n, 1 + n, 1)));
    await w.settle();
    expect(w.inbox.filter((s) => s.payload.length === 1).length).toBeGreaterThanOrEqual(count);
    w.inbox = [];
    w.put(...peers.map((p) => p.make(".", 2 + n, 2 + n)));
  }
  for (let n = 0; n < 6; n++) {
    w.put(...peers.map((p) => p.make("P.", 100 + 2 * n, 7, 1)));
    await w.waits(1000);
    await w.settle();
    w.inbox = [];
  }
  expect(((await w.memory()) - before) / count).toBeLessThan(16_384);
  expect(await w.app.states()).toHaveLength(count);
  // nobody asked for keep-alive: three hours without a word
  await w.waits(3 * 3_600_000);
  await w.settle();
  expect(w.inbox).toEqual([]);
  expect(await w.app.states()).toHaveLength(count);
}

async function H083(w: World): Promise<void> {
  const settings = { tcp_rmem: [4096, 1_048_576, 6_291_456] as const };
  await aside(w, "H083", { settings }, async (v) => {
    const p = new Peer(v);
    await p.open(options(mss(1460), sackOk, wscale(7)));
    const count = sized(w, 100_000, 40_000, 10_000);
    let [acks, widest, took] = [0, 0, 0];
    const wrong: [number, number][] = [];
    for (let n = 0; n < count; n += 5000) {
      const segments = Array.from({ length: 5000 }, () =>
        p.make(".", 2 + below(rng, 1_000_000), 1, 1),
      );
      took += await spentFor(v, async () => await Promise.resolve(v.put(...segments)));
      await p.hears();
      acks += p.last.length;
      for (const s of p.last) {
        const blocks = s.options.get(5);
        widest = Math.max(widest, blocks?.length ?? 0);
        // what is told is beyond the hole, and not empty
        for (let at = 0; at < (blocks?.length ?? 0); at += 8) {
          const view = Buffer.from(blocks!.subarray(at, at + 8));
          const [left, right] = [view.readUInt32BE(0), view.readUInt32BE(4)];
          if (((left - p.isn) | 0) <= 1 || ((right - left) | 0) <= 0) wrong.push([left, right]);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(took).toBeLessThan(2000 * SLACK);
    expect(acks).toBeGreaterThan(0);
    expect(widest).toBeGreaterThan(0);
    expect((await v.app.info(p.port)).outOfOrderBytes).toBeLessThanOrEqual(1024);
    // a piece is counted with what surrounds it
    const { account } = await v.app.residue();
    expect(account).toBeLessThanOrEqual(1024 * 512);
    await p.says("P.", 1, 1, 1);
    const { length } = (await v.app.told(p.port))!;
    expect(length).toBeGreaterThanOrEqual(1);
    await p.says("P.", length + 1, 1, 500);
    expect((await v.app.told(p.port))!.length).toBeGreaterThanOrEqual(length + 500);
    v.inbox = [];
  });
}

async function H084(w: World): Promise<void> {
  for (const size of [48, 536]) {
    const total = sized(w, 4_000_000, 1_600_000, 400_000);
    const count = sized(w, 50_000, 20_000, 4000);
    const p = new Peer(w);
    await p.open(options(mss(size), sackOk, wscale(7)));
    await w.app.write(p.port, total);
    await p.hears();
    const lies = Array.from({ length: count }, () => {
      const edges = [0, 1, 2].flatMap(() => {
        const at = p.iss + 3 + 2 * below(rng, 8000);
        return [at, at + 1];
      });
      return p.make(".", 1, 1, 0, { tcpOptions: options(sack(...edges)), window: 60_000 });
    });
    const took = await spentFor(w, async () => await Promise.resolve(w.put(...lies)));
    expect(took).toBeLessThan(3000 * SLACK);
    // honest from now on: everything arrives
    let have = 1;
    const got = new Map<number, number>();
    const hear = async (): Promise<void> => {
      await p.hears();
      for (const s of p.last) {
        const from = (s.seq - p.iss) | 0;
        got.set(from, Math.max(got.get(from) ?? 0, s.payload.length));
      }
      for (let n = got.get(have); n !== undefined && n > 0; n = got.get(have)) have += n;
    };
    for (let rounds = 0; have < total + 1 && rounds < 100_000; rounds++) {
      const was = have;
      await hear();
      if (have === was) await w.waits(rounds % 5 === 4 ? 1000 : 20);
      w.put(p.make(".", 1, have));
    }
    expect(have).toBe(total + 1);
    await w.app.abort(p.port);
    w.inbox = [];
  }
}

async function H085(w: World): Promise<void> {
  const peers = await many(w, sized(w, 1000, 200, 50));
  const half = await many(w, 10);
  for (const p of peers) await w.app.close(p.port);
  for (const p of half) await w.app.shutdown(p.port);
  w.put(...[...peers, ...half].map((p) => p.make(".", 1, 2)));
  await w.settle();
  expect(new Set(await w.app.states())).toEqual(new Set(["FIN-WAIT-2"]));
  await w.waits(59_000);
  expect((await w.app.states()).length).toBe(peers.length + 10);
  for (let n = 0; n < 7; n++) {
    await w.waits(10_000);
    w.put(...half.map((p) => p.make("P.", 1 + n, 2, 1)));
    await w.settle();
  }
  expect(await w.app.states()).toEqual(times(10, "FIN-WAIT-2"));
  for (const p of half) expect(await w.app.told(p.port)).toMatchObject({ length: 7 });
  w.inbox = [];
}

async function H086(w: World): Promise<void> {
  const peers = await many(w, sized(w, 1000, 200, 50));
  w.put(...peers.map((p) => p.make("F.", 1, 1)));
  await w.settle();
  // with data that nobody acknowledges, and with a window that stays shut
  const stuck = await many(w, 10);
  for (const p of stuck) {
    await w.app.closesAtEnd(p.port, false);
    await w.app.write(p.port, 100_000);
    p.window = 0;
    await p.says("F.", 1, 1);
    await w.app.close(p.port);
  }
  w.inbox = [];
  expect(new Set(await w.app.states())).toEqual(new Set(["LAST-ACK", "CLOSE-WAIT"]));
  await w.waits(16 * 60_000);
  expect(await w.app.residue()).toMatchObject({ entries: 0, timers: 0, account: 0 });
  // the FIN was repeated with backoff: each wait at least as long as the one before
  await w.settle();
  const fins = w.inbox.splice(0).filter((s) => s.dport === peers[0]!.port);
  expect(fins.length).toBeGreaterThan(3);
  const gaps = fins.slice(1).map((s, i) => s.at - fins[i]!.at);
  for (let i = 1; i < gaps.length; i++) expect(gaps[i]!).toBeGreaterThanOrEqual(gaps[i - 1]!);
}

async function H087(w: World): Promise<void> {
  const close = async (v: World, count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 200) {
      const peers = await many(v, Math.min(200, left));
      for (const p of peers) await v.app.close(p.port);
      v.put(...peers.map((p) => p.make("F.", 1, 2)));
      await hearAll(v, peers);
      for (const p of peers) await v.app.forget(p.port);
      v.inbox = [];
    }
  };
  await aside(w, "H087", { settings: { tcp_max_tw_buckets: 100 } }, async (v) => {
    const live = await new Peer(v).open();
    await close(v, 150);
    const states = await v.app.states();
    expect(states.filter((s) => s === "TIME-WAIT").length).toBeLessThanOrEqual(100);
    expect((await v.app.told(live.port))!.state).toBe("ESTABLISHED");
  });
  const count = sized(w, 20_000, 4000);
  // the difference of two counts: what is compiled and made once until there are that many is not the entries' cost
  let closed = 2000;
  await close(w, closed);
  const each = await bestOf(3, 512, async () => {
    const before = await w.memory();
    await close(w, count);
    closed += count;
    expect((await w.app.residue()).entries).toBe(closed);
    return ((await w.memory()) - before) / count;
  });
  expect(each).toBeLessThan(512);
}

export const RESOURCES: Record<string, Scenario> = {
  H080,
  H081,
  H082,
  H083,
  H084,
  H085,
  H086,
  H087,
};
