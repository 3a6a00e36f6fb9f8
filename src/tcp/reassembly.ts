/**
 * Text that came before its turn (RFC 9293 §3.10.7.4, SHLD-31): islands beyond RCV.NXT, each a run of
 * bytes without a hole, and the SACK blocks that report them (RFC 2018 §4). The first copy of a byte wins.
 */
import { PIECE_COST } from "./memory.ts";
import { isJoined, joined } from "./small-pieces.ts";
import { type SeqNum, seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMax } from "../wire/seq.ts";

/** Islands kept at most; a peer that makes more holes than this is playing (CVE-2018-5390). */
const MAX_ISLANDS = 256;

/** Memory of our own; a list, as an array of them would be copied for each byte that an island grows by. */
interface Piece {
  bytes: Uint8Array;
  next: Piece | null;
}

interface Island {
  left: SeqNum;
  right: SeqNum;
  /** In order, without gaps. */
  first: Piece;
  last: Piece;
  /** Higher is newer. */
  stamp: number;
}

export class Reassembly {
  private readonly islands: Island[] = [];
  private clock = 0;
  /** Payload bytes held. */
  bytes = 0;
  /** What holding them costs, in bytes: with the objects around them, and the room behind small ones. */
  cost = 0;

  get isEmpty(): boolean {
    return this.islands.length === 0;
  }

  /**
   * Takes `data` at `start`; it is copied only where new. False when it was refused for want of room
   * (`limit` bytes of true cost).
   */
  insert(start: SeqNum, data: Uint8Array, limit: number): boolean {
    if (this.cost + data.length + PIECE_COST > limit) return false;
    const end = seqAdd(start, data.length);
    const i = this.firstTouching(start);
    const island = this.islands[i];
    if (island === undefined || seqGt(island.left, end)) {
      if (this.islands.length >= MAX_ISLANDS) return false;
      const piece = this.keep(data, 0, data.length);
      const stamp = ++this.clock;
      this.islands.splice(i, 0, { left: start, right: end, first: piece, last: piece, stamp });
      return true;
    }
    island.stamp = ++this.clock;
    if (seqLt(start, island.left)) {
      const piece = this.keep(data, 0, seqDiff(island.left, start));
      piece.next = island.first;
      island.first = piece;
      island.left = start;
    }
    this.extend(i, start, data);
    return true;
  }

  /** What `data` at `start` has beyond the island at `i`, and the islands that it reaches. */
  private extend(i: number, start: SeqNum, data: Uint8Array): void {
    const island = this.islands[i]!;
    const end = seqAdd(start, data.length);
    let reached = 0;
    while (seqGt(end, island.right)) {
      const next = this.islands[i + reached + 1];
      const isReached = next !== undefined && seqLeq(next.left, end);
      const to = isReached ? next.left : end;
      const from = seqDiff(island.right, start);
      if (seqGt(to, island.right)) this.append(island, data, from, seqDiff(to, start));
      island.right = to;
      if (!isReached) break;
      reached++;
      island.last.next = next.first;
      island.last = next.last;
      island.right = next.right;
    }
    if (reached > 0) this.islands.splice(i + 1, reached);
  }

  /** Takes out what now begins at or below `next`, in order; trimmed of what is already delivered. Each has a buffer of its own. */
  takeReady(next: SeqNum): Uint8Array[] | null {
    const island = this.islands[0];
    if (island === undefined || seqGt(island.left, next)) return null;
    this.islands.shift();
    let skip = seqDiff(next, island.left);
    const out: Uint8Array[] = [];
    for (let piece: Piece | null = island.first; piece !== null; piece = piece.next) {
      const { bytes } = piece;
      this.bytes -= bytes.length;
      this.cost -= bytes.buffer.byteLength + PIECE_COST;
      if (skip < bytes.length) out.push(skip > 0 ? bytes.subarray(skip) : bytes);
      skip = Math.max(0, skip - bytes.length);
    }
    return out;
  }

  /** Writes SACK blocks, newest first, behind the `already` that are there, up to `max` in all; returns how many there are. */
  sackBlocks(blocks: Int32Array, max: number, already: number): number {
    const n = this.islands.length;
    let count = already;
    let below = Infinity;
    while (count < max && count - already < n) {
      let best = -1;
      let stamp = -1;
      for (let i = 0; i < n; i++) {
        const s = this.islands[i]!.stamp;
        if (s < below && s > stamp) {
          stamp = s;
          best = i;
        }
      }
      if (best < 0) break;
      const island = this.islands[best]!;
      blocks[2 * count] = island.left;
      blocks[2 * count + 1] = island.right;
      below = stamp;
      count++;
    }
    return count;
  }

  /** How far the bytes at and behind `from` are held: `from` itself where they are not. */
  heldTo(from: SeqNum): SeqNum {
    const island = this.islands[this.firstTouching(from)];
    return island !== undefined && seqLeq(island.left, from) ? island.right : from;
  }

  /** The first byte held at or behind `from` and before `to`; `to` when there is none. */
  firstHeld(from: SeqNum, to: SeqNum): SeqNum {
    for (let i = this.firstTouching(from); i < this.islands.length; i++) {
      const island = this.islands[i]!;
      if (seqGeq(from, island.right)) continue; // touches only
      const left = seqMax(from, island.left);
      return seqLt(left, to) ? left : to;
    }
    return to;
  }

  clear(): void {
    this.islands.length = 0;
    this.bytes = 0;
    this.cost = 0;
  }

  private keep(data: Uint8Array, from: number, to: number): Piece {
    this.bytes += to - from;
    this.cost += to - from + PIECE_COST;
    return { bytes: data.slice(from, to), next: null };
  }

  private append(island: Island, data: Uint8Array, from: number, to: number): void {
    const { last } = island;
    if (!isJoined(last.bytes.length, to - from)) {
      island.last = this.keep(data, from, to);
      last.next = island.last;
      return;
    }
    const before = last.bytes.buffer.byteLength;
    last.bytes = joined(last.bytes, true, data, from, to - from);
    this.bytes += to - from;
    this.cost += last.bytes.buffer.byteLength - before;
  }

  /** Index of the first island whose right edge is at or beyond `start`. */
  private firstTouching(start: SeqNum): number {
    let low = 0;
    let high = this.islands.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (seqGeq(this.islands[mid]!.right, start)) high = mid;
      else low = mid + 1;
    }
    return low;
  }
}
