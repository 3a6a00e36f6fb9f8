/** Row H088: the cap of all memory, in each way that it can be used up, and a limit of connections. */
import { once } from "node:events";
import { expect } from "vitest";
import { createPair } from "../../../src/devices/pair.ts";
import { createStack } from "../../../src/sockets/create-stack.ts";
import { addr, ip, mss, options, pattern, TCP, wscale } from "../support/packet.ts";
import { aside } from "../support/aside.ts";
import { honestEcho } from "../support/invariants.ts";
import { openMany, places } from "../support/many.ts";
import type { Peer } from "../support/peer.ts";
import { type Scenario, sized, type World } from "../support/world.ts";
import { TunWorld } from "../support/tun-world.ts";

const MIB = 1024 * 1024;
const OFFER = options(mss(1460), wscale(7));
/** A fragment holds no more than this of all (ipfrag_high_thresh). */
const FRAGMENTS = 4 * MIB;

async function H088(w: World): Promise<void> {
  const cap = 64 * MIB;
  const count = sized(w, 2000, 600, 100);
  const settings = { tcp_mem: [cap / 2, (cap / 4) * 3, cap] as const };
  await aside(w, "H088", { settings }, async (v) => {
    const rss = async (): Promise<number> =>
      v instanceof TunWorld ? await v.ask<number>("rss") : 0;
    await worksAWhile(v);
    const baseline = await rss();
    const memory = v.inMemory ? 0 : await v.memory();
    let connections = 0;
    const holds = async (): Promise<void> => {
      const { account, fragmentBytes, halfOpen } = await v.app.residue();
      expect(account, "one packet for each connection beyond the cap").toBeLessThanOrEqual(
        cap + connections * 2048,
      );
      expect(fragmentBytes).toBeLessThanOrEqual(FRAGMENTS);
      expect(halfOpen).toBeLessThanOrEqual(1024);
      if (!v.inMemory)
        expect((await v.memory()) - memory).toBeLessThanOrEqual(1.25 * cap + FRAGMENTS);
      expect(await rss()).toBeLessThanOrEqual(1.25 * cap + baseline + FRAGMENTS);
      v.inbox = [];
    };
    // peers that read nothing of what the program sends them
    const readers = await openMany(v, places(sized(w, 2000, 300)), OFFER);
    connections += readers.length;
    for (const p of readers) {
      await v.app.writeUntilFull(p.port);
      p.window = 0;
      v.put(p.make(".", 1, 1));
    }
    await holds();
    // programs that read nothing of what their peers send, and what comes before its turn
    await v.app.readsFromNowOn(false);
    const slow = await openMany(v, places(count), OFFER);
    connections += slow.length;
    for (const p of slow) {
      v.put(...Array.from({ length: 90 }, (_, i) => p.make(".", 1 + 1460 * i, 1, 1460)));
      await v.settle();
      v.inbox = [];
    }
    await holds();
    for (const p of slow)
      v.put(...Array.from({ length: 20 }, (_, i) => p.make(".", 200_000 + 1461 * i, 1, 1460)));
    await holds();
    expect((await v.app.counters())["TcpExtTCPMemoryPressures"]).toBeGreaterThan(0);
    await windowsStay(v, slow[0]!);
    // fragments, and handshakes that nobody completes
    for (let n = 0; n < 4000; n++)
      v.put(ip({ id: n, fragment: 0x2000, protocol: TCP }, pattern(0, 1400)));
    await holds();
    const half = places(3000).map((_, n) => ({ address: addr("198.51.100.7"), port: 1024 + n }));
    for (const place of half)
      v.put(readers[0]!.make("S", 0, 0, 0, { source: place.address, sport: place.port }));
    await holds();
    // it ends: within 5 s all is as ever
    for (const p of [...readers, ...slow]) v.put(p.make("R", 1));
    for (const p of slow) await v.app.abortIfThere(p.port);
    for (const p of readers) await v.app.abortIfThere(p.port);
    await v.app.readsFromNowOn(true);
    await v.waits(5000);
    v.inbox = [];
    expect(await honestEcho(v)).toBeTypeOf("number");
    expect(await v.app.residue()).toMatchObject({ account: 0, buffered: 0 });
  });
  if (w.inMemory) await limitOfConnections();
}

/** A process that has done nothing yet is smaller than any that serves. */
async function worksAWhile(v: World): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const peers = await openMany(v, places(100), OFFER);
    for (const p of peers) {
      v.put(...Array.from({ length: 40 }, (_, i) => p.make(".", 1 + 1460 * i, 1, 1460)));
      await v.app.write(p.port, 20_000);
    }
    await v.settle();
    v.put(...peers.map((p) => p.make("R", 1 + 40 * 1460)));
    await v.app.forgetAll();
  }
  await v.settle();
  v.inbox = [];
  expect((await v.app.residue()).entries).toBe(0);
}

/** Pressure: what was offered is not taken back, and no more is offered. */
async function windowsStay(v: World, p: Peer): Promise<void> {
  await p.says(".", 1, 1, 1);
  const edge = (): number => Math.max(...p.last.map((s) => ((s.ack - p.isn) | 0) + s.window * 128));
  const first = edge();
  await v.waits(1000);
  await p.says(".", 1, 1, 1);
  expect(edge()).toBeLessThanOrEqual(first + 128);
}

/** `maxConnections` of a server: exact, and those beyond it are gone at once. */
async function limitOfConnections(): Promise<void> {
  const [left, right] = createPair();
  const a = createStack({ device: left, address: "192.0.2.1/24" });
  const b = createStack({ device: right, address: "192.0.2.2/24" });
  const most = 200;
  let held = 0;
  const server = b.net.createServer((s) => {
    held++;
    s.on("error", () => {});
    s.on("close", () => held--);
    s.resume();
  });
  server.maxConnections = most;
  server.listen(80);
  let dropped = 0;
  server.on("drop", () => dropped++);
  const open = async (count: number): Promise<{ destroy(): void }[]> => {
    const all = Array.from({ length: count }, () => {
      const s = a.net.connect({ host: "192.0.2.2", port: 80 });
      s.on("error", () => {});
      return s;
    });
    await Promise.all(all.map(async (s) => await once(s, "connect")));
    return all;
  };
  const echoed = async (): Promise<void> => {
    // whatever was done before it at the other end is done
    const s = a.net.connect({ host: "192.0.2.2", port: 81 });
    await once(s, "connect");
    s.end();
    s.resume();
    await once(s, "close");
  };
  b.net.createServer((s) => void s.on("error", () => {}).end()).listen(81);
  const first = await open(most);
  await open(100);
  await echoed();
  expect([held, dropped]).toEqual([most, 100]);
  expect(b.core.connections().filter((c) => c.state === "ESTABLISHED").length).toBe(most);
  for (const s of first.slice(0, 100)) s.destroy();
  while (held > most - 100) await new Promise((resolve) => setImmediate(resolve));
  await open(100);
  await echoed();
  expect([held, dropped]).toEqual([most, 100]);
  await Promise.all([a.close(), b.close()]);
}

export const MEMORY_CAP: Record<string, Scenario> = { H088 };
