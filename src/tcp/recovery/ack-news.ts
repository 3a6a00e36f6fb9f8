/** What one ACK told of the transmissions under way. One record for all connections, filled anew for each ACK. */
import type { SeqNum } from "../../wire/seq.ts";
import type { RttEstimator } from "../rtt.ts";
import { seq, seqGt } from "../../wire/seq.ts";

export class AckNews {
  now = 0;
  /** A copy that seems to have taken less than its least was not what was acknowledged (RFC 8985 §6.2 step 2). */
  private estimate: RttEstimator | null = null;
  /** What left at this moment or later is not what is echoed; `Infinity` without an echo. */
  private echoed = Infinity;
  /** What ends beyond it left after the timeout that is being judged. */
  private judged: SeqNum = seq(0);
  /** Bytes delivered by it: acknowledged and not SACKed before, or SACKed. */
  delivered = 0;
  /** Bytes marked lost. */
  lost = 0;
  /** When the newest copy left that was found lost itself; `-Infinity`: none was. */
  lostAgain: number = -Infinity;
  /** Something was delivered that left only once, before SND.NXT was `judged`. */
  original = false;
  /** Of that, something below what was SACKed earlier: the path reorders (RFC 8985 §6.2 step 3). */
  reordered = false;
  /** ms since the newest transmission delivered that left only once; -1: none. */
  rtt = -1;
  /** The newest transmission delivered, `-Infinity`: none, and where it ends. */
  time: number = -Infinity;
  end: SeqNum = seq(0);
  /** Bytes that the peer reports to have got twice (RFC 2883), and where they end. */
  duplicate = 0;
  duplicateEnd: SeqNum = seq(0);

  /** `echoed` in ms, see above. Objects in place of numbers: a call boxes a double, and this is on the way of each ACK. */
  begin(now: number, estimate: RttEstimator, echoed: number, judged: SeqNum): void {
    this.now = now;
    this.estimate = estimate;
    this.echoed = echoed;
    this.judged = judged;
    this.delivered = 0;
    this.lost = 0;
    this.lostAgain = -Infinity;
    this.original = false;
    this.reordered = false;
    this.rtt = -1;
    this.time = -Infinity;
    this.duplicate = 0;
  }

  /**
   * `length` bytes that end at `end` and left at `time` have arrived; `again`: they left more than once, `passed`: later
   * ones had arrived before.
   */
  deliver(length: number, time: number, end: SeqNum, again: boolean, passed: boolean): void {
    this.delivered += length;
    if (!again) {
      if (!seqGt(end, this.judged)) this.original = true;
      if (passed) this.reordered = true;
      this.rtt = Math.max(0, this.now - time);
    } else if (this.now - time < this.estimate!.minRtt || time >= this.echoed) return;
    if (time > this.time || (time === this.time && seqGt(end, this.end))) {
      this.time = time;
      this.end = end;
    }
  }
}

export const news: AckNews = new AckNews();
