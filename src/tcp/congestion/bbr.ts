/**
 * BBR, version 3 of draft-ietf-ccwg-bbr: paces at the bandwidth that the path was seen to deliver, and holds in flight what
 * that takes. It probes for more now and then, drains what it queued, and heeds loss as a sign that it was too much.
 * Names are the draft's. What differs: losses are judged when a later ACK is sampled, not one by one.
 */
import type { Instant } from "../../base/time.ts";
import { BETA, BbrModel } from "./bbr-model.ts";
import type { AckSample, CongestionController, ControllerOptions } from "./controller.ts";
import { NO_SSTHRESH } from "./controller.ts";

type State =
  "startup" | "drain" | "probe-down" | "probe-cruise" | "probe-refill" | "probe-up" | "probe-rtt";
type AckPhase = "init" | "refilling" | "starting" | "feedback" | "stopping";

/** Pacing and window gains of the states (§2.4, §4.6). */
const GAINS: Readonly<Record<State, readonly [number, number]>> = {
  startup: [2.77, 2],
  drain: [0.5, 2],
  "probe-down": [0.9, 2],
  "probe-cruise": [1, 2],
  "probe-refill": [1, 2],
  "probe-up": [1.25, 2.25],
  "probe-rtt": [1, 0.5],
};
/** Paced so much below the bandwidth, lest a queue stand. */
const MARGIN = 0.99;
/** Of inflightLong, left to others while cruising. */
const HEADROOM = 0.15;
/** Growth of the bandwidth by which the pipe is not full yet, and rounds without it. */
const FULL_BW_GROWTH = 1.25;
const FULL_BW_ROUNDS = 3;
const STARTUP_LOSSES = 6;
const PROBE_RTT_TIME = 200;
/** Rounds after which Reno would have filled a small path again. */
const RENO_ROUNDS = 63;
/** ms worth of data sent together; three such are under way on top. */
const QUANTUM = 1;
const LARGEST_QUANTUM = 65_536;

export class Bbr implements CongestionController {
  readonly name = "bbr";
  readonly wantsRate = true;
  readonly drivesRecovery = true;
  cwnd: number;
  ssthresh: number = NO_SSTHRESH;
  pacingRate = 0;
  private mss: number;
  private readonly initial: number;
  private readonly random: () => number;
  private model: BbrModel | null = null;
  private state: State = "startup";
  private ackPhase: AckPhase = "init";
  private cycleAt = 0;
  private probeWait = 0;
  private roundsAtProbe = 0;
  private probeUpRounds = 0;
  private probeUpBytes = 0;
  private probeSamples = false;
  private fullBw = 0;
  private fullBwCount = 0;
  private fullBwNow = false;
  private fullBwReached = false;
  private priorCwnd = 0;
  private inLossRecovery = false;
  private idleRestart = false;
  private probeRttDoneAt = 0;
  private probeRttRoundDone = false;

  constructor(options: ControllerOptions) {
    this.mss = options.mss;
    this.initial = options.cwnd;
    this.cwnd = options.cwnd;
    this.random = () => options.random();
  }

  /** As the draft names its phases. */
  get phase(): string {
    return this.state;
  }

  private get minPipe(): number {
    return 4 * this.mss;
  }

  private get probesBw(): boolean {
    return this.state.startsWith("probe-") && this.state !== "probe-rtt";
  }

  onAck(s: AckSample): void {
    this.model ??= new BbrModel(s.now);
    const m = this.model;
    m.begin(s);
    if (m.lossRoundStart && !this.isProbing()) m.lowerBounds(this.cwnd);
    m.noteAggregation(s, this.cwnd, this.fullBwReached);
    this.checkFullBw(m, s);
    this.checkStartupLoss(m, s);
    if (this.state === "startup" && this.fullBwReached) this.state = "drain";
    if (this.state === "drain" && s.inFlight <= this.inflight(m, 1)) this.startDown(m, s);
    if (this.fullBwReached) this.probe(m, s);
    m.noteRtt(s.rtt, s.now);
    this.checkProbeRtt(m, s);
    m.end(s);
    this.setPacingRate(m, s.srtt);
    this.setCwnd(m, s);
  }

  /** In these states loss is what is sought. */
  private isProbing(): boolean {
    const { state } = this;
    return state === "startup" || state === "probe-refill" || state === "probe-up";
  }

  // --- startup --------------------------------------------------------------------------------------

  private checkFullBw(m: BbrModel, s: AckSample): void {
    if (this.fullBwNow || !m.roundStart || s.appLimited) return;
    if (s.deliveryRate >= this.fullBw * FULL_BW_GROWTH) {
      this.resetFullBw(s.deliveryRate);
      return;
    }
    this.fullBwNow = ++this.fullBwCount >= FULL_BW_ROUNDS;
    if (this.fullBwNow) this.fullBwReached = true;
  }

