/**
 * CUBIC (RFC 9438): after a loss the window grows along a cubic function of the time since, flat around where the loss
 * was, and never slower than Reno's would. Windows are in bytes here; the text's segments are multiples of the MSS.
 */
import type { Instant } from "../../base/time.ts";
import {
  type AckSample,
  type CongestionController,
  type ControllerOptions,
  NO_SSTHRESH,
} from "./controller.ts";
import { HyStart, SLOW_START_LIMIT } from "./hystart.ts";

/** Segments/s^3 (RFC 9438 §5.1). */
const C = 0.4;
const BETA = 0.7;
/** RFC 8511 §3: what a congestion mark leaves. */
const BETA_ECN = 0.85;
/** RFC 9438 §4.3: what makes the average of Reno's sawtooth with this beta. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** What congestion avoidance remembers; a connection that never leaves its first slow start has none. */
interface Curve {
  /** The window at the last reduction, or less by fast convergence; 0: unknown. */
  wMax: number;
  /** Seconds from the start of the epoch until wMax is reached again. */
  k: number;
  /** When this congestion avoidance began, later by the time in which cwnd was not used; -1: not yet. */
  epoch: number;
  /** What Reno would have. */
  wEst: number;
  /** cwnd before the last reduction. */
  cwndPrior: number;
  /** Since when cwnd was not used; -1: it is. */
  pausedAt: number;
  /** Growth below a byte. */
  fraction: number;
}

/** What a reaction that proves wrong gives back (RFC 9438 §4.9). */
interface Prior extends Curve {
  cwnd: number;
  ssthresh: number;
}

export class Cubic implements CongestionController {
  readonly name = "cubic";
  cwnd: number;
  ssthresh: number;
  private mss: number;
  private hystart: HyStart | null = null;
  private curve: Curve | null = null;
  private prior: Prior | null = null;

  constructor(options: ControllerOptions) {
    this.mss = options.mss;
    this.cwnd = options.cwnd;
    this.ssthresh = options.ssthresh;
  }

  onAck(sample: AckSample): void {
    if (sample.inRecovery || sample.acked === 0) return;
    if (this.cwnd < this.ssthresh) this.slowStart(sample);
    else if (sample.limited) this.avoidCongestion(sample);
    else if (this.curve !== null && this.curve.pausedAt < 0) this.curve.pausedAt = sample.now;
  }

  private slowStart(sample: AckSample): void {
    if (this.ssthresh === NO_SSTHRESH) {
      this.hystart ??= new HyStart();
      const most = this.hystart.onAck(sample, this.mss);
      if (sample.limited) this.cwnd += most;
      if (this.hystart.ended) this.ssthresh = this.cwnd;
    } else if (sample.limited) {
      const most = Math.min(sample.acked, SLOW_START_LIMIT * this.mss);
      this.cwnd = Math.min(this.cwnd + most, this.ssthresh);
    }
  }

  private avoidCongestion(sample: AckSample): void {
    const { cwnd, mss } = this;
    const curve = this.running(sample.now);
    const t = (sample.now - curve.epoch) / 1000;
    const share = sample.acked / cwnd; // of a round trip
    const alpha = curve.wEst >= curve.cwndPrior ? 1 : ALPHA;
    curve.wEst += alpha * mss * share;
    if (this.w(curve, t) < curve.wEst) {
      this.cwnd = Math.max(cwnd, Math.floor(curve.wEst));
      return;
    }
    const target = Math.min(Math.max(this.w(curve, t + sample.srtt / 1000), cwnd), 1.5 * cwnd);
    curve.fraction += (target - cwnd) * Math.min(share, 1);
    const whole = Math.floor(curve.fraction);
    curve.fraction -= whole;
    this.cwnd += whole;
  }

  /** W_cubic, `t` seconds after the epoch began (RFC 9438 §4.2). */
  private w(curve: Curve, t: number): number {
    const d = t - curve.k;
    return C * this.mss * d * d * d + curve.wMax;
  }

  /** The curve, with an epoch that runs. */
  private running(now: Instant): Curve {
    const curve = this.remembered();
    if (curve.epoch < 0) {
      // RFC 9438 §4.8: also after a timeout, which leaves no maximum
      if (curve.wMax <= this.cwnd) curve.wMax = this.cwnd;
      curve.k = cubeRoot((curve.wMax - this.cwnd) / (C * this.mss));
      curve.epoch = now;
      curve.wEst = this.cwnd;
      curve.fraction = 0;
    } else if (curve.pausedAt >= 0) {
      curve.epoch += now - curve.pausedAt;
    }
    curve.pausedAt = -1;
    return curve;
  }

  private remembered(): Curve {
    this.curve ??= { wMax: 0, k: 0, epoch: -1, wEst: 0, cwndPrior: 0, pausedAt: -1, fraction: 0 };
    return this.curve;
  }

  onLoss(flight: number, _now: Instant): void {
    this.reduce(flight, BETA);
    this.cwnd = this.ssthresh;
  }

  onEcn(flight: number, _now: Instant): void {
    this.reduce(flight, BETA_ECN);
    this.cwnd = this.ssthresh;
  }

  onTimeout(flight: number, first: boolean, _now: Instant): void {
    if (first) this.reduce(flight, BETA);
    const curve = this.remembered();
    curve.wMax = 0;
    curve.epoch = -1;
    this.cwnd = this.mss;
  }

  private reduce(flight: number, beta: number): void {
    const curve = this.remembered();
    const { cwnd, ssthresh } = this;
    this.prior = { ...curve, cwnd, ssthresh };
    // fast convergence: a flow that lost below its last maximum makes room for a new one (RFC 9438 §4.7)
    curve.wMax = cwnd < curve.wMax ? (cwnd * (1 + BETA)) / 2 : cwnd;
    curve.cwndPrior = cwnd;
    curve.epoch = -1;
    // RFC 9438 §4.6 lets cwnd stand for the flight where it grows only while it is used; the flight at a loss is what ACKs just took
    const used = 2 * flight > cwnd ? Math.max(flight, cwnd) : flight;
    this.ssthresh = Math.max(Math.floor(used * beta), 2 * this.mss);
  }

  undo(_now: Instant): void {
    const { prior } = this;
    if (prior === null) return;
    const { cwnd, ssthresh, ...curve } = prior;
    this.curve = curve;
    this.cwnd = Math.max(this.cwnd, cwnd);
    this.ssthresh = Math.max(this.ssthresh, ssthresh);
    this.prior = null;
  }

  onIdle(window: number, _now: Instant): void {
    this.cwnd = Math.min(this.cwnd, window);
    if (this.curve !== null) this.curve.epoch = -1;
  }

  onUnused(cwnd: number, ssthresh: number, _now: Instant): void {
    this.cwnd = cwnd;
    this.ssthresh = ssthresh;
    if (this.curve !== null) this.curve.epoch = -1;
  }

  onMss(mss: number): void {
    this.mss = mss;
  }
}

/** Of what is not negative, by Newton from above: the same digits on every engine, which `Math.cbrt` and `**` do not promise. */
function cubeRoot(x: number): number {
  if (x === 0) return 0;
  let root = 1;
  while (root * root * root < x) root *= 2;
  for (;;) {
    const next = (2 * root + x / (root * root)) / 3;
    if (!(next < root)) return root;
    root = next;
  }
}
