/** Fifth check: what the ACK acknowledges, the peer's window, and the closing states that wait for it. */
import { after, type Instant } from "../../base/time.ts";
import { seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt } from "../../wire/seq.ts";
import { ACK, FIN, scaledWindow, segmentLength, type TcpSegment } from "../../wire/tcp-segment.ts";
import { noteEcho, waitsForTimer } from "../ecn.ts";
import { EVENT_ESTABLISHED, EVENT_FIN_ACKED } from "../endpoint.ts";
import { startCongestionControl } from "../congestion/start.ts";
import { isServed, leavePending } from "../fast-open.ts";
import { probeAcknowledged } from "../mtu-search.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";
import { TIMER_RETRANSMIT, TIMER_TIME_WAIT } from "../timers.ts";
import { setState, startTimeWait, toClosed, toTimeWait } from "../transitions.ts";
import { urgentAcknowledged } from "../urgent.ts";
import { dataAcknowledged, duplicateAck } from "./ack-data.ts";
import { challenge } from "./challenge.ts";
import { openWindow } from "./window.ts";
import { DONE, RESET, type Verdict } from "./verdict.ts";

/** Whether the number can be that of the peer, who saw what we sent: before anything of the segment is believed. */
export function checkAckNumber(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  if ((s.flags & ACK) === 0) return "dropped: no ACK";
  const { una, nxt, maxWnd } = t.snd;
  if (t.state === "SYN-RECEIVED") return seqLeq(s.ack, una) || seqGt(s.ack, nxt) ? RESET : null;
  if (seqLeq(s.ack, nxt) && seqGeq(s.ack, seqAdd(una, -maxWnd))) return null;
  // RFC 5961 §5.2 (MAY-12): neither newer than what was sent nor older than any window
  challenge(t, now);
  return "dropped: unacceptable ACK";
}

export function takeAck(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  const wasOver = t.state === "TIME-WAIT";
  if (wasOver) return inTimeWait(t, s, now);
  if (t.state === "SYN-RECEIVED") establish(t, s, "ACK of our SYN", now);
  if (t.ecn !== null && seqGeq(s.ack, t.snd.una)) noteEcho(t, t.ecn, s, now);
  if (seqGt(s.ack, t.snd.una)) {
    acknowledge(t, s, now);
    if (t.dead) return DONE;
  } else if (s.ack === t.snd.una) {
    duplicateAck(t, s, now);
  }
  if (seqGeq(s.ack, t.snd.una)) openWindow(t, s);
  return t.state === "TIME-WAIT" ? DONE : null;
}

/** What takes up a number is acknowledged, and 2 MSL begin anew; an ACK is not, lest two in TIME-WAIT answer each other. */
function inTimeWait(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  if (segmentLength(s) > 0) {
    t.ack = ACK_NOW;
    startTimeWait(t, now);
  }
  return DONE;
}

/** ESTABLISHED: the windows start from this segment, and the user hears of it. */
export function establish(t: Tcb, s: TcpSegment, why: string, now: Instant): void {
  const { snd } = t;
  setState(t, "ESTABLISHED", why, now);
  snd.wnd = scaledWindow(s, snd.scale);
  snd.maxWnd = Math.max(snd.maxWnd, snd.wnd);
  snd.wl1 = s.seq;
  snd.wl2 = s.ack;
  // the user of one that was opened with data has it already
  if (isServed(t)) leavePending(t.fastOpen!, false, now);
  else t.events |= EVENT_ESTABLISHED;
}

/** SND.UNA moves. */
export function acknowledge(t: Tcb, s: TcpSegment, now: Instant): void {
  const { snd } = t;
  const flight = seqDiff(snd.nxt, snd.una);
  const bytesEnd = seqAdd(snd.bufferSeq, t.sendBuffer.length);
  const dataTo = seqLt(s.ack, bytesEnd) ? s.ack : bytesEnd;
  const bytes = Math.max(0, seqDiff(dataTo, snd.bufferSeq));
  const finAcked = snd.finSent && s.ack === snd.nxt;
  const synWasLost = snd.una === snd.iss && t.retries > 0;
  // two lost SYNs are a sign of congestion, one is none (RFC 6928 §2)
  if (synWasLost && t.retries > 1) startCongestionControl(t, snd.mss, now);
  snd.una = s.ack;
  t.onlyForced = false;
  noteArrived(t);
  if (snd.urgentPending) urgentAcknowledged(t);
  if (bytes > 0) {
    t.sendBuffer.acknowledge(bytes);
    snd.bufferSeq = seqAdd(snd.bufferSeq, bytes);
    t.bytesAcked += bytes;
  }
  t.retries = 0;
  t.stalledSince = now;
  dataAcknowledged(t, s, bytes, flight, now);
  if (synWasLost) t.rtt.afterLostSyn(); // after the sample that an echo may have given
  if (snd.una === snd.nxt && !waitsForTimer(t)) t.timers.stop(TIMER_RETRANSMIT);
  if (finAcked) finAcknowledged(t, s, now);
}

/** What the ACK says of packet sizes: the largest that arrived, a message that was doubted, and a probe of the path MTU. */
function noteArrived(t: Tcb): void {
  if (t.largestSent > t.largestAcked && seqGeq(t.snd.una, t.largestSeq)) {
    t.largestAcked = t.largestSent;
  }
  // what the message quoted got through
  if (t.pendingMtu > 0 && seqGt(t.snd.una, t.pendingMtuSeq)) t.pendingMtu = 0;
  if (t.mtuSearch !== null && t.mtuSearch.probe > 0) probeAcknowledged(t, t.mtuSearch);
}

function finAcknowledged(t: Tcb, s: TcpSegment, now: Instant): void {
  t.events |= EVENT_FIN_ACKED;
  switch (t.state) {
    case "FIN-WAIT-1":
      // a FIN on the same segment leads straight to TIME-WAIT, see `settleFinWait`
      if ((s.flags & FIN) === 0) toFinWait2(t, now);
      return;
    case "CLOSING":
      toTimeWait(t, "ACK of our FIN", now);
      return;
    case "LAST-ACK":
      toClosed(t, "ACK of our FIN", now, null);
      return;
    case "CLOSED":
    case "LISTEN":
    case "SYN-SENT":
    case "SYN-RECEIVED":
    case "ESTABLISHED":
    case "FIN-WAIT-2":
    case "CLOSE-WAIT":
    case "TIME-WAIT":
      return;
  }
}

/** FIN-WAIT-2; a peer that never ends its side is waited for only while somebody reads. */
function toFinWait2(t: Tcb, now: Instant): void {
  setState(t, "FIN-WAIT-2", "ACK of our FIN", now);
  if (t.orphan) startFinTimeout(t, now);
}

/** Linux's tcp_fin_timeout. */
export function startFinTimeout(t: Tcb, now: Instant): void {
  const seconds = t.tuning?.finTimeout ?? t.env.settings.tcp_fin_timeout;
  t.timers.start(TIMER_TIME_WAIT, after(now, Math.max(0, seconds) * 1000));
}

/** Our FIN was acknowledged by a segment whose own FIN lies behind a hole. */
export function settleFinWait(t: Tcb, now: Instant): void {
  if (t.state === "FIN-WAIT-1" && t.snd.finSent && t.snd.una === t.snd.nxt) toFinWait2(t, now);
}
