/**
 * The largest packet that a link takes, which may change while it works, and what a router does with a larger one: it cuts it
 * (RFC 791 §3.2), unless the packet forbids that; then its sender is to be told (RFC 1191 §4), which is the link's owner's task.
 */
import { readU16, readU8 } from "../base/bytes.ts";
import { setHeaderWord } from "./ipv4-header.ts";
import type { NetemPacket, PacketPool } from "./packet.ts";

/** From this moment on (ms), bytes of a whole IPv4 packet. */
export type MtuStep = readonly [from: number, bytes: number];

/** Every link takes as much (RFC 791 §3.2); and what a length field can say. */
export const LEAST_MTU = 68;
export const MOST_MTU = 65_535;

const TOTAL_LENGTH = 2;
const FRAGMENT = 6;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET = 0x1fff;
const SMALLEST = 20;

/** At `now`; Infinity where nothing is said. */
export function mtuAt(steps: readonly MtuStep[], now: number): number {
  let mtu = Infinity;
  for (const [from, bytes] of steps) if (now >= from) mtu = bytes;
  return mtu;
}

export function mayFragment(p: NetemPacket): boolean {
  return (readU16(p.buffer, FRAGMENT) & DONT_FRAGMENT) === 0;
}

/** Packets of at most `mtu` bytes that are `p` in pieces, each with its options; `p` goes back to the pool. */
export function fragments(p: NetemPacket, mtu: number, pool: PacketPool): NetemPacket[] {
  const header = Math.max(SMALLEST, (readU8(p.buffer, 0) & 15) * 4);
  const step = (mtu - header) & ~7;
  const field = readU16(p.buffer, FRAGMENT);
  const pieces: NetemPacket[] = [];
  for (let at = header; at < p.length; at += step) {
    const end = Math.min(p.length, at + step);
    const piece = pool.take(header + end - at);
    piece.buffer.set(p.buffer.subarray(0, header));
    piece.buffer.set(p.buffer.subarray(at, end), header);
    piece.flags = p.flags;
    piece.remark = p.remark;
    piece.waited = p.waited;
    piece.ahead = p.ahead;
    piece.jitter = p.jitter;
    const more = end < p.length ? MORE_FRAGMENTS : field & MORE_FRAGMENTS;
    const offset = ((field & OFFSET) + (at - header) / 8) & OFFSET;
    setHeaderWord(piece.buffer, TOTAL_LENGTH, piece.length);
    setHeaderWord(piece.buffer, FRAGMENT, (field & ~(OFFSET | MORE_FRAGMENTS)) | more | offset);
    pieces.push(piece);
  }
  pool.give(p);
  return pieces;
}
