/** Rows H140, H144, H153 to H155 as the stack sees them: a device that fails, a program that is slow, a clock that leaps. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { pattern } from "../support/packet.ts";
import { MemoryWorld } from "../support/memory-world.ts";
import { Peer } from "../support/peer.ts";
import type { Scenario, World } from "../support/world.ts";
import { silence } from "./ipv4.ts";
import { drain } from "./tcp-header.ts";

async function H140(w: World): Promise<void> {
  const v = w as MemoryWorld;
  const p = await new Peer(v).open();
  let turn = 0;
  v.sender.takes = () => turn++ % 2 === 0;
  await v.app.write(p.port, 60_000);
  let have = 1;
  const began = v.now;
  for (let n = 0; have < 60_001 && n < 500; n++) {
    await p.hears();
    for (const s of p.last) {
      const from = (s.seq - p.iss) | 0;
      if (from <= have) have = Math.max(have, from + s.payload.length);
    }
    v.put(p.make(".", 1, have));
    await v.waits(100);
  }
  expect(have).toBe(60_001);
  expect(v.now - began).toBeLessThan(60_000);
  // nothing gets out for five seconds
  v.sender.takes = () => false;
  await v.app.write(p.port, 1000);
  const refused = v.sender.refused;
  await v.waits(5000);
  expect(v.sender.refused).toBeGreaterThan(refused);
  expect(v.sender.refused - refused).toBeLessThan(12); // no tight retry
  expect((await v.app.counters())["IpOutDiscards"]).toBeGreaterThan(0);
  v.sender.takes = () => true;
  const { rto } = await v.app.info(p.port);
  await v.waits(rto);
  await p.hears();
  expect(p.last.some((s) => s.payload.length === 1000)).toBe(true);
  expect(v.stack.nextTimeout()).toBeGreaterThan(v.now);
}

async function H144(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const before = (await w.app.counters())["IpInHdrErrors"] ?? 0;
  const right = p.make("P.", 1, 1, 500);
  const framed = new Uint8Array(right.length + 4);
  framed.set([0, 0, 8, 0]);
  framed.set(right, 4);
  const cut = [1, 19, 20, 39, 40, right.length - 1].map((n) => right.subarray(0, n));
  if (w.virtual) cut.push(right.subarray(0, 0));
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
  const total = w.virtual ? 5_000_000 : 200_000;
  let acked = 0;
  let window = 65535;
  let paused = false;
  for (let n = 0; acked < total && n < 60_000; n++) {
    if (window === 0 && !paused) {
      paused = true;
      expect(await w.app.buffered()).toBeLessThan(300_000);
      await w.waits(w.virtual ? 60_000 : 1000);
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
async function underWay(
  v: MemoryWorld,
  count: number,
): Promise<{ peers: Peer[]; acks: Uint8Array[] }> {
  const peers: Peer[] = [];
  for (let n = 0; n < count; n++) {
    const p = await new Peer(v).open();
    await v.app.write(p.port, 1000);
    await p.hears();
    peers.push(p);
  }
  return { peers, acks: peers.map((p) => p.make(".", 1, 1001)) };
}

async function H154(w: World): Promise<void> {
  const v = w as MemoryWorld;
  for (const blocked of [1000, 5000, 30_000]) {
    // what waits in the device is read before any timer is looked at
    const { peers, acks } = await underWay(v, 100);
    v.passes(blocked);
    v.batch(acks);
    await v.settle();
    expect(v.inbox).toEqual([]);
    for (const p of peers)
      expect(await v.app.info(p.port)).toMatchObject({ retransmits: 0, sendQueued: 0 });
    // where nothing waits, one repeat each
    const lost = await underWay(v, 100);
    v.passes(blocked);
    v.batch([]);
    await v.settle();
    const again = v.inbox.splice(0);
    expect(again.length).toBe(100);
    v.batch(lost.acks);
    await v.settle();
    expect(v.inbox.splice(0)).toEqual([]);
    const states = await v.app.states();
    expect(states.every((s) => s === "ESTABLISHED")).toBe(true);
    for (const p of [...peers, ...lost.peers]) await v.app.abort(p.port);
    v.inbox = [];
  }
}

async function H155(w: World): Promise<void> {
  const v = w as MemoryWorld;
  const { peers } = await underWay(v, 50);
  await v.leaps(3_600_000);
  const first = v.inbox.splice(0);
  expect(first.length).toBe(50);
  expect(new Set(first.map((s) => s.dport)).size).toBe(50);
  v.batch(peers.map((p) => p.make(".", 1, 1001)));
  await v.settle();
  for (const p of peers) expect(await v.app.told(p.port)).toMatchObject({ state: "ESTABLISHED" });
  // a peer that repeated itself meanwhile is answered
  expect(await peers[0]!.says("P.", 1, 1001, 5)).toEqual([]);
  expect((await v.app.told(peers[0]!.port))!.length).toBe(5);
  // keep-alive and user timeout count the leap as the silence that it was
  await v.app.keepAlive(peers[1]!.port, 60_000, 1000, 3);
  await v.leaps(3_600_000);
  await peers[1]!.hears();
  expect(peers[1]!.last.length).toBe(1);
  // the wall clock is read nowhere
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "src");
  for (const layer of ["base", "wire", "tcp", "stack", "runtime", "sockets"]) {
    for (const file of readdirSync(join(root, layer), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      expect(readFileSync(join(root, layer, file), "utf8"), file).not.toMatch(/\bDate\b\s*[.(]/);
    }
  }
  v.inbox = [];
}

export const INSIDE: Record<string, Scenario> = { H144, H153 };
export const INSIDE_IN_TIME: Record<string, Scenario> = { H140, H154, H155 };
