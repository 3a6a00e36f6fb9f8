/** Slow start, congestion avoidance and the halving of RFC 5681, bytes counted as in §3.1; less for a mark (RFC 8511). */
import type { Instant } from "../../base/time.ts";
import type { AckSample, CongestionController, ControllerOptions } from "./controller.ts";
import { SLOW_START_LIMIT } from "./hystart.ts";

const BETA = 0.5;
/** What a congestion mark leaves: the queue that marks is a short one (RFC 8511 §3). */
const BETA_ECN = 0.8;

export class Reno implements CongestionController {
  readonly name = "reno";
  cwnd: number;
  ssthresh: number;
  private mss: number;
  private counted = 0;
  // before the last reduction
  private priorCwnd = 0;
  private priorSsthresh = 0;

  constructor(options: ControllerOptions) {
    this.mss = options.mss;
    this.cwnd = options.cwnd;
    this.ssthresh = options.ssthresh;
  }

  onAck(sample: AckSample): void {
    if (sample.inRecovery || sample.acked === 0 || !sample.limited) return;
    if (this.cwnd < this.ssthresh) {
      const most = Math.min(sample.acked, SLOW_START_LIMIT * this.mss);
      this.cwnd = Math.min(this.cwnd + most, this.ssthresh);
    } else this.avoidCongestion(sample.acked);
  }

  private avoidCongestion(acked: number): void {
    this.counted += acked;
    while (this.counted >= this.cwnd) {
      this.counted -= this.cwnd;
      this.cwnd += this.mss;
    }
  }

  onLoss(flight: number, _now: Instant): void {
    this.reduce(flight, BETA);
  }

  onEcn(flight: number, _now: Instant): void {
    this.reduce(flight, BETA_ECN);
  }

  private reduce(flight: number, beta: number): void {
    this.remember();
    this.ssthresh = Math.max(Math.floor(flight * beta), 2 * this.mss);
    this.cwnd = this.ssthresh;
    this.counted = 0;
  }

  onTimeout(flight: number, first: boolean, _now: Instant): void {
    if (first) {
      this.remember();
      this.ssthresh = Math.max(Math.floor(flight * BETA), 2 * this.mss);
    }
    this.cwnd = this.mss;
    this.counted = 0;
  }

  undo(_now: Instant): void {
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, this.priorSsthresh);
  }

  onIdle(window: number, _now: Instant): void {
    this.cwnd = Math.min(this.cwnd, window);
    this.counted = 0;
  }

  onUnused(cwnd: number, ssthresh: number, _now: Instant): void {
    this.cwnd = cwnd;
    this.ssthresh = ssthresh;
    this.counted = 0;
  }

  onMss(mss: number): void {
    this.mss = mss;
  }

  private remember(): void {
    this.priorCwnd = this.cwnd;
    this.priorSsthresh = this.ssthresh;
  }
}
