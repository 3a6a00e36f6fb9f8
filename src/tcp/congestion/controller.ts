/**
 * What a congestion controller is to the machine. It owns `cwnd` and `ssthresh`, may own a pacing rate, and hears what
 * happens; it sends nothing and knows no sequence numbers. docs/congestion-control.md writes one step by step.
 *
 * Units: bytes, milliseconds (with fractions), bytes per millisecond. No clock is read: `now` comes with each call.
 */
import { type Instant, instantOf } from "../../base/time.ts";

/** Owns the window of one connection. */
export interface CongestionController {
  /** As `tcp_congestion_control` and TCP_INFO say it. */
  readonly name: string;
  /** Bytes that may be in flight. */
  readonly cwnd: number;
  /** Bytes; below it is slow start. 2^31 - 1 before the first loss. */
  readonly ssthresh: number;
  /** Bytes/ms at which segments leave; 0 or absent: as fast as the window allows. */
  readonly pacingRate?: number;
  /** True: the delivery rate is sampled for it ({@link AckSample.deliveryRate} and the fields behind it), at some cost. */
  readonly wantsRate?: boolean;
  /**
   * True: `cwnd` is the limit in fast recovery as well. Absent or false: proportional rate reduction (RFC 9937) leads the
   * flight down to `ssthresh` meanwhile, and `cwnd` is what holds again at its end.
   */
  readonly drivesRecovery?: boolean;

  /** An ACK acknowledged or SACKed something new. The record is used again: keep numbers, not the record. */
  onAck(sample: AckSample): void;
  /**
   * A loss was found by other means than a timeout, once an episode of recovery. `flight` bytes were outstanding. To set:
   * `ssthresh`, and `cwnd` to what shall hold after recovery.
   */
  onLoss(flight: number, now: Instant): void;
  /** The retransmission timer ran out; `first` time for this data. Slow start follows (RFC 5681 §3.1: from one segment). */
  onTimeout(flight: number, first: boolean, now: Instant): void;

  // What may be absent: the machine then does without.

  /** The peer echoed a congestion mark, once a round trip (RFC 3168 §6.1.2). Absent: as `onLoss`. */
  onEcn?(flight: number, now: Instant): void;
  /** Everything that was outstanding when the loss was found has arrived. After a timeout, too. */
  onRecoveryEnd?(now: Instant): void;
  /** The last `onLoss` or `onTimeout` was wrong: nothing had been lost (RFC 4015, RFC 5682). */
  undo?(now: Instant): void;
  /** Sending resumes after more than one RTO of silence: with `window` bytes at most (RFC 5681 §4.1, RFC 6928 §2). */
  onIdle?(window: number, now: Instant): void;
  /**
   * Most of `cwnd` was not used for five minutes, or a loss came while it was not (RFC 7661 §4.4): these are what is still
   * proved. Absent: windows are not validated.
   */
  onUnused?(cwnd: number, ssthresh: number, now: Instant): void;
  /** The segment size changed (path MTU). `cwnd` in bytes is to stay (RFC 4821 §4). */
  onMss?(mss: number): void;
}

/** What one ACK told. One record for all connections, filled anew for each. */
export interface AckSample {
  now: Instant;
  /** Bytes newly acknowledged by the cumulative ACK. */
  acked: number;
  /** Bytes newly delivered: acknowledged and not SACKed before, or SACKed. */
  delivered: number;
  /** Bytes marked lost since the last sample. */
  lost: number;
  /** Bytes outstanding, sent and not acknowledged, before this ACK. */
  flight: number;
  /** Bytes believed to be in the network after it (RFC 6675's pipe). */
  inFlight: number;
  /** The congestion window held the sender back: only then may it grow (RFC 7661 §4.4). */
  limited: boolean;
  /** ms that this ACK measured, -1: none. */
  rtt: number;
  /** ms, smoothed, and the least of the connection; 0 before the first measurement. */
  srtt: number;
  minRtt: number;
  /** A round trip ended: something sent after the last round began was acknowledged. */
  roundStart: boolean;
  /** In fast recovery (after it was entered, by this ACK or before). After a timeout it is false: slow start repairs. */
  inRecovery: boolean;

  // with wantsRate only

  /** Bytes/ms that the network delivered lately, as this ACK shows it; 0: unknown. */
  deliveryRate: number;
  /** The sender had too little to send in that time: the path may carry more. */
  appLimited: boolean;
  /** Bytes delivered in all, and how many of them when what is acknowledged here left. */
  totalDelivered: number;
  priorDelivered: number;
  /** Bytes in flight when what is acknowledged here left, itself included, and bytes lost since then. */
  priorInFlight: number;
  lostSince: number;
}

/** Of an ACK that says nothing. */
export function createAckSample(): AckSample {
  return {
    now: instantOf(0),
    acked: 0,
    delivered: 0,
    lost: 0,
    flight: 0,
    inFlight: 0,
    limited: false,
    rtt: -1,
    srtt: 0,
    minRtt: 0,
    roundStart: false,
    inRecovery: false,
    deliveryRate: 0,
    appLimited: false,
    totalDelivered: 0,
    priorDelivered: 0,
    priorInFlight: 0,
    lostSince: 0,
  };
}

/** What a controller is made from: the default export of a module is a class or function that takes this. */
export interface ControllerOptions {
  /** Payload bytes of a segment. */
  readonly mss: number;
  /** Bytes to begin with: RFC 6928's window and 2^31 - 1, or what the controller had whose place is taken. */
  readonly cwnd: number;
  readonly ssthresh: number;
  /** Evenly in [0, 1), from the stack's own seed. */
  random(): number;
}

/** What makes controllers of one kind, under the name that `tcp_congestion_control` knows it by. */
export interface ControllerKind {
  readonly name: string;
  /** One for a connection that begins. */
  create(options: ControllerOptions): CongestionController;
}

/** "Arbitrarily high" (RFC 5681 §3.1), as a small integer. */
export const NO_SSTHRESH = 0x7fffffff;

/** RFC 6928 §2: min(segments * MSS, max(2 * MSS, 14600)), with Linux's tcp_initial_cwnd in segments. */
export function initialWindow(mss: number, segments: number): number {
  return Math.min(segments * mss, Math.max(2 * mss, segments * 1460));
}
