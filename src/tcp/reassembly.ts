/**
 * Text that came before its turn (RFC 9293 §3.10.7.4, SHLD-31): islands beyond RCV.NXT, each a run of
 * bytes without a hole, and the SACK blocks that report them (RFC 2018 §4). The first copy of a byte wins.
 */
import { type SeqNum, seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMax } from "../wire/seq.ts";

/** Islands kept at most; a peer that makes more holes than this is playing (CVE-2018-5390). */
const MAX_ISLANDS = 256;
/** True cost of holding one piece beside its bytes, counted against the store. */
const PIECE_OVERHEAD = 128;

interface Island {
  left: SeqNum;
  right: SeqNum;
  /** In order, without gaps. */
  pieces: Uint8Array[];
  /** Higher is newer. */
  stamp: number;
}

export class Reassembly {
  private readonly islands: Island[] = [];
  private clock = 0;
  /** Payload bytes held. */
  bytes = 0;
  private pieces = 0;

  get isEmpty(): boolean {
    return this.islands.length === 0;
  }

  /** What holding this costs, in bytes. */
  get cost(): number {
    return this.bytes + this.pieces * PIECE_OVERHEAD;
  }

  /**
   * Takes `data` at `start`; it is copied only where new. False when it was refused for want of room
   * (`limit` bytes of true cost).
   */
  insert(start: SeqNum, data: Uint8Array, limit: number): boolean {
    const end = seqAdd(start, data.length);
    let i = this.firstTouching(start);
    if (this.cost + data.length + PIECE_OVERHEAD > limit) return false;
    const first = this.islands[i];
    if (first === undefined || seqGt(first.left, end)) {
      if (this.islands.length >= MAX_ISLANDS) return false;
      this.islands.splice(i, 0, {
        left: start,
        right: end,
        pieces: [data.slice()],
        stamp: ++this.clock,
      });
      this.bytes += data.length;
      this.pieces++;
      return true;
    }
    // grow `first` by what it lacks, swallowing the islands that become adjacent
    const merged: Uint8Array[] = [];
    let left = first.left;
    let at = start;
    if (seqLt(start, first.left)) {
      merged.push(this.keep(data, 0, seqDiff(first.left, start)));
      left = start;
    }
    let right = first.left;
    const from = i;
    for (; i < this.islands.length && seqLeq(this.islands[i]!.left, end); i++) {
      const island = this.islands[i]!;
      if (seqGt(island.left, right)) {
        at = right;
        merged.push(this.keep(data, seqDiff(at, start), seqDiff(island.left, start)));
      }
      for (const piece of island.pieces) merged.push(piece);
      right = island.right;
    }
    if (seqGt(end, right)) {
      merged.push(this.keep(data, seqDiff(right, start), data.length));
      right = end;
    }
    this.islands.splice(from, i - from, { left, right, pieces: merged, stamp: ++this.clock });
    return true;
  }

  /** Takes out what now begins at or below `next`, in order; trimmed of what is already delivered. */
  takeReady(next: SeqNum): Uint8Array[] | null {
    const island = this.islands[0];
    if (island === undefined || seqGt(island.left, next)) return null;
    this.islands.shift();
    let skip = seqDiff(next, island.left);
    const out: Uint8Array[] = [];
    for (const piece of island.pieces) {
      this.bytes -= piece.length;
      this.pieces--;
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      out.push(skip > 0 ? piece.subarray(skip) : piece);
      skip = 0;
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
    this.pieces = 0;
  }

  private keep(data: Uint8Array, from: number, to: number): Uint8Array {
    this.bytes += to - from;
    this.pieces++;
    return data.slice(from, to);
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
