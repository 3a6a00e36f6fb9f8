/** What each expiry does. A timer that fires late acts once, on what is still true. */
import { assertNever } from "../base/errors.ts";
import { after, elapsed, type Instant, NEVER } from "../base/time.ts";
import { seqLt } from "../wire/seq.ts";
import { delayRanOut } from "./ack-delay.ts";
import { suspectFastOpen } from "./fast-open.ts";
import { enterLoss } from "./loss.ts";
import { suspectBlackHole } from "./mtu-search.ts";
import { startKeepAlive } from "./output/transmit.ts";
import { unsent, usableWindow } from "./output/send-policy.ts";
import { believePendingMtu } from "./path-mtu.ts";
import { wantsProbe } from "./recovery/probe-timer.ts";
import { lossState } from "./recovery/loss-state.ts";
import { afterReorderingTimer } from "./recovery/on-ack.ts";
import {
  chooseGuard,
  GUARD_NAMES,
  GUARD_PROBE,
  GUARD_REORDERING,
  startRetransmitTimer,
} from "./retransmit-timer.ts";
import { ACK_NOW, ACK_NONE, type Tcb } from "./tcb.ts";
import {
  TIMER_COUNT,
  TIMER_DELAYED_ACK,
  TIMER_KEEPALIVE,
  TIMER_NAMES,
  TIMER_PACE,
  TIMER_PERSIST,
  TIMER_RETRANSMIT,
  TIMER_TIME_WAIT,
  TIMER_USER_TIMEOUT,
} from "./timers.ts";
import { noteSoftError } from "./soft-error.ts";
import { fail, toClosed } from "./transitions.ts";
import { keepAliveIdle } from "./user-timeout.ts";

type Timer = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** Runs what is due. */
export function timeouts(t: Tcb, now: Instant): void {
  for (let timer = 0; timer < TIMER_COUNT; timer++) {
    if (t.dead) return;
    if (t.timers.deadline(timer) > now) continue;
    t.timers.stop(timer);
    if (t.env.trace !== null) t.env.trace.timerExpired?.(t.asEndpoint(), nameOf(t, timer), now);
    expire(t, timer as Timer, now);
  }
}

/** The retransmission timer's slot is that of whatever guards the data. */
function nameOf(t: Tcb, timer: number): string {
  return timer === TIMER_RETRANSMIT ? GUARD_NAMES[t.guard]! : TIMER_NAMES[timer]!;
}

function expire(t: Tcb, timer: Timer, now: Instant): void {
  switch (timer) {
    case TIMER_RETRANSMIT:
      guardExpires(t, now);
      return;
    case TIMER_PERSIST:
      persist(t, now);
      return;
    case TIMER_DELAYED_ACK:
      if (t.ack !== ACK_NONE) {
        t.ack = ACK_NOW;
        delayRanOut(t);
        t.env.count("TcpExtDelayedACKs");
      }
      return;
    case TIMER_KEEPALIVE:
      keepAlive(t, now);
      return;
    case TIMER_TIME_WAIT:
      toClosed(t, t.state === "TIME-WAIT" ? "2 MSL over" : "tcp_fin_timeout over", now, null);
      return;
    case TIMER_USER_TIMEOUT:
      userTimeout(t, now);
      return;
    case TIMER_PACE:
      return; // output follows every expiry
    default:
      assertNever(timer);
  }
}

/** What guards the outstanding data: see retransmit-timer.ts. */
function guardExpires(t: Tcb, now: Instant): void {
  if (t.guard === GUARD_REORDERING) reorderingOver(t, now);
  else if (t.guard === GUARD_PROBE) probeDue(t, now);
  else retransmit(t, now);
}

/** RFC 8985 §6.2: what could not be told lost before may be now. */
function reorderingOver(t: Tcb, now: Instant): void {
  if (t.snd.una === t.snd.nxt || t.losses === null) return;
  t.losses.reorderAt = Infinity;
  afterReorderingTimer(t, t.losses, now);
  if (t.rtoAt <= now) return retransmit(t, now);
  t.timers.start(TIMER_RETRANSMIT, t.rtoAt);
  chooseGuard(t, now);
}

/** RFC 8985 §7.3: behind the probe, sent or not, comes the timeout. */
function probeDue(t: Tcb, now: Instant): void {
  if (t.snd.una === t.snd.nxt) return;
  if (wantsProbe(t)) lossState(t).probeOwed = true;
  startRetransmitTimer(t, now);
}

