/** Rows H142, H143, H145, H151: an interface that goes down, away, or changes, and a stack that is killed. */
import { expect } from "vitest";
import { RST } from "../support/packet.ts";
import { openMany, places } from "../support/many.ts";
import { Peer } from "../support/peer.ts";
import { receives } from "../support/transfer.ts";
import type { Scenario, World } from "../support/world.ts";

async function H142(w: World): Promise<void> {
  for (const down of [1000, 10_000, 60_000]) {
    const p = await new Peer(w).open();
    await w.app.write(p.port, 100_000);
    await p.hears();
    expect(p.last.length).toBe(10);
    await w.link(false);
    w.put(p.make(".", 1, 14_601), p.make("P.", 1, 1, 100));
    await w.waits(down);
    await p.hears();
    expect(p.last).toEqual([]);
    expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", length: 0 });
    await w.link(true);
    // within the next RTO, and not before it
    const { rto } = await w.app.info(p.port);
    await w.waits(rto);
    await p.hears();
    expect(p.last.map((s) => (s.seq - p.iss) | 0)).toContain(1);
    await p.says("P.", 1, 1, 100);
    expect((await w.app.told(p.port))!.length).toBe(100);
    await receives(p, 1, 100_001, 101);
    expect((await w.app.info(p.port)).sendQueued).toBe(0);
    await w.app.abort(p.port);
    await w.settle();
    w.inbox = [];
  }
  // a connection still ends by its own limits while the interface is down
  const [gone] = await openMany(w, places(1));
  await w.app.userTimeout(gone!.port, 20_000);
  await w.app.write(gone!.port, 1000);
  await w.link(false);
  await w.waits(60_000);
  expect(await w.app.told(gone!.port)).toMatchObject({ error: "ETIMEDOUT" });
  await w.link(true);
  w.inbox = [];
}

async function H143(w: World): Promise<void> {
  const v = await w.another({});
  try {
    const peers = await openMany(v, places(20));
    await v.app.write(peers[0]!.port, 100_000);
    await v.settle();
    const half = new Peer(v);
    await half.says("S", 0);
    expect(await v.losesDevice()).toBe(1);
    for (const p of peers) {
      const told = await v.app.told(p.port);
      expect(told).toMatchObject({ state: "CLOSED", error: "ENETDOWN" });
      expect(told!.events.filter((e) => e === "closed").length).toBe(1);
    }
    // no timer, nothing held, no second word of it
    expect(await v.app.residue()).toMatchObject({ entries: 0, halfOpen: 0, timers: 0, account: 0 });
    await v.waits(10_000);
    expect((await v.report()).violations).toEqual([]);
  } finally {
    await v.end();
  }
  // and the program can have another device: this one
  await new Peer(w).open();
}

async function H145(w: World): Promise<void> {
  const p = await new Peer(w).open();
  let [seq, have] = [1, 1];
  for (const mtu of [1500, 576, 9000]) {
    await w.mtu(mtu);
    // what the kernel sends now is taken: it knows the stack's MSS
    const size = Math.min(1460, mtu - 40);
    await p.says("P.", seq, have, size);
    seq += size;
    expect((await w.app.told(p.port))!.length).toBe(seq - 1);
    // and the stack's own size is its own: an interface that takes no more loses what is larger
    await w.app.write(p.port, 50_000);
    const began = w.now;
    await receives(p, have, have + 50_000, seq, mtu);
    have += 50_000;
    expect(w.now - began).toBeLessThan(60_000);
  }
  // a kernel that does not keep to it: taken as far as the read buffer goes, else dropped as cut
  const large = p.make("P.", seq, have, 8960);
  const cut = async (): Promise<number> => (await w.app.counters())["IpInHdrErrors"] ?? 0;
  const before = await cut();
  await p.puts(large);
  const { length } = (await w.app.told(p.port))!;
  expect([length, await cut()]).toEqual(
    w.inMemory ? [seq - 1 + 8960, before] : [seq - 1, before + 1],
  );
  await p.says("P.", length + 1, have, 5);
  expect((await w.app.told(p.port))!.length).toBe(length + 5);
  await w.mtu(1500);
  w.inbox = [];
}

async function H151(w: World): Promise<void> {
  const peers = await openMany(w, places(50));
  for (const p of peers) await p.says("P.", 1, 1, 20);
  const isns = peers.map((p) => p.iss);
  await w.restarts();
  w.inbox = [];
  for (const p of peers.slice(0, 25)) expect(await p.says("P.", 1, 1, 20)).toEqual(["R 1:1(0)"]);
  for (const p of peers.slice(25)) {
    expect(await p.says("F.", 21, 1)).toEqual(["R 1:1(0)"]);
    expect(p.last[0]!.flags).toBe(RST);
  }
  // the same socket pair opens anew, with an ISN of another key
  const again = await openMany(
    w,
    peers.map((p) => ({ port: p.port, isn: p.isn + 100_000 })),
  );
  const steps = again.map((p, i) => (p.iss - isns[i]!) | 0);
  expect(new Set(steps).size).toBeGreaterThan(45);
  await again[0]!.says("P.", 1, 1, 7);
  expect(await w.app.told(again[0]!.port)).toMatchObject({ state: "ESTABLISHED", length: 7 });
}

export const INTERFACE: Record<string, Scenario> = { H142, H143, H145, H151 };
