/**
 * What BBR believes of the path (draft-ietf-ccwg-bbr §2.9, §5.5): its bandwidth and round trip, how ACKs are held together,
 * and how much in flight it bears. Bytes, ms, bytes/ms.
 */
import type { AckSample } from "./controller.ts";

/** What a loss round leaves of the short-term bounds. */
export const BETA = 0.7;
/** Loss in what was in flight that is too much. */
export const LOSS_THRESH = 0.02;
/** Rounds that each half of the memory of extra ACKs lasts. */
const EXTRA_ACKED_ROUNDS = 5;
const MIN_RTT_LIFE = 10_000;
/** ms after which the round trip is to be measured with the queue drained. */
const PROBE_RTT_INTERVAL = 5000;

export class BbrModel {
  /** The most delivered in this probing cycle and the one before. */
  private readonly best: [number, number] = [0, 0];
  minRtt: number = Infinity;
  private minRttAt: number;
  /** The least round trip since it was last sought. */
  probeRttMin: number = Infinity;
  probeRttAt: number;
  probeRttExpired = false;

  // bounds of what was learnt by probing, and of the losses since
  inflightLong: number = Infinity;
  inflightShort: number = Infinity;
  bwShort: number = Infinity;

  // of this round trip of losses
  bwLatest = 0;
  inflightLatest = 0;
  private lossRoundDelivered = 0;
  lossRoundStart = false;
  lossInRound = false;
  /** ACKs in this round that told of loss. */
  lossEvents = 0;

  private nextRoundDelivered = 0;
  roundStart = false;
  rounds = 0;

  private extraStart: number;
  private extraDelivered = 0;
  private readonly extra: [number, number] = [0, 0];
  private extraRounds = 0;

  constructor(now: number) {
    this.minRttAt = now;
    this.probeRttAt = now;
    this.extraStart = now;
  }

  get maxBw(): number {
    return Math.max(this.best[0], this.best[1]);
  }

  get bw(): number {
    return Math.min(this.maxBw, this.bwShort);
  }

  /** Bytes of `gain` bandwidth-delay products; `initial` before anything was measured. */
  bdp(gain: number, initial: number): number {
    return this.minRtt === Infinity || this.maxBw === 0 ? initial : gain * this.bw * this.minRtt;
  }

  get extraAcked(): number {
    return Math.max(this.extra[0], this.extra[1]);
  }

  /** A probing cycle is over: the one before it counts no more. */
  advanceCycle(): void {
    if (this.best[1] === 0) return;
    this.best[0] = this.best[1];
    this.best[1] = 0;
  }

  startRound(delivered: number): void {
    this.nextRoundDelivered = delivered;
  }

  /** First of all with each ACK. */
  begin(s: AckSample): void {
    const { deliveryRate, totalDelivered, priorDelivered } = s;
    this.lossRoundStart = false;
    this.roundStart = false;
    if (priorDelivered >= 0) {
      this.bwLatest = Math.max(this.bwLatest, deliveryRate);
      this.inflightLatest = Math.max(this.inflightLatest, totalDelivered - priorDelivered);
      if (priorDelivered >= this.lossRoundDelivered) {
        this.lossRoundDelivered = totalDelivered;
        this.lossRoundStart = true;
      }
      if (priorDelivered >= this.nextRoundDelivered) {
        this.nextRoundDelivered = totalDelivered;
        this.roundStart = true;
        this.rounds++;
      }
    }
    if (deliveryRate >= this.maxBw || !s.appLimited)
      this.best[1] = Math.max(this.best[1], deliveryRate);
    if (s.lost > 0) {
      this.lossInRound = true;
      this.lossEvents++;
    }
  }

  /** A round in which something was lost, while not probing: the short-term bounds come down. */
  lowerBounds(cwnd: number): void {
    if (!this.lossInRound) return;
    if (this.bwShort === Infinity) this.bwShort = this.maxBw;
    if (this.inflightShort === Infinity) this.inflightShort = cwnd;
    this.bwShort = Math.max(this.bwLatest, BETA * this.bwShort);
    this.inflightShort = Math.max(this.inflightLatest, BETA * this.inflightShort);
  }

  /** Last of all with each ACK. */
  end(s: AckSample): void {
    if (!this.lossRoundStart) return;
    this.lossInRound = false;
    this.lossEvents = 0;
    this.bwLatest = s.deliveryRate;
    this.inflightLatest = s.priorDelivered < 0 ? 0 : s.totalDelivered - s.priorDelivered;
  }

  forgetShortTerm(): void {
    this.bwShort = Infinity;
    this.inflightShort = Infinity;
  }

  forgetSignals(): void {
    this.lossInRound = false;
    this.bwLatest = 0;
    this.inflightLatest = 0;
  }

  /** §5.5.9: what comes beyond the bandwidth, as ACKs were held together. `span`: rounds that half of the memory lasts. */
  noteAggregation(s: AckSample, cwnd: number, filled: boolean): void {
    let expected = this.bw * (s.now - this.extraStart);
    if (this.extraDelivered <= expected) {
      this.extraDelivered = 0;
      this.extraStart = s.now;
      expected = 0;
    }
    this.extraDelivered += s.delivered;
    if (this.roundStart && ++this.extraRounds >= (filled ? EXTRA_ACKED_ROUNDS : 1)) {
      this.extraRounds = 0;
      this.extra[0] = this.extra[1];
      this.extra[1] = 0;
    }
    this.extra[1] = Math.max(this.extra[1], Math.min(this.extraDelivered - expected, cwnd));
  }

  restartAggregation(now: number): void {
    this.extraStart = now;
    this.extraDelivered = 0;
  }

  /** §5.3.4.3. */
  noteRtt(rtt: number, now: number): void {
    this.probeRttExpired = now > this.probeRttAt + PROBE_RTT_INTERVAL;
    if (rtt >= 0 && (rtt < this.probeRttMin || this.probeRttExpired)) {
      this.probeRttMin = rtt;
      this.probeRttAt = now;
    }
    if (this.probeRttMin < this.minRtt || now > this.minRttAt + MIN_RTT_LIFE) {
      this.minRtt = this.probeRttMin;
      this.minRttAt = this.probeRttAt;
    }
  }

  /** Of what was in flight then more was lost than the path should lose. */
  isInflightTooHigh(s: AckSample): boolean {
    return s.priorDelivered >= 0 && s.lostSince > s.priorInFlight * LOSS_THRESH;
  }
}
