/**
 * When data may leave, where the window alone does not say: at the rate of a controller that has one, or spread over a
 * round trip where a wide window opens at once, after recovery and after a pause (RFC 9937 §6.4). What is held back waits for a timer.
 */
import { after, type Instant } from "../../base/time.ts";
import { seqAdd, seqDiff } from "../../wire/seq.ts";
import { firstWindow } from "../congestion/validation.ts";
import type { Tcb } from "../tcb.ts";
import { TIMER_PACE } from "../timers.ts";

/** ms worth of data that leave as one segment with segmentation offload, as in Linux. */
const QUANTUM = 1;
/** Segments that leave together at least, however slow. */
const LEAST_SEGMENTS = 2;
/** ms that a late timer is made good for; more than that is over. */
const CATCH_UP = 4;
/** ms: what is shorter than this no timer can spread. */
const LEAST_RTT = 2;

/** Only connections that are paced have one. */
export class Pace {
  /** Nothing before. */
  next: Instant;
  /** The timer was waited for: how late it was is made good. */
  held = false;
  /** Bytes that may leave at once beside it. */
  allowance: number;
  /** Bytes/ms until `until`, where the controller has no rate. */
  rate = 0;
  until: Instant;

  constructor(now: Instant, allowance: number) {
    this.next = now;
    this.until = now;
    this.allowance = allowance;
  }
}

/** A window that is open wide is not to leave at once: for a round trip its rate holds. */
export function spreadBurst(t: Tcb, now: Instant): void {
  const { cc } = t;
  const { srtt } = t.rtt;
  const percent = t.env.settings.tcp_pacing_ca_ratio;
  if (cc === null || percent === 0 || srtt < LEAST_RTT || cc.pacingRate !== undefined) return;
  const allowance = firstWindow(t);
  if (cc.cwnd <= allowance) return;
  t.pace = new Pace(now, allowance);
  t.pace.rate = ((percent / 100) * cc.cwnd) / srtt;
  t.pace.until = after(now, srtt);
}

/** Bytes that one segment may carry now, at most `max`; 0: none, and the timer is set. */
export function paceRoom(t: Tcb, pace: Pace, max: number, now: Instant): number {
  const own = t.cc?.pacingRate;
  if (own === undefined && now >= pace.until) {
    t.pace = null;
    return max;
  }
  const rate = own ?? pace.rate;
  if (rate <= 0) return max;
  if (pace.allowance > 0 || now + 1e-6 >= pace.next) {
    const { mss } = t.snd;
    const quantum = Math.max(LEAST_SEGMENTS * mss, Math.floor(rate * QUANTUM));
    return Math.min(max, Math.max(mss, quantum - (quantum % mss)));
  }
  const { snd } = t;
  const unsent = seqDiff(seqAdd(snd.bufferSeq, t.sendBuffer.length), snd.nxt);
  if (unsent > 0 || t.recovery !== "open") {
    pace.held = true;
    t.timers.start(TIMER_PACE, pace.next);
  }
  return 0;
}

/** `length` bytes left. */
export function paceSent(t: Tcb, pace: Pace, length: number, now: Instant): void {
  if (pace.allowance > 0) pace.allowance -= length;
  const rate = t.cc?.pacingRate ?? pace.rate;
  if (rate <= 0) return;
  const from = pace.held ? Math.max(pace.next, now - CATCH_UP) : Math.max(pace.next, now);
  // a rate learnt from a path that stood still is no reason to stand still: a timeout would let a segment go, too
  const latest = after(now, t.rtt.current(t.env.settings.tcp_rto_max_ms));
  const next = after(from as Instant, length / rate);
  pace.next = next < latest ? next : latest;
  if (pace.next > now) pace.held = false;
}
