/** Rows H140, H144, H153 to H155: a device that fails, a program that is slow, a clock that leaps. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { seededRng } from "../../../src/base/rng.ts";
import { pattern } from "../support/packet.ts";
import { idles } from "../support/idle.ts";
import { hearAll, openMany, places } from "../support/many.ts";
import { Peer } from "../support/peer.ts";
import { receives, transfer } from "../support/transfer.ts";
import { TunWorld } from "../support/tun-world.ts";
import { type Scenario, sized, type World } from "../support/world.ts";
import { silence } from "./ipv4.ts";
import { drain } from "./tcp-header.ts";

async function H140(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const refused = async (): Promise<number> => (await w.app.counters())["IpOutDiscards"] ?? 0;
  await w.takes("every second");
  await w.app.write(p.port, 60_000);
  const began = w.now;
  await receives(p, 1, 60_001);
  expect(w.now - began).toBeLessThan(60_000);
  // nothing gets out for five seconds
  await w.takes("nothing");
  const before = await refused();
  await w.app.write(p.port, 1000);
  await w.waits(5000);
  expect(await refused()).toBeGreaterThan(before);
  expect((await refused()) - before).toBeLessThan(12); // no tight retry
  await idles(w);
  await w.takes("all");
  const { rto } = await w.app.info(p.port);
  await w.waits(rto);
  await p.hears();
  expect(p.last.some((s) => s.payload.length === 1000)).toBe(true);
  // and a device that has nothing to read costs nothing
  await p.says(".", 1, 61_001);
  await w.waits(10_000);
  await idles(w);
}

async function H144(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const before = (await w.app.counters())["IpInHdrErrors"] ?? 0;
  const right = p.make("P.", 1, 1, 500);
  const framed = new Uint8Array(right.length + 4);
  framed.set([0, 0, 8, 0]);
  framed.set(right, 4);
  const cut = [1, 19, 20, 39, 40, right.length - 1].map((n) => right.subarray(0, n));
  if (w.inMemory) cut.push(right.subarray(0, 0));
  w.put(framed, ...cut);
  await silence(w);
  expect((await w.app.counters())["IpInHdrErrors"]).toBe(before + cut.length + 1);
  expect((await w.app.told(p.port))!.length).toBe(0);
  await p.puts(right);
  expect((await w.app.told(p.port))!.length).toBe(500);
}

async function H153(w: World): Promise<void> {
  // a writer that does not wait is told that there is no room, and what is queued is seen
  const writer = await new Peer(w).open();
  for (let n = 0; n < 200 && (await w.app.sendSpace(writer.port)) > 0; n++) {
    await w.app.write(writer.port, 65536);
  }
  expect(await w.app.sendSpace(writer.port)).toBeLessThanOrEqual(0);
  const { sendQueued } = await w.app.info(writer.port);
  expect(sendQueued).toBeLessThanOrEqual(4_194_304 + 65536);
  await drain(writer, sendQueued);
  // a reader that pauses for a minute
  const p = await new Peer(w).open();
  await w.app.reads(p.port, false);
  const total = sized(w, 100_000_000, 5_000_000, 1_000_000);
  let acked = 0;
  let window = 65535;
  let paused = false;
  for (let n = 0; acked < total && n < 100_000; n++) {
    if (window === 0 && !paused) {
      paused = true;
      expect(await w.app.buffered()).toBeLessThan(300_000);
      await w.waits(60_000);
      await w.app.reads(p.port, true);
    }
    const size = Math.min(1460, window, total - acked);
    if (size > 0) w.put(p.make("P.", 1 + acked, 1, pattern(acked % 251, size)));
    await p.hears();
    if (p.last.length === 0) await w.waits(50);
    if (p.last.length === 0) await p.hears();
    for (const s of p.last) {
      acked = Math.max(acked, ((s.ack - p.isn) | 0) - 1);
      window = s.window;
    }
  }
  expect(paused).toBe(true);
  const told = (await w.app.told(p.port))!;
  expect(told.length).toBe(total);
  expect(Buffer.from(told.data, "latin1").equals(Buffer.from(pattern(0, told.data.length)))).toBe(
    true,
  );
}

/** Connections with a segment under way each, and what would acknowledge it. */
async function underWay(w: World, count: number): Promise<{ peers: Peer[]; acks: Uint8Array[] }> {
  const peers = await openMany(w, places(count));
  for (const p of peers) await w.app.write(p.port, 1000);
  await hearAll(w, peers);
  return { peers, acks: peers.map((p) => p.make(".", 1, 1001)) };
}

