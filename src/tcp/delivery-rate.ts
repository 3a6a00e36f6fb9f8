/**
 * How fast the network delivers (draft-ietf-ccwg-ratesample): what was delivered between the moment that something left and
 * that of its ACK, over the longer of the times that it took to send and to acknowledge this. Only connections whose controller
 * wants it have one. What leaves at one moment shares an entry, so that the cost is that of turns, not of segments.
 */
import type { Instant } from "../base/time.ts";
import { type SeqNum, seqLt } from "../wire/seq.ts";
import type { AckSample } from "./congestion/controller.ts";

/** Columns of an entry. */
const TIME = 0;
const DELIVERED = 1;
const DELIVERED_AT = 2;
const FIRST_SENT = 3;
const IN_FLIGHT = 4;
const LOST = 5;
const APP_LIMITED = 6;
/** SND.NXT behind it. */
const END = 7;
const COLUMNS = 8;

/** Moments remembered at first, and at most: older ones give no sample. */
const LEAST = 32;
const MOST = 4096;

export class DeliveryRate {
  /** Bytes delivered, and found lost, since the start. */
  delivered = 0;
  lost = 0;
  /** Bytes/ms by the last ACK that gave a sample. */
  latest = 0;
  private deliveredAt: Instant;
  private firstSent: Instant;
  /** Until so much was delivered the sender had too little to send; 0: it has enough. */
  private limitedTo = 0;
  private entries = new Float64Array(LEAST * COLUMNS);
  private head = 0;
  private count = 0;

  constructor(now: Instant) {
    this.deliveredAt = now;
    this.firstSent = now;
  }

  private at(i: number): number {
    return ((this.head + i) % (this.entries.length / COLUMNS)) * COLUMNS;
  }

  /** Data left, new to `end` or again; `inFlight` bytes with it, `idle`: nothing was under way before. */
  sent(inFlight: number, end: SeqNum, idle: boolean, now: Instant): void {
    if (idle) {
      this.firstSent = now;
      this.deliveredAt = now;
      this.count = 0;
    }
    const last = this.count === 0 ? -1 : this.at(this.count - 1);
    if (last >= 0 && this.entries[last + TIME] === now) {
      this.entries[last + IN_FLIGHT] = inFlight;
      this.entries[last + END] = end;
      return;
    }
    this.makeRoom();
    const e = this.at(this.count++);
    this.entries[e + TIME] = now;
    this.entries[e + DELIVERED] = this.delivered;
    this.entries[e + DELIVERED_AT] = this.deliveredAt;
    this.entries[e + FIRST_SENT] = this.firstSent;
    this.entries[e + IN_FLIGHT] = inFlight;
    this.entries[e + LOST] = this.lost;
    this.entries[e + END] = end;
    this.entries[e + APP_LIMITED] = this.limitedTo > 0 ? 1 : 0;
  }

  private makeRoom(): void {
    const capacity = this.entries.length / COLUMNS;
    if (this.count < capacity) return;
    if (capacity >= MOST) {
      this.head = (this.head + 1) % capacity;
      this.count--;
      return;
    }
    const larger = new Float64Array(2 * this.entries.length);
    larger.set(this.entries.subarray(this.head * COLUMNS));
    larger.set(
      this.entries.subarray(0, this.head * COLUMNS),
      this.entries.length - this.head * COLUMNS,
    );
    this.entries = larger;
    this.head = 0;
  }

  /** The window, not the user, is to be what limits; `inFlight` is all that there is. */
  appLimited(inFlight: number): void {
    this.limitedTo = Math.max(1, this.delivered + inFlight);
  }

  /**
   * The ACK of `sample` delivered what ends at `newest`. Fills the sample's last fields. What was sent twice counts as sent the
   * first time, which makes the rate too low rather than too high.
   */
  acknowledged(sample: AckSample, newest: SeqNum): void {
    const { delivered: bytes, minRtt, now } = sample;
    this.delivered += bytes;
    this.lost += sample.lost;
    if (bytes > 0) this.deliveredAt = now;
    if (this.limitedTo > 0 && this.delivered > this.limitedTo) this.limitedTo = 0;
    sample.totalDelivered = this.delivered;
    sample.deliveryRate = 0;
    sample.appLimited = this.limitedTo > 0;
    sample.priorDelivered = -1;
    const e = this.find(newest);
    if (e < 0 || bytes === 0) return;
    const { entries } = this;
    sample.priorDelivered = entries[e + DELIVERED]!;
    sample.priorInFlight = entries[e + IN_FLIGHT]!;
    sample.lostSince = this.lost - entries[e + LOST]!;
    sample.appLimited = entries[e + APP_LIMITED] === 1;
    const sendTime = entries[e + TIME]! - entries[e + FIRST_SENT]!;
    const ackTime = now - entries[e + DELIVERED_AT]!;
    this.firstSent = entries[e + TIME]! as Instant;
    const interval = Math.max(sendTime, ackTime);
    // shorter than any round trip: ACKs were held together somewhere
    if (interval <= 0 || interval < minRtt) return;
    sample.deliveryRate = (this.delivered - sample.priorDelivered) / interval;
    this.latest = sample.deliveryRate;
  }

  /** The moment at which the byte before `seq` left for the first time. */
  private find(seq: SeqNum): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqLt(this.entries[this.at(middle) + END]! as SeqNum, seq)) low = middle + 1;
      else high = middle;
    }
    return low === this.count ? -1 : this.at(low);
  }
}
