/** Many connections at once, for rows that want thousands: a batch of SYNs, a batch of ACKs. */
import { expect } from "vitest";
import { SYN } from "./packet.ts";
import { Peer, type PeerPlace } from "./peer.ts";
import type { World } from "./world.ts";

const BATCH = 200;

/** One for each place; all of them open. */
export async function openMany(
  w: World,
  places: readonly PeerPlace[],
  tcpOptions: Uint8Array = Uint8Array.of(2, 4, 5, 180),
): Promise<Peer[]> {
  const peers = places.map((place) => new Peer(w, place));
  for (let from = 0; from < peers.length; from += BATCH) {
    const some = peers.slice(from, from + BATCH);
    w.put(...some.map((p) => p.make("S", 0, 0, 0, { tcpOptions })));
    await w.settle();
    const byPort = new Map(some.map((p) => [`${p.address}:${p.port}`, p]));
    let opened = 0;
    w.inbox = w.inbox.filter((s) => {
      const p = byPort.get(`${s.destination}:${s.dport}`);
      if (p === undefined || (s.flags & SYN) === 0) return true;
      p.iss = s.seq;
      opened++;
      return false;
    });
    expect(opened, "SYN-ACKs").toBe(some.length);
    w.put(...some.map((p) => p.make(".", 1, 1)));
    await w.settle();
  }
  return peers;
}

/** What came for each of them since. */
export async function hearAll(w: World, peers: readonly Peer[]): Promise<void> {
  await w.settle();
  const byPort = new Map(peers.map((p) => [`${p.address}:${p.port}`, p]));
  for (const p of peers) p.last = [];
  w.inbox = w.inbox.filter((s) => {
    const p = byPort.get(`${s.destination}:${s.dport}`);
    if (p === undefined) return true;
    p.last.push(s);
    return false;
  });
}

/** That many places, the same port of the stack for all. */
export function places(count: number, to?: number): PeerPlace[] {
  return Array.from({ length: count }, () => (to === undefined ? {} : { to }));
}