  private resetFullBw(rate: number): void {
    this.fullBw = rate;
    this.fullBwCount = 0;
    this.fullBwNow = false;
  }

  private checkStartupLoss(m: BbrModel, s: AckSample): void {
    if (this.state !== "startup" || !m.lossRoundStart || !s.inRecovery) return;
    if (m.lossEvents < STARTUP_LOSSES || !m.isInflightTooHigh(s)) return;
    this.fullBwReached = true;
    m.inflightLong = Math.max(m.bdp(1, this.initial), m.inflightLatest);
  }

  // --- the cycle of probing for bandwidth -----------------------------------------------------------

  private probe(m: BbrModel, s: AckSample): void {
    this.adaptLongTerm(m, s);
    switch (this.state) {
      case "probe-down":
        if (this.isTimeToProbe(m, s.now)) this.startRefill(m, s);
        else if (s.inFlight <= Math.min(this.withHeadroom(m), this.inflight(m, 1)))
          this.state = "probe-cruise";
        return;
      case "probe-cruise":
        if (this.isTimeToProbe(m, s.now)) this.startRefill(m, s);
        return;
      case "probe-refill":
        if (!m.roundStart) return;
        this.probeSamples = true;
        this.startUp(m, s);
        return;
      case "probe-up":
        if (s.limited && this.cwnd >= m.inflightLong) this.resetFullBw(s.deliveryRate);
        else if (this.fullBwNow) this.startDown(m, s);
        return;
      case "startup":
      case "drain":
      case "probe-rtt":
        return;
    }
  }

  private isTimeToProbe(m: BbrModel, now: Instant): boolean {
    if (now - this.cycleAt > this.probeWait) return true;
    const renoRounds = Math.min(this.inflight(m, 1) / this.mss, RENO_ROUNDS);
    return m.rounds - this.roundsAtProbe >= renoRounds;
  }

  private startDown(m: BbrModel, s: AckSample): void {
    m.forgetSignals();
    this.roundsAtProbe = m.rounds - (this.random() < 0.5 ? 1 : 0);
    this.probeWait = 2000 + 1000 * this.random();
    this.cycleAt = s.now;
    this.ackPhase = "stopping";
    m.startRound(s.totalDelivered);
    this.state = "probe-down";
  }

  private startRefill(m: BbrModel, s: AckSample): void {
    m.forgetShortTerm();
    this.probeUpRounds = 0;
    this.probeUpBytes = 0;
    this.ackPhase = "refilling";
    m.startRound(s.totalDelivered);
    this.state = "probe-refill";
  }

  private startUp(m: BbrModel, s: AckSample): void {
    this.ackPhase = "starting";
    m.startRound(s.totalDelivered);
    this.resetFullBw(s.deliveryRate);
    this.state = "probe-up";
    this.raiseSlope();
  }

  /** What may be added to inflightLong in this round trip: twice that of the one before. */
  private raiseSlope(): void {
    this.probeUpBytes = this.mss * 2 ** Math.min(this.probeUpRounds++, 30);
  }

  private adaptLongTerm(m: BbrModel, s: AckSample): void {
    if (this.ackPhase === "starting" && m.roundStart) this.ackPhase = "feedback";
    if (this.ackPhase === "stopping" && m.roundStart) {
      this.probeSamples = false;
      this.ackPhase = "init";
      if (this.probesBw && !s.appLimited) m.advanceCycle();
    }
    if (m.isInflightTooHigh(s)) {
      if (this.probeSamples) this.tooHigh(m, s);
      return;
    }
    if (m.inflightLong === Infinity || s.priorDelivered < 0) return;
    if (s.priorInFlight > m.inflightLong) m.inflightLong = s.priorInFlight;
    this.probeUpward(m, s);
  }

  private probeUpward(m: BbrModel, s: AckSample): void {
    if (this.state !== "probe-up" || !s.limited || this.cwnd < m.inflightLong) return;
    m.inflightLong += (s.delivered * this.probeUpBytes) / this.cwnd;
    if (m.roundStart) this.raiseSlope();
  }

  private tooHigh(m: BbrModel, s: AckSample): void {
    this.probeSamples = false;
    if (!s.appLimited) {
      const target = Math.min(this.inflight(m, 1), this.cwnd);
      m.inflightLong = Math.max(s.priorInFlight, BETA * target);
    }
    if (this.state === "probe-up") this.startDown(m, s);
  }

  // --- the round trip -------------------------------------------------------------------------------

  private checkProbeRtt(m: BbrModel, s: AckSample): void {
    if (this.state !== "probe-rtt" && m.probeRttExpired && !this.idleRestart) {
      this.saveCwnd();
      this.state = "probe-rtt";
      this.probeRttDoneAt = 0;
      this.ackPhase = "stopping";
      m.startRound(s.totalDelivered);
    }
    if (this.state === "probe-rtt") this.holdLow(m, s);
    if (s.delivered > 0) this.idleRestart = false;
  }

