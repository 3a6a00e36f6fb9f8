/**
 * Whether a retransmission was needless, and taking back what it led to (RFC 4015): the Eifel detection by timestamps
 * (RFC 3522), and D-SACKs for all that was sent again (RFC 3708), both with Linux's bookkeeping.
 */
import type { Instant } from "../../base/time.ts";
import { seqGt } from "../../wire/seq.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import type { Tcb } from "../tcb.ts";
import { timestampNow } from "../timestamps.ts";
import type { AckNews } from "./ack-news.ts";
import type { LossState } from "./loss-state.ts";

/** The congestion window is about to be lowered. */
export function beginUndo(t: Tcb, l: LossState): void {
  l.mayUndo = true;
  l.undoFrom = t.snd.una;
  const resent = t.sent?.resent ?? 0;
  l.undoBytes = resent > 0 ? resent : -1;
  if (resent === 0) l.copied = false;
}

/** `bytes` left again. */
export function noteCopy(t: Tcb, l: LossState, bytes: number, now: Instant): void {
  if (!l.copied) {
    l.copied = true;
    l.firstCopy = timestampNow(t, now);
  }
  l.undoBytes = Math.max(0, l.undoBytes) + bytes;
}

/** A D-SACK: one copy was too many. */
export function noteNeedless(l: LossState, told: AckNews): void {
  if (!l.mayUndo || l.undoBytes <= 0 || !seqGt(told.duplicateEnd, l.undoFrom)) return;
  l.undoBytes = Math.max(0, l.undoBytes - told.duplicate);
}

/** Each copy since then arrived beside its original. */
export function allNeedless(l: LossState): boolean {
  return l.mayUndo && l.undoBytes === 0;
}

/** The ACK is for something that left before the first copy (RFC 3522 §3.2). */
export function isForOriginal(t: Tcb, l: LossState, s: TcpSegment): boolean {
  if (!l.mayUndo || !l.copied || !t.timestamps || !s.hasTimestamps || s.tsEcr === 0) return false;
  return ((s.tsEcr - l.firstCopy) | 0) < 0;
}

/** Nothing had been lost: window and threshold as they were. `counter` says how that was found. */
export function undo(t: Tcb, l: LossState, counter: string, now: Instant): void {
  t.sent?.unmarkLost();
  l.mayUndo = false;
  t.cc?.undo?.(now);
  t.env.count(counter);
}
