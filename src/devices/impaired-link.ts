/**
 * The model of a bad network in one direction: loss, delay, jitter, reordering, duplication, corruption, a rate
 * and a queue limit. Pure, for virtual time: it says what becomes of a packet and holds none.
 */
import type { Rng } from "../base/rng.ts";
import { below, seededRng, uniform } from "../base/rng.ts";
import type { Instant } from "../base/time.ts";
import { instantOf } from "../base/time.ts";
import type { LinkImpairment } from "./impairment-spec.ts";

/** What becomes of one packet; the record is filled again for each. */
export interface LinkVerdict {
  dropped: "loss" | "limit" | null;
  deliverAt: Instant;
  /** Also delivered a second time, then; -1 for not. */
  duplicateAt: Instant;
  /** Bit to flip, counted from the packet's start; -1 for none. */
  corruptBit: number;
  reordered: boolean;
}

export interface LinkCounters {
  offered: number;
  lost: number;
  overLimit: number;
  duplicated: number;
  corrupted: number;
  reordered: number;
}

/** One direction of the model, in whatever time the caller has. */
export class ImpairedLink {
  readonly counters: LinkCounters = {
    offered: 0,
    lost: 0,
    overLimit: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
  };

  readonly #spec: LinkImpairment;
  readonly #rng: Record<"loss" | "jitter" | "reorder" | "duplicate" | "corrupt", Rng>;
  readonly #verdict: LinkVerdict = {
    dropped: null,
    deliverAt: instantOf(0),
    duplicateAt: instantOf(-1),
    corruptBit: -1,
    reordered: false,
  };
  /** Delivery times of what is under way, ascending. */
  readonly #underWay: number[] = [];
  #busyUntil = -Infinity;
  #lastDelivery = -Infinity;

  constructor(spec: LinkImpairment, seed: number) {
    this.#spec = spec;
    // A stream each, so that switching one impairment on leaves the others' choices as they were.
    const stream = (n: number): Rng => seededRng(Math.imul(seed, 0x9e3779b1) + n);
    this.#rng = {
      loss: stream(1),
      jitter: stream(2),
      reorder: stream(3),
      duplicate: stream(4),
      corrupt: stream(5),
    };
  }

  /** A packet of `length` bytes enters at `now`, which never goes back. */
  offer(length: number, now: Instant): LinkVerdict {
    const { loss, duplicate, corrupt, reorder, limit } = this.#spec;
    const verdict = this.#verdict;
    this.counters.offered++;
    verdict.dropped = null;
    verdict.duplicateAt = instantOf(-1);
    verdict.corruptBit = -1;
    verdict.reordered = false;
    const lost = uniform(this.#rng.loss) < loss;
    const twice = uniform(this.#rng.duplicate) < duplicate;
    const damaged = uniform(this.#rng.corrupt) < corrupt;
    const ahead = uniform(this.#rng.reorder) < reorder;
    while (this.#underWay.length > 0 && this.#underWay[0]! <= now) this.#underWay.shift();
    if (lost || this.#underWay.length >= limit) {
      verdict.dropped = lost ? "loss" : "limit";
      if (lost) this.counters.lost++;
      else this.counters.overLimit++;
      return verdict;
    }
    if (damaged) {
      verdict.corruptBit = below(this.#rng.corrupt, length * 8);
      this.counters.corrupted++;
    }
    if (ahead) this.counters.reordered++;
    verdict.reordered = ahead;
    verdict.deliverAt = this.#schedule(length, now, ahead);
    if (twice && this.#underWay.length < limit) {
      this.counters.duplicated++;
      verdict.duplicateAt = this.#schedule(length, now, ahead);
    }
    return verdict;
  }

  #schedule(length: number, now: Instant, ahead: boolean): Instant {
    const { rate, delay, jitter } = this.#spec;
    let at: number = now;
    if (rate > 0) {
      at = Math.max(now, this.#busyUntil) + (length * 8000) / rate;
      this.#busyUntil = at;
    }
    // A reordered packet skips the delay and so overtakes those that are in it.
    if (ahead) return this.#enter(at);
    const varied = jitter > 0 ? delay + jitter * (2 * uniform(this.#rng.jitter) - 1) : delay;
    at = Math.max(at + Math.max(0, varied), this.#lastDelivery);
    this.#lastDelivery = at;
    return this.#enter(at);
  }

  #enter(at: number): Instant {
    let i = this.#underWay.length;
    while (i > 0 && this.#underWay[i - 1]! > at) i--;
    this.#underWay.splice(i, 0, at);
    return instantOf(at);
  }
}
