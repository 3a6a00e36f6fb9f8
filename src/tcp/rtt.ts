/** Round-trip estimate and retransmission timeout (RFC 6298, with Karn's rule kept by the callers). */

/** Clock granularity G in ms: times come as floats of a microsecond clock, timestamps tick each ms. */
const GRANULARITY = 1;
/** RFC 6298 §2.1: before the first sample. */
const INITIAL_RTO = 1000;

export class RttEstimator {
  /** ms; 0 before the first sample. */
  srtt: number = 0;
  rttvar = 0;
  /** ms; Infinity before the first sample. */
  minRtt: number = Infinity;
  /** Of the newest transmission known to be delivered: RACK.rtt, ms. */
  latest = 0;
  /** The timeout without back-off, ms. */
  rto: number = INITIAL_RTO;
  /** Doublings in force. */
  backoff = 0;
  samples = 0;

  /** RFC 6298 §2.2, §2.3: RTTVAR first, with the old SRTT. `r` in ms. */
  sample(r: number, rtoMin: number, rtoMax: number): void {
    if (this.samples === 0) {
      this.srtt = r;
      this.rttvar = r / 2;
      this.latest = r; // of the SYN
    } else {
      this.rttvar += (Math.abs(this.srtt - r) - this.rttvar) / 4;
      this.srtt += (r - this.srtt) / 8;
    }
    this.samples++;
    if (r < this.minRtt) this.minRtt = r;
    // Linux holds the variance to the least timeout, not the sum: a steady path keeps that much in hand
    const rto = this.srtt + Math.max(GRANULARITY, rtoMin, 4 * this.rttvar);
    this.rto = Math.min(rto, rtoMax);
    this.backoff = 0;
  }

  /** The timeout now in force, ms (RFC 6298 §5.5). */
  current(rtoMax: number): number {
    return Math.min(this.rto * 2 ** Math.min(this.backoff, 30), rtoMax);
  }

  /** RFC 6298 §5.7: the SYN timer ran out, so data begins with 3 s at least. */
  afterLostSyn(): void {
    this.backoff = 0;
    if (this.rto < 3000) this.rto = 3000;
  }
}
