/** Rows H080 to H088: peers that cost memory and time: slow ones, silent ones, and many holes. */
import { expect } from "vitest";
import { below, seededRng } from "../../../src/base/rng.ts";
import { times, ECHO, mss, options, sack, sackOk, type Seen, wscale } from "../support/packet.ts";
import { aside } from "../support/aside.ts";
import type { MemoryWorld } from "../support/memory-world.ts";
import { Peer } from "../support/peer.ts";
import { honestEcho } from "../support/invariants.ts";
import { FULL, SLACK, type Scenario, type World } from "../support/world.ts";
import { memoryUsed } from "./handshake.ts";

const rng = seededRng(31);

async function many(w: World, count: number, to?: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let i = 0; i < count; i++)
    peers.push(await new Peer(w, to === undefined ? {} : { to }).open());
  return peers;
}

const endOf = (p: Peer, s: Seen): number => ((s.seq - p.iss) | 0) + s.payload.length;

async function H080(w: World): Promise<void> {
  const count = w.virtual ? (FULL ? 5000 : 200) : 50;
  const peers = await many(w, count);
  const acked = new Map<Peer, number>();
  for (const p of peers) {
    await w.app.write(p.port, 1_000_000);
    await p.hears();
    p.window = 0;
    const last = Math.max(...p.last.map((s) => endOf(p, s)));
    w.put(p.make(".", 1, last));
    acked.set(p, last);
  }
  const probes: number[] = [];
  for (let n = 0; n < (w.virtual ? 60 : 3); n++) {
    await w.waits(w.virtual ? 20_000 : 500);
    for (const p of peers) {
      await w.settle();
      const came = p.take();
      if (p === peers[0]) for (const s of came) probes.push(s.at);
      if (came.length > 0) w.put(p.make(".", 1, acked.get(p)!));
    }
    expect(await honestEcho(w, 1000)).toBeTypeOf("number");
  }
  if (!w.virtual) return;
  const gaps = probes.slice(1).map((at, i) => at - probes[i]!);
  expect(gaps.at(-1)).toBeGreaterThanOrEqual(60_000);
  expect((await w.app.states()).filter((s) => s === "ESTABLISHED").length).toBe(count);
  await w.app.userTimeout(peers[0]!.port, 30_000);
  await w.waits(400_000);
  expect(await w.app.told(peers[0]!.port)).toMatchObject({ error: "ETIMEDOUT" });
  // the cap of all buffers: those that are stuck longest go first, and new peers are served
  const cap = 16 * 1024 * 1024;
  await aside(w, { settings: { tcp_mem: [cap / 2, cap / 2, cap] } }, async (v) => {
    for (const p of await many(v, 60)) {
      await v.app.write(p.port, 1_000_000);
      await p.hears();
      p.window = 0;
      v.put(p.make(".", 1, Math.max(...p.last.map((s) => endOf(p, s)))));
    }
    await v.waits(5000);
    expect(v.program.buffered()).toBeLessThanOrEqual(cap + 60 * 65536);
  });
}

async function H081(w: World): Promise<void> {
  // (a) a window of 4 bytes: small segments come one at a time
  const small = await new Peer(w).open();
  small.window = 4;
  w.put(small.make(".", 1, 1));
  await w.app.write(small.port, 5000);
  let acked = 1;
  const sizes: number[] = [];
  for (let n = 0; n < (w.virtual ? 60 : 4); n++) {
    await w.waits(1000);
    await small.hears();
    expect(small.last.length).toBeLessThanOrEqual(8);
    for (const s of small.last) {
      sizes.push(s.payload.length);
      acked = Math.max(acked, endOf(small, s));
    }
    await small.says(".", 1, acked);
  }
  expect(sizes.every((n) => n <= 4)).toBe(true);
  expect((await w.app.told(small.port))!.state).toBe("ESTABLISHED");
  if (!w.virtual) return;
  // (b) one byte a minute
  const slow = await new Peer(w).open();
  await w.app.write(slow.port, 5000);
  for (let n = 1; n <= 20; n++) {
    await w.waits(60_000);
    await slow.says(".", 1, 1 + n);
  }
  expect((await w.app.told(slow.port))!.state).toBe("ESTABLISHED");
  expect((await w.app.info(slow.port)).sendQueued).toBe(4980);
  await w.app.abort(slow.port);
  // (c) silence from the first byte on, (d) after some of them
  for (const some of [1, 1461]) {
    const p = await new Peer(w).open();
    await w.app.write(p.port, 20_000);
    await p.says(".", 1, some);
    const began = w.now;
    while ((await w.app.told(p.port))!.state !== "CLOSED" && w.now - began < 2_000_000) {
      await w.waits(10_000);
    }
    expect((await w.app.told(p.port))!.error).toBe("ETIMEDOUT");
    expect(w.now - began).toBeGreaterThanOrEqual(100_000);
    // Linux's 15 retransmissions are a little more than 15 minutes
    expect(w.now - began).toBeLessThanOrEqual(16 * 60_000);
  }
  w.inbox = [];
}

