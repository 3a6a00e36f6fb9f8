/**
 * How many ICMP errors leave (RFC 1122 §3.2.2, RFC 1812 §4.3.2.8): a bucket for each peer, Linux's icmp_ratelimit, and one
 * for the whole stack whose drain is random, so that counting our answers tells nothing about anybody's traffic.
 */
import { below, type Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import type { Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";

/** Peers share buckets by a keyed hash: memory does not grow, and nobody can aim at a neighbour's. */
const CELLS = 1024;
/** Errors to one peer that may go in a row after silence (Linux's XRLIM_BURST_FACTOR). */
const BURST = 6;
/** Errors a second, and in a row, of the whole stack. */
const ALL_PER_SECOND = 100;
const ALL_BURST = 50;
/** An error takes 1 or 2 of the stack's credit. */
const DRAIN = 2;

export class IcmpRateLimit {
  private readonly rng: Rng;
  private readonly key: SipKey;
  private readonly interval: number;
  /** Credit of each bucket in ms, and when it was last looked at. */
  private readonly credit: Float64Array = new Float64Array(CELLS);
  private readonly seen: Float64Array = new Float64Array(CELLS);
  private all = ALL_BURST;
  private allSeen: Instant;

  /** `interval`: ms between errors to one peer on average; 0 for no limit to a peer. */
  constructor(rng: Rng, interval: number, now: Instant) {
    this.rng = rng;
    this.key = sipKey(rng);
    this.interval = interval;
    this.credit.fill(BURST * interval);
    this.seen.fill(now);
    this.allSeen = now;
  }

  /** Whether an error may go to `peer` now; if so it is counted. */
  take(peer: Ipv4Address, now: Instant): boolean {
    const cell = sipHash(this.key, peer, 0, 0, 0) & (CELLS - 1);
    const most = BURST * this.interval;
    const credit = Math.min(most, this.credit[cell]! + now - this.seen[cell]!);
    this.credit[cell] = credit;
    this.seen[cell] = now;
    this.all = Math.min(ALL_BURST, this.all + ((now - this.allSeen) * ALL_PER_SECOND) / 1000);
    this.allSeen = now;
    if (credit < this.interval || this.all < DRAIN) return false;
    this.credit[cell] = credit - this.interval;
    this.all -= 1 + below(this.rng, DRAIN);
    return true;
  }
}
