/**
 * Answers of the whole stack that anybody can draw: challenge ACKs (RFC 5961 §7), behind each connection's own limit, and RSTs to
 * segments of no connection. How many a second may have is drawn anew each time: an exact shared count would tell one peer how
 * many another drew (CVE-2016-5696).
 */
import { below, type Rng } from "../base/rng.ts";
import { elapsed, type Instant } from "../base/time.ts";

const SECOND = 1000;

export class RandomBudget {
  private readonly rng: Rng;
  private readonly perSecond: number;
  private began: Instant;
  private left: number;

  constructor(from: { readonly rng: Rng; readonly now: Instant }, perSecond: number) {
    this.rng = from.rng;
    this.perSecond = perSecond;
    this.began = from.now;
    this.left = this.draw();
  }

  /** Whether one more may leave; if so it is counted. */
  take(now: Instant): boolean {
    if (elapsed(this.began, now) >= SECOND) {
      this.began = now;
      this.left = this.draw();
    }
    if (this.left <= 0) return false;
    this.left--;
    return true;
  }

  /** From half of the rate to one and a half of it, as Linux drew it. */
  private draw(): number {
    return Math.ceil(this.perSecond / 2) + below(this.rng, this.perSecond);
  }
}