  private holdLow(m: BbrModel, s: AckSample): void {
    if (this.probeRttDoneAt === 0) {
      if (s.inFlight > this.probeRttCwnd(m)) return;
      this.probeRttDoneAt = s.now + PROBE_RTT_TIME;
      this.probeRttRoundDone = false;
      m.startRound(s.totalDelivered);
      return;
    }
    if (m.roundStart) this.probeRttRoundDone = true;
    if (this.probeRttRoundDone && s.now > this.probeRttDoneAt) this.leaveProbeRtt(m, s);
  }

  private leaveProbeRtt(m: BbrModel, s: AckSample): void {
    m.probeRttAt = s.now;
    this.restoreCwnd();
    m.forgetShortTerm();
    if (this.fullBwReached) {
      this.startDown(m, s);
      this.state = "probe-cruise";
    } else this.state = "startup";
  }

  private probeRttCwnd(m: BbrModel): number {
    return Math.max(m.bdp(GAINS["probe-rtt"][1], this.initial), this.minPipe);
  }

  // --- what governs sending -------------------------------------------------------------------------

  private setPacingRate(m: BbrModel, srtt: number): void {
    const [gain] = GAINS[this.state];
    const bw = m.maxBw > 0 ? m.bw : this.initial / (srtt > 0 ? srtt : 1);
    const rate = gain * bw * MARGIN;
    if (this.fullBwReached || rate > this.pacingRate) this.pacingRate = rate;
  }

  private get quantum(): number {
    return Math.max(2 * this.mss, Math.min(this.pacingRate * QUANTUM, LARGEST_QUANTUM));
  }

  /** Bytes in flight that `gain` asks for, with room for what is sent and acknowledged together. */
  private inflight(m: BbrModel, gain: number): number {
    const bytes = Math.max(m.bdp(gain, this.initial), 3 * this.quantum, this.minPipe);
    return this.state === "probe-up" ? bytes + 2 * this.mss : bytes;
  }

  private withHeadroom(m: BbrModel): number {
    if (m.inflightLong === Infinity) return Infinity;
    const headroom = Math.max(this.mss, HEADROOM * m.inflightLong);
    return Math.max(m.inflightLong - headroom, this.minPipe);
  }

  private setCwnd(m: BbrModel, s: AckSample): void {
    const most = this.inflight(m, GAINS[this.state][1]) + m.extraAcked;
    let { cwnd } = this;
    // what was lost is not in flight any more: its room is not used again at once
    if (s.inRecovery && s.lost > 0) cwnd = Math.max(cwnd - s.lost, this.mss);
    if (this.fullBwReached) cwnd = Math.min(cwnd + s.delivered, most);
    else if (cwnd < most || s.totalDelivered < this.initial) cwnd += s.delivered;
    cwnd = Math.max(cwnd, this.minPipe);
    if (this.state === "probe-rtt") cwnd = Math.min(cwnd, this.probeRttCwnd(m));
    this.cwnd = Math.floor(Math.min(cwnd, Math.max(this.bound(m), this.minPipe)));
  }

  private bound(m: BbrModel): number {
    const { state } = this;
    let most = Infinity;
    if (state === "probe-rtt" || state === "probe-cruise") most = this.withHeadroom(m);
    else if (this.probesBw) most = m.inflightLong;
    return Math.min(most, m.inflightShort);
  }

  // --- losses and pauses ----------------------------------------------------------------------------

  private saveCwnd(): void {
    const low = this.inLossRecovery || this.state === "probe-rtt";
    this.priorCwnd = low ? Math.max(this.priorCwnd, this.cwnd) : this.cwnd;
  }

  private restoreCwnd(): void {
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
  }

  onLoss(_flight: number, _now: Instant): void {
    this.saveCwnd();
    this.inLossRecovery = true;
  }

  onTimeout(_flight: number, first: boolean, _now: Instant): void {
    if (first) this.saveCwnd();
    this.inLossRecovery = true;
    this.cwnd = this.mss;
  }

  onEcn(_flight: number, _now: Instant): void {
    if (this.model !== null) this.model.lossInRound = true;
  }

  onRecoveryEnd(_now: Instant): void {
    if (this.inLossRecovery) this.restoreCwnd();
    this.inLossRecovery = false;
  }

  undo(_now: Instant): void {
    this.inLossRecovery = false;
    this.restoreCwnd();
    this.model?.forgetShortTerm();
  }

  /** The model outlives a pause; what is paced needs no smaller window. */
  onIdle(_window: number, now: Instant): void {
    if (this.model === null) return;
    this.idleRestart = true;
    this.model.restartAggregation(now);
    if (this.probesBw) this.pacingRate = this.model.bw * MARGIN;
  }

  onMss(mss: number): void {
    this.mss = mss;
  }
}