async function H082(w: World): Promise<void> {
  const count = w.virtual ? (FULL ? 10_000 : 1000) : 100;
  const before = memoryUsed();
  const peers = await many(w, count, ECHO);
  const rounds = w.virtual ? 6 : 2;
  for (let n = 0; n < rounds; n++) {
    await w.waits(w.virtual ? 10_000 : 200);
    for (const p of peers) w.put(p.make("P.", 1 + n, 1 + n, 1));
    await w.settle();
    expect(w.inbox.filter((s) => s.payload.length === 1).length).toBeGreaterThanOrEqual(count);
    w.inbox = [];
    for (const p of peers) w.put(p.make(".", 2 + n, 2 + n));
  }
  for (let n = 0; n < rounds; n++) {
    for (const p of peers) w.put(p.make("P.", 100 + 2 * n, rounds + 1, 1));
    await w.waits(w.virtual ? 1000 : 100);
    await w.settle();
    w.inbox = [];
  }
  if (w.virtual) expect((memoryUsed() - before) / count).toBeLessThan(16_384);
  expect(await w.app.states()).toHaveLength(count);
}

async function H083(w: World): Promise<void> {
  await aside(w, { settings: { tcp_rmem: [4096, 1_048_576, 6_291_456] } }, async (v) => {
    const count = 100_000;
    const p = new Peer(v);
    await p.open(options(mss(1460), sackOk, wscale(7)));
    const segments = Array.from({ length: count }, () =>
      p.make(".", 2 + below(rng, 1_000_000), 1, 1),
    );
    let acks = 0;
    let widest = 0;
    v.onSent = (s) => {
      acks++;
      widest = Math.max(widest, s.options.get(5)?.length ?? 0);
    };
    const began = v.spent;
    v.put(...segments);
    expect(v.spent - began).toBeLessThan(2000 * SLACK);
    v.onSent = null;
    expect(acks).toBeGreaterThan(0);
    expect(widest).toBeGreaterThan(0);
    const { outOfOrderBytes } = await v.app.info(p.port);
    expect(outOfOrderBytes).toBeLessThanOrEqual(1024);
    await p.says("P.", 1, 1, 1);
    expect((await v.app.told(p.port))!.length).toBeGreaterThanOrEqual(1);
    const next = v.program.told(p.port)!.length + 1;
    await p.says("P.", next, 1, 500);
    expect(v.program.told(p.port)!.length).toBeGreaterThanOrEqual(next + 499);
  });
  if (w.virtual) return;
  const p = await new Peer(w).open(options(mss(1460), sackOk));
  for (let i = 0; i < 5000; i++) w.put(p.make(".", 2 + below(rng, 60_000), 1, 1));
  await p.hears();
  expect((await w.app.info(p.port)).outOfOrderBytes).toBeLessThanOrEqual(1024);
  await p.says("P.", 1, 1, 60_010);
}

