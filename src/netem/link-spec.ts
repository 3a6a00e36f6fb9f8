/** One direction of a modelled network as plain data. */
import type { CodelSpec } from "./codel.ts";
import type { LossSpec } from "./loss.ts";
import type { MtuStep } from "./mtu.ts";

/** Both hold; Infinity for a bound that is not. */
export interface Bound {
  readonly packets: number;
  readonly bytes: number;
}

export interface QueueSpec extends Bound, CodelSpec {
  /** CoDel at the head; else packets are dropped at the tail only. */
  readonly codel: boolean;
  /** Where more than this waits, an arriving packet is marked CE, if its transport is ECN-capable. */
  readonly mark: Bound;
}

/** From and to, ms. */
export type Cut = readonly [from: number, to: number];

export interface LinkSpec extends LossSpec {
  /** Bits a second of IPv4 packets; 0 is no limit, and then there is no queue. */
  readonly rate: number;
  /** ms. */
  readonly delay: number;
  /** ms by which the delay varies evenly, both ways. */
  readonly jitter: number;
  /** Jitter may deliver a packet before one that was sent earlier. */
  readonly reorders: boolean;
  /** Chances, 0 to 1: to skip the delay, to arrive twice, to arrive with one bit flipped. */
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  /** Packets in queue and delay together at most. */
  readonly limit: number;
  readonly queue: QueueSpec;
  readonly cuts: readonly Cut[];
  /** In the order of time. */
  readonly mtu: readonly MtuStep[];
  /** Who sent what is too large is not told. */
  readonly blackHole: boolean;
}

export const NO_BOUND: Bound = { packets: Infinity, bytes: Infinity };

/** A link that does nothing to its packets. */
export const CLEAN_LINK: LinkSpec = {
  loss: 0,
  burst: null,
  drop: [],
  rate: 0,
  delay: 0,
  jitter: 0,
  reorders: false,
  reorder: 0,
  duplicate: 0,
  corrupt: 0,
  limit: Infinity,
  queue: { ...NO_BOUND, codel: false, target: 5, interval: 100, ecn: false, mark: NO_BOUND },
  cuts: [],
  mtu: [],
  blackHole: false,
};
