/** A peer that is honest on a bad line: text both ways over a wire that loses, reorders and damages by a seed. */
import { expect } from "vitest";
import { below, type Rng, uniform } from "../../../src/base/rng.ts";
import { pattern, readSent } from "./packet.ts";
import type { Peer } from "./peer.ts";

export interface Line {
  readonly rng: Rng;
  readonly loss?: number;
  readonly reorder?: number;
  /** Share of packets in which one bit is turned round, both ways. */
  readonly corrupt?: number;
}

/** Bytes of one segment, and segments under way. */
const SIZE = 1400;
const WINDOW = 20;

/** `bytes` each way from where the connection stands, the stack's FIN behind its own where `ends`. */
export async function transfer(p: Peer, bytes: number, line: Line, ends = false): Promise<void> {
  const { w } = p;
  const { rng } = line;
  const text = pattern(1, bytes);
  const got = new Map<number, Uint8Array>();
  let [acked, have] = [1, 1];
  let finSeen = false;
  for (let written = 0; written < bytes; written += 65_536)
    await w.app.write(p.port, Math.min(65_536, bytes - written));
  if (ends) await w.app.shutdown(p.port);
  const last = 1 + bytes;
  const data: Uint8Array[] = [];
  for (let rounds = 0; acked < last || have < last || (ends && !finSeen); rounds++) {
    expect(rounds, `${acked} sent, ${have} had of ${bytes}`).toBeLessThan(20_000);
    const before = acked + have;
    const packets: Uint8Array[] = [];
    for (let n = 0, from = acked; n < WINDOW && from < last; n++, from += SIZE) {
      packets.push(p.make("P.", from, have, text.subarray(from - 1, from - 1 + SIZE)));
    }
    if (packets.length === 0) packets.push(p.make(".", last, have));
    w.put(...through(packets, line));
    await p.hears();
    for (const s of p.last) {
      if (uniform(rng) < (line.loss ?? 0)) continue;
      if (uniform(rng) < (line.corrupt ?? 0)) {
        // a receiver sees it by the sums
        const damaged = flipped(s.bytes, rng);
        expect(() => readSent(damaged, 0)).toThrow();
        continue;
      }
      acked = Math.max(acked, (s.ack - p.isn) | 0);
      const from = (s.seq - p.iss) | 0;
      if (s.payload.length > (got.get(from)?.length ?? 0)) got.set(from, s.payload);
      if ((s.flags & 1) !== 0 && from + s.payload.length === last) finSeen = true;
    }
    for (let next = got.get(have); next !== undefined; next = got.get(have)) {
      got.delete(have);
      data.push(next);
      have += next.length;
    }
    if (acked + have === before) await w.waits(300);
  }
  // what the program writes counts up from 0 in pieces of 65,536
  const sent = Array.from({ length: bytes }, (_, i) => (i % 65_536) % 251);
  expect(Buffer.concat(data).equals(Buffer.from(sent)), "what the stack sent").toBe(true);
  w.put(p.make(".", last, ends ? last + 1 : last));
  await w.settle();
  const told = (await w.app.told(p.port))!;
  expect(told.length).toBe(bytes);
  const kept = Buffer.from(told.data, "latin1");
  expect(kept.equals(Buffer.from(text.subarray(0, kept.length))), "what arrived").toBe(true);
  p.take();
}

function flipped(packet: Uint8Array, rng: Rng): Uint8Array {
  const bit = below(rng, packet.length * 8);
  const copy = packet.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

/** What arrives of these packets, in which order. */
function through(packets: readonly Uint8Array[], line: Line): Uint8Array[] {
  const { rng } = line;
  const out: Uint8Array[] = [];
  for (const packet of packets) {
    if (uniform(rng) < (line.loss ?? 0)) continue;
    const arrives = uniform(rng) < (line.corrupt ?? 0) ? flipped(packet, rng) : packet;
    if (uniform(rng) < (line.reorder ?? 0) && out.length > 0) out.splice(-1, 0, arrives);
    else out.push(arrives);
  }
  return out;
}

/** Takes what the stack sends from `have` to `end`, each in its turn; the peer's own stands at `seq`. */
export async function receives(
  p: Peer,
  have: number,
  end: number,
  seq = 1,
  largest = 65_535,
): Promise<void> {
  let next = have;
  for (let n = 0; next < end && n < 2000; n++) {
    await p.hears();
    for (const s of p.last) {
      const from = (s.seq - p.iss) | 0;
      if (s.bytes.length <= largest && from <= next) next = Math.max(next, from + s.payload.length);
    }
    p.w.put(p.make(".", seq, next));
    await p.w.waits(100);
  }
  expect(next, "bytes that came").toBe(end);
  await p.hears();
}
