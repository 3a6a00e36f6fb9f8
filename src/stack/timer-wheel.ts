/**
 * A hierarchical timing wheel (Varghese and Lauck 1987): intrusive lists, no allocation to start or stop, cost that
 * does not grow with what is armed. Slots of 1 ms below, four coarser levels above; within a slot of
 * the lowest level entries stand in order of their exact time.
 */
import { type Instant, instantOf, NEVER } from "../base/time.ts";

export interface WheelEntry {
  wheelDeadline: Instant;
  wheelNext: WheelEntry | null;
  wheelPrev: WheelEntry | null;
  /** -1: not armed. */
  wheelSlot: number;
}

/** Slots of a level, and the ticks (ms) that one of its slots spans. */
const SLOTS = [256, 64, 64, 64, 64] as const;
const SPAN = [1, 256, 16384, 1048576, 67108864] as const;
const FIRST = [0, 256, 320, 384, 448] as const;
const TOTAL = 512;
const LEVELS = 5;
/** Farther than the wheel reaches: parked in the last slot it can name, and sorted anew from there. */
const REACH = SPAN[4] * 64;

export class TimerWheel {
  private readonly heads: (WheelEntry | null)[] = Array.from({ length: TOTAL }, () => null);
  private readonly tails: (WheelEntry | null)[] = Array.from({ length: TOTAL }, () => null);
  /** A bit for each slot that is not empty. */
  private readonly occupied: Int32Array = new Int32Array(TOTAL / 32);
  private tick: number;
  private count = 0;

  constructor(now: Instant) {
    this.tick = Math.floor(now);
  }

  get size(): number {
    return this.count;
  }

  /** Arms, or arms anew. A deadline of NEVER stops. */
  schedule(e: WheelEntry, deadline: Instant): void {
    if (e.wheelSlot >= 0) this.cancel(e);
    e.wheelDeadline = deadline;
    if (deadline === NEVER) return;
    this.count++;
    this.place(e, false);
  }

  cancel(e: WheelEntry): void {
    if (e.wheelSlot < 0) return;
    this.unlink(e);
    this.count--;
    e.wheelDeadline = NEVER;
  }

  /** Runs all with a deadline at or before `now`, in their order; `expire` may arm and stop others. */
  advance(now: Instant, expire: (e: WheelEntry) => void): void {
    const target = Math.floor(now);
    for (;;) {
      this.fire(now, expire);
      if (this.tick >= target) return;
      const next = this.nextTick();
      this.tick = Math.min(target, Math.max(next, this.tick + 1));
      this.cascade();
    }
  }

  /** Never later than the earliest deadline; exact when that lies in the lowest level. */
  nextDeadline(): Instant {
    if (this.count === 0) return NEVER;
    let earliest: number = Infinity;
    const slot = this.firstFrom(0, this.tick % 256);
    if (slot >= 0) earliest = this.heads[slot]!.wheelDeadline;
    for (let level = 1; level < LEVELS; level++) {
      const start = this.levelStart(level);
      if (start < earliest) earliest = start;
    }
    return instantOf(earliest);
  }

  private fire(now: Instant, expire: (e: WheelEntry) => void): void {
    const slot = this.tick % 256;
    for (;;) {
      const head = this.heads[slot]!;
      if (head === null || head.wheelDeadline > now) return;
      this.cancel(head);
      expire(head);
    }
  }

  /** The next tick at which a slot of any level begins that is not empty; Infinity when none is. */
  private nextTick(): number {
    let next: number = Infinity;
    const here = this.tick % 256;
    const slot = this.firstFrom(0, (here + 1) % 256);
    if (slot >= 0) {
      const distance = (slot - here + 256) % 256;
      next = this.tick + (distance === 0 ? 256 : distance);
    }
    for (let level = 1; level < LEVELS; level++) next = Math.min(next, this.levelStart(level));
    return next;
  }

  /** The first tick of the next slot of `level` that is not empty. */
  private levelStart(level: number): number {
    const span = SPAN[level]!;
    const at = Math.floor(this.tick / span);
    const slot = this.firstFrom(level, (at + 1) % 64);
    if (slot < 0) return Infinity;
    const distance = (slot - FIRST[level]! - (at % 64) + 64) % 64;
    return (at + (distance === 0 ? 64 : distance)) * span;
  }

