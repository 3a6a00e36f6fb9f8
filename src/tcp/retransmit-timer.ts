/** The timer that guards what is outstanding (RFC 6298 §5). */
import { after, type Instant } from "../base/time.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_RETRANSMIT, TIMER_USER_TIMEOUT } from "./timers.ts";

export function startRetransmitTimer(t: Tcb, now: Instant): void {
  t.timers.start(TIMER_RETRANSMIT, after(now, t.rtt.current(t.env.settings.tcp_rto_max_ms)));
  if (t.userTimeout > 0 && !t.timers.isArmed(TIMER_USER_TIMEOUT)) {
    t.timers.start(TIMER_USER_TIMEOUT, after(now, t.userTimeout));
  }
}
