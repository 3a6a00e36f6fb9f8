/**
 * HyStart++ (RFC 9406): the first slow start ends when the round-trip time rises, before anything is lost. A rise leads
 * to conservative slow start, which goes on at a quarter of the pace; it turns into congestion avoidance after five rounds, or
 * back into slow start should the rise have been a spike.
 */
import type { AckSample } from "./controller.ts";

// RFC 9406 §4.3; times in ms
const MIN_RTT_THRESH = 4;
const MAX_RTT_THRESH = 16;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/**
 * Bytes one ACK may add, in segments: L of RFC 9406 §4.3 without pacing. Deviation: RFC 5681 §3.1 says 1; a kernel peer
 * answers a segment of 64 KiB with one ACK, with which 1 would mean a tenth more each round trip.
 */
export const SLOW_START_LIMIT = 8;

export class HyStart {
  /** ms; of this round and of the one before. */
  private current = Infinity;
  private last = Infinity;
  private samples = 0;
  /** In conservative slow start: the RTT that led there, ms. */
  private baseline = Infinity;
  /** Rounds of conservative slow start begun; 0: ordinary slow start. */
  private rounds = 0;
  /** Conservative slow start is over: `ssthresh` is to be `cwnd`. */
  ended = false;

  get conservative(): boolean {
    return this.rounds > 0;
  }

  /** Every ACK of the first slow start; returns the bytes that cwnd may grow by. */
  onAck(sample: AckSample, mss: number): number {
    if (sample.roundStart) this.beginRound();
    if (sample.rtt >= 0) this.measure(sample.rtt);
    const most = Math.min(sample.acked, SLOW_START_LIMIT * mss);
    return this.conservative ? Math.floor(most / CSS_GROWTH_DIVISOR) : most;
  }

  private beginRound(): void {
    this.last = this.current;
    this.current = Infinity;
    this.samples = 0;
    // the round in which it began counts, though it was not whole
    if (this.conservative && ++this.rounds > CSS_ROUNDS) this.ended = true;
  }

  private measure(rtt: number): void {
    this.samples++;
    if (rtt < this.current) this.current = rtt;
    if (this.samples < N_RTT_SAMPLE) return;
    if (this.conservative) {
      if (this.current >= this.baseline) return;
      this.baseline = Infinity;
      this.rounds = 0;
      return;
    }
    if (this.last === Infinity) return;
    const threshold = Math.max(
      MIN_RTT_THRESH,
      Math.min(this.last / MIN_RTT_DIVISOR, MAX_RTT_THRESH),
    );
    if (this.current < this.last + threshold) return;
    this.baseline = this.current;
    this.rounds = 1;
  }
}
