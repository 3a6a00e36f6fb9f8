/** The one place where a connection changes state, ends, and leaves what it held. */
import { type ErrorCode, type Failure, invariant } from "../base/errors.ts";
import { type Instant, after } from "../base/time.ts";
import { EVENT_CLOSED } from "./endpoint.ts";
import { fastOpenFailed, leavePending } from "./fast-open.ts";
import { isLegal, type TcpState } from "./state.ts";
import { returnRecords } from "./recovery/records-pool.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_TIME_WAIT } from "./timers.ts";

export function setState(t: Tcb, to: TcpState, why: string, now: Instant): void {
  const from = t.state;
  if (from === to) return;
  invariant(isLegal(from, to), `${from} -> ${to}`);
  t.state = to;
  if (t.env.trace !== null) t.env.trace.stateChange(t.asEndpoint(), from, to, why, now);
}

/** CLOSED: timers off, buffers gone, the user told; the stack forgets the connection at its next poll. */
export function toClosed(t: Tcb, why: string, now: Instant, error: Failure | null): void {
  // who hears of the end hears it once: at TIME-WAIT, where there was one
  if (t.state !== "TIME-WAIT") t.events |= EVENT_CLOSED;
  countEnd(t);
  if (t.fastOpen !== null) leavePending(t.fastOpen, false, now);
  if (t.state !== "CLOSED") setState(t, "CLOSED", why, now);
  t.timers.stopAll();
  release(t);
  if (error !== null) {
    t.error = error;
    t.receiveQueue.clear();
  }
  t.dead = true;
  t.ack = 0;
  t.duplicateAcks = 0;
  t.synOwed = false;
  t.probeOwed = false;
  t.env.mark(t);
}

/** tcpEstabResets and tcpAttemptFails of RFC 4022: by the state that CLOSED is entered from. */
function countEnd(t: Tcb): void {
  if (t.state === "ESTABLISHED" || t.state === "CLOSE-WAIT") t.env.count("TcpEstabResets");
  else if (t.state === "SYN-SENT" || t.state === "SYN-RECEIVED") t.env.count("TcpAttemptFails");
}

export function fail(t: Tcb, code: ErrorCode, detail: string, now: Instant): void {
  if (t.fastOpen !== null) fastOpenFailed(t, t.fastOpen, now);
  toClosed(t, detail, now, { code, message: detail });
}

/** TIME-WAIT for 2 MSL (RFC 9293 §3.6.1, MUST-13); for the user the connection is over. */
export function toTimeWait(t: Tcb, why: string, now: Instant): void {
  setState(t, "TIME-WAIT", why, now);
  t.timers.stopAll();
  release(t);
  startTimeWait(t, now);
  t.events |= EVENT_CLOSED;
}

/** Starts 2 MSL, or starts it again (RFC 9293 §3.10.7.4). */
export function startTimeWait(t: Tcb, now: Instant): void {
  t.timers.start(TIMER_TIME_WAIT, after(now, 2 * t.env.settings.tcp_msl * 1000));
}

function release(t: Tcb): void {
  t.sendBuffer.clear();
  t.reassembly = null;
  returnRecords(t);
  t.losses = null;
  t.cc = null;
}