  /**
   * Brings down what lies in the slots that begin at this tick. What comes from a higher level was armed before all of
   * the same deadline that lie lower, so the lowest level goes first and each higher one in front of it, last entry
   * first: equal deadlines keep their order.
   */
  private cascade(): void {
    for (let level = 1; level < LEVELS; level++) {
      const span = SPAN[level]!;
      if (this.tick % span !== 0) continue;
      const slot = FIRST[level]! + (Math.floor(this.tick / span) % 64);
      let e = this.tails[slot]!;
      this.heads[slot] = null;
      this.tails[slot] = null;
      this.occupied[slot >> 5]! &= ~(1 << (slot & 31));
      while (e !== null) {
        const previous: WheelEntry | null = e.wheelPrev;
        this.place(e, true);
        e = previous!;
      }
    }
  }

  private place(e: WheelEntry, inFront: boolean): void {
    const due = Math.max(Math.floor(e.wheelDeadline), this.tick);
    const distance = due - this.tick;
    if (distance < 256) {
      const slot = due % 256;
      this.link(e, slot, inFront ? this.lastBefore(e, slot) : this.lastNotAfter(e, slot));
      return;
    }
    let level = 1;
    while (level < LEVELS - 1 && distance >= SPAN[level]! * 64) level++;
    const at = distance < REACH ? due : this.tick + REACH - 1;
    const slot = FIRST[level]! + (Math.floor(at / SPAN[level]!) % 64);
    this.link(e, slot, inFront ? null : this.tails[slot]!);
  }

  /** Behind `before`, or at the head of the slot. */
  private link(e: WheelEntry, slot: number, before: WheelEntry | null): void {
    const after = before === null ? this.heads[slot]! : before.wheelNext;
    e.wheelSlot = slot;
    e.wheelPrev = before;
    e.wheelNext = after;
    if (before === null) this.heads[slot] = e;
    else before.wheelNext = e;
    if (after === null) this.tails[slot] = e;
    else after.wheelPrev = e;
    this.occupied[slot >> 5]! |= 1 << (slot & 31);
  }

  /** Sought from the tail, as deadlines are mostly armed in their order. */
  private lastNotAfter(e: WheelEntry, slot: number): WheelEntry | null {
    let before = this.tails[slot]!;
    while (before !== null && before.wheelDeadline > e.wheelDeadline) before = before.wheelPrev!;
    return before;
  }

  /** Sought from the head: a cascade goes from the last to the first. */
  private lastBefore(e: WheelEntry, slot: number): WheelEntry | null {
    let before: WheelEntry | null = null;
    let next = this.heads[slot]!;
    while (next !== null && next.wheelDeadline < e.wheelDeadline) {
      before = next;
      next = next.wheelNext!;
    }
    return before;
  }

  private unlink(e: WheelEntry): void {
    const slot = e.wheelSlot;
    const { wheelPrev: prev, wheelNext: next } = e;
    if (prev === null) this.heads[slot] = next;
    else prev.wheelNext = next;
    if (next === null) this.tails[slot] = prev;
    else next.wheelPrev = prev;
    if (this.heads[slot] === null) this.occupied[slot >> 5]! &= ~(1 << (slot & 31));
    e.wheelSlot = -1;
    e.wheelNext = null;
    e.wheelPrev = null;
  }

  /** The first slot of a level that is not empty, going round from `index`; -1 when all are. */
  private firstFrom(level: number, index: number): number {
    const size = SLOTS[level]!;
    const base = FIRST[level]!;
    const words = size >> 5;
    const startWord = index >> 5;
    for (let i = 0; i <= words; i++) {
      const w = (startWord + i) % words;
      let bits = this.occupied[(base >> 5) + w]!;
      if (i === 0) bits &= -1 << (index & 31);
      else if (i === words) bits &= ~(-1 << (index & 31));
      if (bits !== 0) return base + w * 32 + (31 - Math.clz32(bits & -bits));
    }
    return -1;
  }
}
