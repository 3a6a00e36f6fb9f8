/**
 * The array of records of transmissions: parallel typed arrays that grow, and shrink from their head. Sorted by sequence
 * number and without gaps, a record begins where the one before it ends.
 */
import { type SeqNum, seq, seqDiff, seqGt } from "../../wire/seq.ts";

/** The peer says that it holds it. */
export const SACKED = 1;

/** Segments of a first window; more are made room for when they come. */
export const CAPACITY = 32;

export class RecordArray {
  protected ends: Int32Array = new Int32Array(CAPACITY);
  /** ms. */
  protected times: Float64Array = new Float64Array(CAPACITY);
  protected flags: Uint8Array = new Uint8Array(CAPACITY);
  protected head = 0;
  protected tail = 0;
  /** SND.UNA, or what it was: where the first record begins. */
  protected start: SeqNum = seq(0);

  get isEmpty(): boolean {
    return this.head === this.tail;
  }

  get count(): number {
    return this.tail - this.head;
  }

  get capacity(): number {
    return this.ends.length;
  }

  protected makeRoom(): void {
    const n = this.tail - this.head;
    if (n * 2 <= this.ends.length) {
      this.move(this.head, this.tail, 0);
    } else {
      const size = 2 * this.ends.length;
      const { ends, times, flags } = this;
      this.ends = new Int32Array(size);
      this.times = new Float64Array(size);
      this.flags = new Uint8Array(size);
      this.ends.set(ends.subarray(this.head, this.tail));
      this.times.set(times.subarray(this.head, this.tail));
      this.flags.set(flags.subarray(this.head, this.tail));
    }
    this.head = 0;
    this.tail = n;
  }

  protected move(from: number, to: number, target: number): void {
    this.ends.copyWithin(target, from, to);
    this.times.copyWithin(target, from, to);
    this.flags.copyWithin(target, from, to);
  }

  protected startOf(i: number): SeqNum {
    return i === this.head ? this.start : (this.ends[i - 1]! as SeqNum);
  }

  protected lengthOf(i: number): number {
    return seqDiff(this.ends[i]! as SeqNum, this.startOf(i));
  }

  /** The record that holds the byte `at`, or the tail. */
  protected find(at: SeqNum): number {
    let low = this.head;
    let high = this.tail;
    const { ends } = this;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqGt(ends[middle]! as SeqNum, at)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Cuts record `i` at `at`, which lies within; the shorter side makes room. */
  protected split(i: number, at: SeqNum): number {
    if (this.head > 0 && i - this.head < this.tail - i) {
      this.move(this.head, i + 1, this.head - 1);
      this.head--;
      i--;
    } else {
      if (this.tail === this.ends.length) {
        const before = this.head;
        this.makeRoom();
        i -= before;
      }
      this.move(i, this.tail, i + 1);
      this.tail++;
    }
    this.ends[i] = at;
    return i;
  }

  /** Records first + 1 to last, all SACKed, become part of the first. */
  protected join(first: number, last: number): void {
    const n = last - first;
    if (n === 0) return;
    let flags = 0;
    let time = -Infinity;
    for (let i = first; i <= last; i++) {
      flags |= this.flags[i]!;
      time = Math.max(time, this.times[i]!);
    }
    this.flags[last] = flags;
    this.times[last] = time;
    if (first - this.head < this.tail - last) {
      this.move(this.head, first, this.head + n);
      this.head += n;
    } else {
      this.move(last, this.tail, first);
      this.tail -= n;
    }
  }
}
