/** What the peer said it holds beyond SND.UNA (RFC 2018), and which bytes count as lost (RFC 6675 §4). */
import {
  type SeqNum,
  seqDiff,
  seqGeq,
  seqGt,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
} from "../../wire/seq.ts";

/** DupThresh of RFC 6675. */
const DUP_THRESH = 3;
/** Ranges remembered; more are a peer's game (CVE-2019-11477 ff.), the lowest ones matter most. */
const MAX_RANGES = 256;

export class Scoreboard {
  /** Disjoint, ascending: left edge at 2i, right edge (exclusive) at 2i + 1. */
  private edges: SeqNum[] = [];
  /** Bytes SACKed. */
  sacked = 0;

  get isEmpty(): boolean {
    return this.edges.length === 0;
  }

  /** Adds [left, right); returns how many bytes were new. The caller has checked the edges. */
  add(left: SeqNum, right: SeqNum): number {
    const e = this.edges;
    let i = 0;
    while (i < e.length && seqLt(e[i + 1]!, left)) i += 2;
    let newLeft = left;
    let newRight = right;
    let old = 0;
    let j = i;
    while (j < e.length && seqLeq(e[j]!, right)) {
      newLeft = seqMin(newLeft, e[j]!);
      newRight = seqMax(newRight, e[j + 1]!);
      old += seqDiff(e[j + 1]!, e[j]!);
      j += 2;
    }
    if (j === i && e.length >= 2 * MAX_RANGES) return 0;
    e.splice(i, j - i, newLeft, newRight);
    const fresh = seqDiff(newRight, newLeft) - old;
    this.sacked += fresh;
    return fresh;
  }

  /** Forgets what lies below the cumulative ACK. */
  advance(una: SeqNum): void {
    const e = this.edges;
    while (e.length > 0 && seqLeq(e[1]!, una)) {
      this.sacked -= seqDiff(e[1]!, e[0]!);
      e.splice(0, 2);
    }
    if (e.length > 0 && seqLt(e[0]!, una)) {
      this.sacked -= seqDiff(una, e[0]!);
      e[0] = una;
    }
  }

  /** RFC 2018 §5.1: after a timeout nothing is believed. */
  clear(): void {
    this.edges.length = 0;
    this.sacked = 0;
  }

  /**
   * Bytes below this edge that are not SACKed are lost: three ranges, or more than two segments'
   * bytes, lie above (RFC 6675 §4 IsLost). `una` when none is.
   */
  lostEdge(una: SeqNum, mss: number): SeqNum {
    const e = this.edges;
    let ranges = 0;
    let bytes = 0;
    for (let i = e.length - 2; i >= 0; i -= 2) {
      ranges++;
      bytes += seqDiff(e[i + 1]!, e[i]!);
      if (ranges >= DUP_THRESH || bytes > (DUP_THRESH - 1) * mss) return e[i]!;
    }
    return una;
  }

  /** Bytes of [from, to) that are not SACKed. */
  missing(from: SeqNum, to: SeqNum): number {
    let total = seqDiff(to, from);
    if (total <= 0) return 0;
    const e = this.edges;
    for (let i = 0; i < e.length; i += 2) {
      const left = seqMax(e[i]!, from);
      const right = seqMin(e[i + 1]!, to);
      if (seqLt(left, right)) total -= seqDiff(right, left);
    }
    return total;
  }

  /** The first byte at or beyond `from` that is not SACKed. */
  nextHole(from: SeqNum): SeqNum {
    const e = this.edges;
    for (let i = 0; i < e.length; i += 2) {
      if (seqLt(from, e[i]!)) return from;
      if (seqLt(from, e[i + 1]!)) return e[i + 1]!;
    }
    return from;
  }

  /** Where the hole that holds `from` ends: the next SACKed byte, or `limit`. */
  holeEnd(from: SeqNum, limit: SeqNum): SeqNum {
    const e = this.edges;
    for (let i = 0; i < e.length; i += 2) {
      if (seqGt(e[i]!, from)) return seqMin(e[i]!, limit);
    }
    return limit;
  }

  /** The highest byte SACKed plus one, or `una`. */
  highest(una: SeqNum): SeqNum {
    const e = this.edges;
    const top = e.length === 0 ? una : e[e.length - 1]!;
    return seqGeq(top, una) ? top : una;
  }
}
