/** Slow start, congestion avoidance and the halving of RFC 5681, bytes counted as in §3.1. */
import type { Instant } from "../../base/time.ts";
import {
  type AckSample,
  type CongestionController,
  type ControllerOptions,
  NO_SSTHRESH,
} from "./controller.ts";

/**
 * Bytes one ACK may add in slow start, in segments. Deviation: RFC 5681 §3.1 says 1; a kernel peer
 * answers a segment of 64 KiB with one ACK, with which 1 would mean growth of 10 % a round trip. RFC 9406 §4.3 allows 8
 * without pacing.
 */
const SLOW_START_LIMIT = 8;
/** beta_ecn of RFC 8511 §3 for Reno. */
const ECN_BETA = 0.8;

export class Reno implements CongestionController {
  readonly name = "reno";
  cwnd: number;
  /** RFC 5681 §3.1: arbitrarily high. */
  ssthresh: number = NO_SSTHRESH;
  private mss: number;
  private readonly initial: number;
  private counted = 0;
  // before the last reduction
  private priorCwnd = 0;
  private priorSsthresh = 0;

  constructor(options: ControllerOptions) {
    this.mss = options.mss;
    this.initial = options.initialWindow;
    this.cwnd = this.initial;
  }

  onAck(sample: AckSample): void {
    const { acked } = sample;
    if (!sample.limited || sample.inRecovery || acked === 0) return;
    if (this.cwnd < this.ssthresh) {
      this.cwnd += Math.min(acked, SLOW_START_LIMIT * this.mss);
      return;
    }
    this.counted += acked;
    while (this.counted >= this.cwnd) {
      this.counted -= this.cwnd;
      this.cwnd += this.mss;
    }
  }

  onLoss(flight: number, _now: Instant): void {
    this.remember();
    this.ssthresh = this.halved(flight);
    this.cwnd = this.ssthresh;
    this.counted = 0;
  }

  onTimeout(flight: number, first: boolean, _now: Instant): void {
    if (first) {
      this.remember();
      this.ssthresh = this.halved(flight);
    }
    this.cwnd = this.mss;
    this.counted = 0;
  }

  /** RFC 8511 §3 (ABE): a mark comes from a short queue, with which half would leave the path idle. */
  onEcn(flight: number, _now: Instant): void {
    this.ssthresh = Math.max(Math.floor(ECN_BETA * flight), 2 * this.mss);
    this.cwnd = Math.min(this.cwnd, this.ssthresh);
    this.counted = 0;
  }

  undo(_now: Instant): void {
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, this.priorSsthresh);
  }

  onIdle(_now: Instant): void {
    if (this.cwnd > this.initial) this.cwnd = this.initial;
    this.counted = 0;
  }

  onMss(mss: number): void {
    this.mss = mss;
  }

  private halved(flight: number): number {
    return Math.max(Math.floor(flight / 2), 2 * this.mss);
  }

  private remember(): void {
    this.priorCwnd = this.cwnd;
    this.priorSsthresh = this.ssthresh;
  }
}
