/**
 * How long data may go unacknowledged: the user's own limit (RFC 9293 §3.9.1.2), or one agreed with the peer by the
 * option of RFC 5482. Off until the user offers a value: ENABLED of RFC 5482 §3.1.
 */
import { StackError } from "../base/errors.ts";
import { after, type Instant } from "../base/time.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_USER_TIMEOUT } from "./timers.ts";

/** ms. L_LIMIT of RFC 5482 §3.1: no peer makes us give up sooner than R2 at the least (SHLD-11). */
const LOWER_LIMIT = 100_000;
/** ms. U_LIMIT: an hour for which a peer may make us hold its data. */
const UPPER_LIMIT = 3_600_000;
/** s: 15 bits of minutes are the most that the option says. */
const MOST = 32767 * 60;

/** USER_TIMEOUT set by the user: it stays, whatever the peer says (CHANGEABLE is false). 0 gives it back. */
export function setUserTimeout(t: Tcb, ms: number): void {
  if (!(ms >= 0)) throw new StackError("EINVAL", "the user timeout is a time in ms, 0 for none");
  t.userTimeout = ms;
  t.userTimeoutFixed = ms > 0;
  adopt(t);
  changed(t);
}

/** ADV_UTO: told to the peer with the next segment (a SYN, and the segment after it, where there is none yet). */
export function offerUserTimeout(t: Tcb, ms: number): void {
  const seconds = Math.ceil(ms / 1000);
  if (!(ms >= 0) || seconds > MOST)
    throw new StackError("EINVAL", `the user timeout offered is 0 (none) to ${MOST} s, in ms`);
  if (t.userTimeoutOffered > 0 && ms === 0 && !t.userTimeoutFixed) t.userTimeout = 0;
  t.userTimeoutOffered = seconds;
  t.userTimeoutOwed = seconds > 0;
  adopt(t);
  changed(t);
}

/** The peer's wish; taken note of while ours is not enabled, as a server enables it late. */
export function readUserTimeout(t: Tcb, s: TcpSegment): void {
  t.userTimeoutRemote = s.userTimeout;
  adopt(t);
}

/** RFC 5482 §3.1: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), and never below the RTO. */
function adopt(t: Tcb): void {
  if (t.userTimeoutFixed || t.userTimeoutOffered === 0) return;
  const wished = 1000 * Math.max(t.userTimeoutOffered, t.userTimeoutRemote);
  const least = Math.max(LOWER_LIMIT, t.rtt.current(t.env.settings.tcp_rto_max_ms));
  t.userTimeout = Math.min(UPPER_LIMIT, Math.max(wished, least));
  t.userTimeoutChanged = true;
}

function changed(t: Tcb): void {
  t.userTimeoutChanged = true;
  t.env.mark(t);
}

/** The timer follows once the time is known. */
export function applyUserTimeout(t: Tcb, now: Instant): void {
  t.userTimeoutChanged = false;
  t.timers.stop(TIMER_USER_TIMEOUT);
  if (t.userTimeout === 0 || t.snd.una === t.snd.nxt) return;
  const due = after(t.stalledSince, t.userTimeout);
  t.timers.start(TIMER_USER_TIMEOUT, due > now ? due : now);
}

/** ms of silence before a keep-alive; with the option in use above what was adopted (RFC 5482 §4.2). */
export function keepAliveIdle(t: Tcb): number {
  if (t.userTimeoutOffered === 0) return t.keepAliveIdle;
  return Math.max(t.keepAliveIdle, t.userTimeout + 1000);
}