async function H154(w: World): Promise<void> {
  const count = sized(w, 1000, 200);
  for (const blocked of [1000, 5000, 30_000]) {
    // what waits in the device is read before any timer is looked at
    const { peers, acks } = await underWay(w, count);
    await w.sleeps(blocked, ...acks);
    await w.settle();
    expect(w.inbox).toEqual([]);
    for (const p of peers.slice(0, 100))
      expect(await w.app.info(p.port)).toMatchObject({ retransmits: 0, sendQueued: 0 });
    // where nothing waits, one repeat each
    const lost = await underWay(w, count);
    await w.sleeps(blocked);
    await w.settle();
    const again = w.inbox.splice(0);
    expect(again.length).toBe(count);
    w.put(...lost.acks);
    await w.settle();
    expect(w.inbox.splice(0)).toEqual([]);
    // an ACK that was delayed goes out once
    const late = lost.peers[0]!;
    const quick = 16; // those leave at once
    for (let n = 1; n <= quick; n++) {
      const heard = await late.says("P.", n, 1001, 1);
      expect(heard).toEqual([`. 1001:1001(0) ack ${n + 1}`]);
    }
    expect(await late.says("P.", quick + 1, 1001, 1)).toEqual([]);
    await w.sleeps(blocked);
    expect(await late.hears()).toEqual([`. 1001:1001(0) ack ${quick + 2}`]);
    const states = await w.app.states();
    expect(states.every((s) => s === "ESTABLISHED")).toBe(true);
    for (const p of [...peers, ...lost.peers]) await w.app.abort(p.port);
    await w.settle();
    w.inbox = [];
  }
  if (!w.inMemory) await litter(w);
}

/** A program whose garbage is many times the heap that it may have, in transfers. */
async function litter(w: World): Promise<void> {
  const v = (await w.another({ flags: ["--max-old-space-size=256"] })) as TunWorld;
  try {
    for (let n = 0; n < sized(v, 200, 5); n++) {
      const p = await new Peer(v).open();
      const done = transfer(p, 50_000, { rng: seededRng(n) });
      await v.ask("litters", 500);
      await done;
      expect(await v.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", error: null });
      await v.app.abort(p.port);
    }
    expect((await v.report()).violations).toEqual([]);
  } finally {
    await v.end();
  }
}

async function H155(w: World): Promise<void> {
  for (const leap of [90_000, 3_600_000]) {
    const { peers, acks } = await underWay(w, 50);
    await w.sleeps(leap);
    await w.settle();
    const first = w.inbox.splice(0);
    expect(first.length).toBe(50);
    expect(new Set(first.map((s) => s.dport)).size).toBe(50);
    w.put(...acks);
    await w.settle();
    for (const p of peers) expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED" });
    // a peer that repeated itself meanwhile is answered
    await w.sleeps(leap, peers[0]!.make("P.", 1, 1001, 5), peers[0]!.make("P.", 1, 1001, 5));
    expect((await peers[0]!.hears()).length).toBeGreaterThan(0);
    expect((await w.app.told(peers[0]!.port))!.length).toBe(5);
    // keep-alive and user timeout count the leap as the silence that it was
    await w.app.keepAlive(peers[1]!.port, 60_000, 1000, 3);
    await w.app.userTimeout(peers[2]!.port, 10_000);
    await w.app.write(peers[2]!.port, 10);
    await w.sleeps(3_600_000);
    await hearAll(w, peers);
    expect(peers[1]!.last.length).toBe(1);
    expect(await w.app.told(peers[2]!.port)).toMatchObject({ error: "ETIMEDOUT" });
    for (const p of peers) await w.app.abort(p.port);
    await w.settle();
    w.inbox = [];
  }
  await theWallClock(w);
}

/** It has no say at all: nothing of ours reads it, and what reads it beside us may be told anything. */
async function theWallClock(w: World): Promise<void> {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "src");
  for (const layer of ["base", "wire", "tcp", "stack", "runtime", "sockets"]) {
    for (const file of readdirSync(join(root, layer), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      expect(readFileSync(join(root, layer, file), "utf8"), file).not.toMatch(/\bDate\b\s*[.(]/);
    }
  }
  const now = Date.now();
  const real = Date.now;
  try {
    for (const at of [now - 3_600_000, now + 86_400_000, 0]) {
      if (w instanceof TunWorld) await w.ask("wallClock", at);
      else Date.now = () => at;
      const p = await new Peer(w).open();
      await transfer(p, 30_000, { rng: seededRng(1) });
      expect((await w.app.info(p.port)).retransmits).toBe(0);
      await w.app.abort(p.port);
    }
  } finally {
    Date.now = real;
  }
  w.inbox = [];
}

export const INSIDE: Record<string, Scenario> = { H140, H144, H153, H154, H155 };
