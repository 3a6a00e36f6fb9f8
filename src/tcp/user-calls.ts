/** The user calls of RFC 9293 §3.10.1-3.10.5: they change what is owed and mark the connection; output sends. */
import { StackError } from "../base/errors.ts";
import { after, type Instant } from "../base/time.ts";
import { startFinTimeout } from "./input/ack.ts";
import { isSynchronized, maySend } from "./state.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_TIME_WAIT } from "./timers.ts";
import { fail, setState, toClosed } from "./transitions.ts";
import { keepAliveIdle } from "./user-timeout.ts";

/** Active OPEN: the SYN is owed. */
export function open(t: Tcb, now: Instant): void {
  setState(t, "SYN-SENT", "active open", now);
  t.synOwed = true;
  t.env.mark(t);
}

export function checkMaySend(t: Tcb): void {
  if (t.snd.finQueued) throw new StackError("EPIPE", "send after the stream was ended");
  if (!maySend(t.state)) throw new StackError("ENOTCONN", "the connection is closed");
}

/** CLOSE of the sending side: FIN after what is queued, held back until the connection is established. */
export function shutdown(t: Tcb): void {
  if (t.snd.finQueued || t.state === "CLOSED") return;
  t.snd.finQueued = true;
  t.env.mark(t);
}

/** The user is gone for good (RFC 9293 §3.6.1, SHLD-3: unread data means RST). */
export function close(t: Tcb, now: Instant): void {
  if (t.orphan) return;
  t.orphan = true;
  if (t.dead || t.state === "TIME-WAIT") return;
  if (t.state === "SYN-SENT" || t.state === "LISTEN") {
    toClosed(t, "closed by the user", now, null);
    return;
  }
  if (t.receiveQueue.length > 0) {
    t.env.count("TcpExtTCPAbortOnClose");
    abort(t, now);
    return;
  }
  shutdown(t);
  t.env.mark(t);
}

/** ABORT (RFC 9293 §3.10.5). */
export function abort(t: Tcb, now: Instant): void {
  if (t.dead) return;
  switch (t.state) {
    case "SYN-RECEIVED":
    case "ESTABLISHED":
    case "FIN-WAIT-1":
    case "FIN-WAIT-2":
    case "CLOSE-WAIT":
      t.resetOwed = true;
      fail(t, "ECONNABORTED", "aborted by the user", now);
      return;
    case "SYN-SENT":
    case "CLOSING":
    case "LAST-ACK":
    case "TIME-WAIT":
    case "LISTEN":
    case "CLOSED":
      toClosed(t, "aborted by the user", now, null);
      return;
  }
}

/**
 * ABORT because the stack itself ends. Deviation from RFC 9293 §3.10.5, which sends no RST in CLOSING and LAST-ACK: nobody
 * will be here to repeat what is lost, and a cut must not be silent.
 */
export function abandon(t: Tcb, now: Instant): void {
  const closing = t.state === "CLOSING" || t.state === "LAST-ACK";
  if (closing && t.snd.una !== t.snd.nxt) t.resetOwed = true;
  abort(t, now);
}

export function setKeepAlive(
  t: Tcb,
  on: boolean,
  idle: number | undefined,
  interval: number | undefined,
  probes: number | undefined,
): void {
  t.keepAlive = on;
  if (idle !== undefined && idle > 0) t.keepAliveIdle = idle;
  if (interval !== undefined && interval > 0) t.keepAliveInterval = interval;
  if (probes !== undefined && probes > 0) t.keepAliveProbes = probes;
  t.keepAliveChanged = true;
  t.env.mark(t);
}

export function setNotSentLowat(t: Tcb, bytes: number): void {
  if (!(bytes >= 1)) throw new StackError("EINVAL", "the mark is 1 byte or more");
  t.snd.notSentLowat = bytes;
}

/** For all packets from now on (MUST-48, SHLD-21); ECN's two bits are not the user's, as in Linux. */
export function setTypeOfService(t: Tcb, tos: number): void {
  if (!Number.isInteger(tos) || tos < 0 || tos > 255)
    throw new StackError("EINVAL", "the type of service is 0 to 255");
  t.typeOfService = tos & 0xfc;
}

/** tcp_fin_timeout runs from the close of one who had read on in FIN-WAIT-2, once the time is known. */
export function applyFinTimeout(t: Tcb, now: Instant): void {
  if (t.state === "FIN-WAIT-2" && !t.timers.isArmed(TIMER_TIME_WAIT)) startFinTimeout(t, now);
}

/** Starts or stops the keep-alive timer once the time is known. */
export function applyKeepAlive(t: Tcb, now: Instant, timer: number): void {
  if (!isSynchronized(t.state) && t.keepAlive) return; // starts when established
  t.keepAliveChanged = false;
  t.probesSent = 0;
  if (!t.keepAlive) t.timers.stop(timer);
  else {
    const idle = keepAliveIdle(t);
    const due = after(t.rcv.lastHeard, idle);
    t.timers.start(timer, due > now ? due : after(now, idle));
  }
}