async function H084(w: World): Promise<void> {
  for (const size of [48, 536]) {
    const total = w.virtual ? 4_000_000 : 400_000;
    const count = w.virtual ? 50_000 : 2000;
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
    const began = w.spent;
    w.put(...lies);
    await w.settle();
    expect(w.spent - began).toBeLessThan(3000 * SLACK);
    // honest from now on: everything arrives
    let have = 1;
    const got = new Map<number, number>();
    const hear = async (): Promise<void> => {
      await w.settle();
      for (const s of p.take()) {
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
  const count = FULL ? 1000 : 200;
  const peers = await many(w, count);
  const half = await many(w, 10);
  for (const p of peers) await w.app.close(p.port);
  for (const p of half) await w.app.shutdown(p.port);
  for (const p of [...peers, ...half]) {
    await p.hears();
    await p.says(".", 1, 2);
  }
  expect(new Set(await w.app.states())).toEqual(new Set(["FIN-WAIT-2"]));
  for (let n = 0; n < 7; n++) {
    await w.waits(10_000);
    for (const p of half) await p.says("P.", 1 + n, 2, 1);
  }
  expect(await w.app.states()).toEqual(times(10, "FIN-WAIT-2"));
  for (const p of half) expect(await w.app.told(p.port)).toMatchObject({ length: 7 });
  w.inbox = [];
}

async function H086(w: World): Promise<void> {
  const count = FULL ? 1000 : 200;
  const peers = await many(w, count);
  for (const p of peers) await p.says("F.", 1, 1);
  // with data that nobody acknowledges, and with a window that stays shut
  const stuck = await many(w, 10);
  for (const p of stuck) {
    await w.app.closesAtEnd(p.port, false);
    await w.app.write(p.port, 100_000);
    p.window = 0;
    await p.says("F.", 1, 1);
    await w.app.close(p.port);
  }
  expect(new Set(await w.app.states())).toEqual(new Set(["LAST-ACK", "CLOSE-WAIT"]));
  await w.waits(16 * 60_000);
  expect(await w.app.states()).toEqual([]);
  w.inbox = [];
}

async function H087(w: World): Promise<void> {
  const count = FULL ? 20_000 : 4000;
  const close = async (v: World, n: number): Promise<void> => {
    for (let i = 0; i < n; i++) {
      const p = await new Peer(v).open();
      await v.app.close(p.port);
      await p.hears();
      expect(await p.says("F.", 1, 2)).toEqual([". 2:2(0) ack 2"]);
      await v.app.forget(p.port);
      v.inbox = [];
    }
  };
  await aside(w, { settings: { tcp_max_tw_buckets: 100 } }, async (v) => {
    const live = await new Peer(v).open();
    await close(v, 150);
    const states = v.program.states();
    expect(states.filter((s) => s === "TIME-WAIT").length).toBeLessThanOrEqual(100);
    expect(v.program.told(live.port)!.state).toBe("ESTABLISHED");
  });
  const before = memoryUsed();
  await close(w, count);
  const { entries } = await w.app.residue();
  expect((memoryUsed() - before) / entries).toBeLessThan(512);
}

/** 64 MiB for all, and each way to use them up. */
async function H088(w: World): Promise<void> {
  const cap = 64 * 1024 * 1024;
  const count = FULL ? 2000 : 600;
  await aside(
    w,
    { settings: { tcp_mem: [cap / 2, (cap / 4) * 3, cap] } },
    async (v: MemoryWorld) => {
      let most = 0;
      const look = (): void => {
        most = Math.max(most, v.program.buffered());
      };
      await v.app.readsFromNowOn(false);
      const slow: Peer[] = [];
      for (let n = 0; n < count; n++) {
        const p = new Peer(v);
        await p.says("S", 0, 0, 0, { tcpOptions: options(mss(1460), wscale(7)) });
        if (p.last.length === 0) continue; // refused: that is the second line of defence
        await p.says(".", 1, 1);
        slow.push(p);
        for (let i = 0; i < 90; i++) v.put(p.make(".", 1 + 1460 * i, 1, 1460));
        look();
        await p.hears();
      }
      for (const p of slow) {
        for (let i = 0; i < 20; i++) v.put(p.make(".", 200_000 + 1461 * i, 1, 1460));
        await p.hears();
      }
      look();
      expect(most).toBeLessThanOrEqual(cap + slow.length * 1500);
      expect((await v.app.counters())["TcpExtTCPMemoryPressures"]).toBeGreaterThan(0);
      for (const p of slow) if ((await v.app.told(p.port)) !== null) await v.app.abort(p.port);
      v.inbox = [];
      await v.app.readsFromNowOn(true);
      await v.waits(5000);
      expect(await honestEcho(v)).toBeTypeOf("number");
    },
  );
}

export const RESOURCES: Record<string, Scenario> = { H080, H081, H082, H083, H084 };
export const RESOURCES_IN_TIME: Record<string, Scenario> = { H085, H086, H087, H088 };