/** RFC 6298 §5.4-5.7, and R1 and R2 of RFC 9293 §3.8.3. */
function retransmit(t: Tcb, now: Instant): void {
  if (t.ecn !== null) t.ecn.waits = false; // new data may go
  if (t.fastOpen !== null) t.fastOpen.holds = false; // a SYN that waited for data goes without
  if (t.snd.una === t.snd.nxt) return;
  const { settings } = t.env;
  t.env.count("TcpExtTCPTimeouts");
  t.retries++;
  if (t.fastOpen !== null) suspectFastOpen(t, t.fastOpen, now);
  if (t.retries > retryLimit(t)) {
    t.env.count("TcpExtTCPAbortOnTimeout");
    failTimedOut(t, "no answer", now);
    return;
  }
  if (t.retries === settings.tcp_retries1) {
    noteSoftError(
      t,
      t.softError ?? { code: "ETIMEDOUT", message: "retransmissions go unanswered" },
    );
  }
  t.rtt.backoff++;
  if (t.state === "SYN-SENT" || t.state === "SYN-RECEIVED") {
    t.synOwed = true;
  } else {
    if (t.pendingMtu > 0) believePendingMtu(t, now);
    else if (settings.tcp_mtu_probing > 0 && t.retries >= settings.tcp_retries1)
      suspectBlackHole(t, now);
    enterLoss(t, now, t.retries === 1);
  }
  startRetransmitTimer(t, now);
}

/** `why`, unless a soft error that was noted is the better reason (SHLD-25; so in Linux for all three timeouts). */
function failTimedOut(t: Tcb, why: string, now: Instant): void {
  const soft = t.softError !== null && t.softError.code !== "ETIMEDOUT" ? t.softError : null;
  fail(t, soft?.code ?? "ETIMEDOUT", soft?.message ?? why, now);
}

function retryLimit(t: Tcb): number {
  const { settings } = t.env;
  if (t.state === "SYN-SENT") return t.tuning?.synRetries ?? settings.tcp_syn_retries;
  if (t.state === "SYN-RECEIVED") return settings.tcp_synack_retries;
  if (hasOwnLimit(t)) return Infinity; // the user's own R2 decides (MUST-21)
  return t.orphan ? settings.tcp_orphan_retries : settings.tcp_retries2;
}

/** A user who would wait for ever, but is gone, does not hold the connection open. */
function hasOwnLimit(t: Tcb): boolean {
  return t.userTimeout > 0 && !(t.orphan && t.userTimeout === Infinity);
}

/** Zero window, or one too small to use: probe with back-off; an answer keeps the connection for ever (MUST-37). */
function persist(t: Tcb, now: Instant): void {
  const waiting = unsent(t);
  if (waiting <= 0 || t.snd.una !== t.snd.nxt) return;
  const { settings } = t.env;
  // the user's own limit is looked at when it is reached, not a back-off later
  const limit = t.userTimeout > 0 ? after(t.rcv.lastHeard, t.userTimeout) : NEVER;
  if (t.persistBackoff > 0 && elapsed(t.rcv.lastHeard, t.snd.lastSent) > 0) {
    t.retries++;
    if (hasOwnLimit(t) ? now >= limit : t.retries >= retryLimit(t))
      return failTimedOut(t, "no answer", now);
  }
  if (usableWindow(t) > 0) t.forcedRoom = true;
  else {
    t.probeOwed = true;
    t.probesSent++;
  }
  t.persistBackoff = Math.min(t.persistBackoff + 1, 16);
  t.snd.lastSent = now;
  const span = Math.min(
    t.rtt.current(settings.tcp_rto_max_ms) * 2 ** t.persistBackoff,
    settings.tcp_rto_max_ms,
  );
  const due = after(now, span);
  t.timers.start(TIMER_PERSIST, now < limit && limit < due ? limit : due);
}

/** RFC 9293 §3.8.4: probes only in silence with nothing outstanding (MUST-26). */
function keepAlive(t: Tcb, now: Instant): void {
  if (!t.keepAlive || !sends(t)) return;
  const idle = keepAliveIdle(t);
  if (seqLt(t.snd.una, t.snd.nxt) || t.sendBuffer.length > 0) return startKeepAlive(t, idle, now);
  // moments are compared, not spans: what is left of one may be too little to move the clock
  const { lastHeard } = t.rcv;
  const due = after(lastHeard, idle);
  if (t.probesSent === 0 && now < due) {
    t.timers.start(TIMER_KEEPALIVE, due);
    return;
  }
  const isOver = t.userTimeoutFixed && now >= after(lastHeard, t.userTimeout);
  if (t.probesSent >= t.keepAliveProbes || (isOver && t.probesSent > 0)) {
    t.env.count("TcpExtTCPAbortOnKeepalive");
    t.resetOwed = true; // Deviation: RFC 9293 §3.8.4 is silent; Linux tells a peer that lives after all
    return failTimedOut(t, "keep-alive probes unanswered", now);
  }
  t.probesSent++;
  t.probeOwed = true;
  startKeepAlive(t, t.keepAliveInterval, now);
}

function sends(t: Tcb): boolean {
  return (
    t.state === "ESTABLISHED" ||
    t.state === "CLOSE-WAIT" ||
    t.state === "FIN-WAIT-1" ||
    t.state === "FIN-WAIT-2"
  );
}

/** RFC 9293 §3.10.8. */
function userTimeout(t: Tcb, now: Instant): void {
  if (t.snd.una === t.snd.nxt) return; // a closed window is the persist timer's
  const due = after(t.stalledSince, t.userTimeout);
  if (now < due) {
    t.timers.start(TIMER_USER_TIMEOUT, due);
    return;
  }
  failTimedOut(t, "user timeout", now);
}
