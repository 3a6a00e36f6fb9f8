/**
 * The timer that guards what is outstanding. One slot for three purposes, as at most one of them is waited for at a time
 * (RFC 8985 §8): the retransmission timeout (RFC 6298 §5), the tail loss probe and RACK's reordering timer.
 */
import { after, type Instant, instantOf } from "../base/time.ts";
import { probeTimeout, wantsProbe } from "./recovery/probe-timer.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_RETRANSMIT, TIMER_USER_TIMEOUT } from "./timers.ts";

export const GUARD_RTO = 0;
export const GUARD_PROBE = 1;
export const GUARD_REORDERING = 2;

/** What {@link Tcb.guard} is called in a snapshot. */
export const GUARD_NAMES: readonly string[] = ["retransmit", "probe", "reordering"];

/** The timeout counts from now on. */
export function startRetransmitTimer(t: Tcb, now: Instant): void {
  t.rtoAt = after(now, t.rtt.current(t.env.settings.tcp_rto_max_ms));
  t.guard = GUARD_RTO;
  t.timers.start(TIMER_RETRANSMIT, t.rtoAt);
  if (t.userTimeout > 0 && !t.timers.isArmed(TIMER_USER_TIMEOUT)) {
    t.timers.start(TIMER_USER_TIMEOUT, after(now, t.userTimeout));
  }
}

/** What was sent or learnt may call for one of the others first; the timeout keeps its moment. */
export function chooseGuard(t: Tcb, now: Instant): void {
  if (!t.timers.isArmed(TIMER_RETRANSMIT)) return;
  let at = t.rtoAt;
  t.guard = GUARD_RTO;
  if (t.losses !== null && t.losses.reorderAt < at) {
    t.guard = GUARD_REORDERING;
    at = instantOf(t.losses.reorderAt);
  } else if (wantsProbe(t)) {
    t.guard = GUARD_PROBE;
    const probeAt = after(now, probeTimeout(t));
    if (probeAt < at) at = probeAt;
  }
  t.timers.start(TIMER_RETRANSMIT, at);
}
