/**
 * What a window is worth that is not used: congestion window validation (RFC 7661), and the window after a pause (RFC 5681
 * §4.1, RFC 6928 §2). A window that was proved once is kept while less is sent, and loses its worth with time.
 */
import { after, elapsed, type Instant } from "../../base/time.ts";
import type { Tcb } from "../tcb.ts";
import { initialWindow } from "./controller.ts";

/** ms: non-validated period (RFC 7661 §4.4.3). */
const NVP = 300_000;
/** ms: pipeACK looks back so far, or three round trips if that is more (RFC 7661 §4.2). */
const LOOK_BACK = 1000;
/** Parts of that time; the newest part is the fourth. */
const PARTS = 3;
/** Bytes sent in a first window from which on a loss there makes the next one smaller (RFC 6928 §2). */
const FIRST_SENT = 4096;

/** Made when a window beyond the initial one is not used for the first time. */
export class Validation {
  /** The most bytes acknowledged in a round trip, by part of the time; -1: none measured. */
  private readonly most = [-1, -1, -1, -1];
  private part = 0;
  private partEnds: Instant;
  /** Tcb.bytesAcked when this round trip began; -1: it is not to be measured. */
  private from = -1;
  /** When the non-validated phase began; -1: validated. */
  since = -1;
  /** Tcb.retransmittedBytes when a loss met the non-validated phase; -1: none is being repaired. */
  resentBefore = -1;

  constructor(now: Instant) {
    this.partEnds = now;
  }

  /** Bytes; Infinity while nothing was measured. */
  get pipeAck(): number {
    const most = Math.max(...this.most);
    return most < 0 ? Infinity : most;
  }

  /**
   * A round trip ended, with so many bytes acknowledged since the start; `measurable`: not in recovery; `used`: the window that
   * held data back, all of which is in use though holes may hold back its ACKs; or 0.
   */
  onRound(bytesAcked: number, measurable: boolean, used: number, srtt: number, now: Instant): void {
    const span = Math.max(LOOK_BACK, 3 * srtt) / PARTS;
    for (let i = 0; i <= PARTS && now >= this.partEnds; i++) {
      this.part = (this.part + 1) % (PARTS + 1);
      this.most[this.part] = -1;
      this.partEnds = after(this.partEnds, span);
    }
    if (now >= this.partEnds) this.partEnds = after(now, span);
    if (measurable && this.from >= 0) {
      this.most[this.part] = Math.max(this.most[this.part]!, bytesAcked - this.from, used);
    }
    this.from = measurable ? bytesAcked : -1;
  }

  /** RFC 7661 §4.4.1: after a loss pipeACK is undefined. */
  forget(): void {
    this.most.fill(-1);
    this.from = -1;
    this.since = -1;
  }
}

/** A round trip ended. */
export function validateRound(t: Tcb, limited: boolean, now: Instant): void {
  const { cc } = t;
  if (cc === null || cc.onUnused === undefined) return;
  if (t.validation === null) {
    if (limited || cc.cwnd <= firstWindow(t)) return;
    t.validation = new Validation(now);
  }
  const v = t.validation;
  v.onRound(t.bytesAcked, t.recovery === "open", limited ? cc.cwnd : 0, t.rtt.srtt, now);
  if (!isUnvalidated(t)) v.since = -1;
  else if (v.since < 0) v.since = now;
  else if (now - v.since >= NVP) {
    v.since = now;
    halveUnused(t, now);
  }
}

/** RFC 7661 §4.3: less than half of the window was used in any of the last round trips. */
export function isUnvalidated(t: Tcb): boolean {
  return t.validation !== null && t.cc !== null && 2 * t.validation.pipeAck < t.cc.cwnd;
}

/** RFC 7661 §4.4.3. */
function halveUnused(t: Tcb, now: Instant): void {
  const { cwnd, ssthresh } = t.cc!;
  const smaller = Math.max(cwnd >> 1, firstWindow(t));
  t.cc!.onUnused?.(Math.min(cwnd, smaller), Math.max(ssthresh, Math.floor((3 * cwnd) / 4)), now);
}

/** The flight that a loss is to be measured by (RFC 7661 §4.4.1): what was really in use. */
export function flightAtLoss(t: Tcb, flight: number): number {
  noteLossInFirstWindow(t);
  const v = t.validation;
  if (v === null) return flight;
  const most = isUnvalidated(t) ? Math.max(flight, v.pipeAck) : flight;
  v.resentBefore = isUnvalidated(t) ? t.retransmittedBytes : -1;
  return most;
}

/** Recovery ended: what had to be sent again was too much (RFC 7661 §4.4.1). */
export function validateAfterLoss(t: Tcb, now: Instant): void {
  const v = t.validation;
  if (v === null || t.cc === null) return;
  if (v.resentBefore >= 0) {
    const resent = t.retransmittedBytes - v.resentBefore;
    const left = Math.max(t.snd.mss, t.cc.cwnd - (resent >> 1));
    t.cc.onUnused?.(left, left, now);
    v.resentBefore = -1;
  }
  v.forget();
}

export function firstWindow(t: Tcb): number {
  return initialWindow(t.snd.mss, t.env.settings.tcp_initial_cwnd);
}

/** RFC 6928 §2: after a loss among the first segments the next first window is that of RFC 5681 §3.1. */
export function noteLossInFirstWindow(t: Tcb): void {
  if (t.bytesSent >= FIRST_SENT && t.bytesAcked < t.firstWindowEnd) t.smallRestart = true;
}

/**
 * New data with nothing outstanding: RFC 5681 §4.1, and Linux's switch for it. True: after silence, so that no ACKs will spread
 * what leaves.
 */
export function restartAfterIdle(t: Tcb, now: Instant): boolean {
  const { cc } = t;
  if (cc === null || t.bytesSent === 0) return false;
  const silence = elapsed(t.snd.lastSent, now);
  if (silence <= t.rtt.rto) return false;
  if (t.env.settings.tcp_slow_start_after_idle === 0) {
    // RFC 7661 keeps the window through the pause, but not for ever
    if (silence >= NVP && cc.cwnd > firstWindow(t)) halveUnused(t, now);
    return true;
  }
  const { mss } = t.snd;
  const first = firstWindow(t);
  // RFC 5681 §3.1's first window, with §3.1's bounds in one formula (RFC 3390)
  const window = t.smallRestart ? Math.min(first, 4 * mss, Math.max(2 * mss, 4380)) : first;
  cc.onIdle?.(window, now);
  t.firstWindowEnd = t.bytesSent + window;
  return true;
}
