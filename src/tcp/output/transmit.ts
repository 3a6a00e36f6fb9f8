/** pollTransmit: which segment leaves next, if any, and its fields. Called until it says no. */
import { after, type Instant } from "../../base/time.ts";
import { seq, seqAdd } from "../../wire/seq.ts";
import { ACK, ECE, RST, SYN } from "../../wire/tcp-segment.ts";
import { restartAfterIdle } from "../congestion/validation.ts";
import { offerEcn, waitsForTimer } from "../ecn.ts";
import { addFastOpen, holdsSyn, sendsEarly } from "../fast-open.ts";
import { pipe, stopTiming } from "../flight.ts";
import { advertisedMss } from "../mss.ts";
import { type MtuSearch, planProbe, PROBE_WAITS, probeLeaves } from "../mtu-search.ts";
import { windowScaleFor } from "../options.ts";
import { startRetransmitTimer } from "../retransmit-timer.ts";
import { isSynchronized } from "../state.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";
import { timestampNow } from "../timestamps.ts";
import { TIMER_KEEPALIVE, TIMER_PERSIST, TIMER_RETRANSMIT } from "../timers.ts";
import { mostReceived } from "../tuning.ts";
import { type Outgoing, resetOutgoing } from "./outgoing.ts";
import { windowField } from "./receive-window.ts";
import { paceRoom, spreadBurst } from "./pacing.ts";
import { furtherRetransmission, retransmission } from "./retransmission.ts";
import { compose, largest, send } from "./segment.ts";
import { congestionRoom, goesOn, nextLength, unsent, usableWindow } from "./send-policy.ts";

/** Fills `out` with the next segment; false when nothing is to be sent now. `max`: payload bytes the device takes at once. */
export function pollTransmit(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  resetOutgoing(out);
  if (t.resetOwed) return reset(t, out);
  if (t.state === "CLOSED" || t.state === "LISTEN") return false;
  if (!isSynchronized(t.state)) return opening(t, out, max, now);
  if (t.probeOwed) return probe(t, out, now);
  const room = t.pace === null ? max : paceRoom(t, t.pace, max, now);
  if (room > 0 && (retransmission(t, out, room, now) || newData(t, out, room, now))) return true;
  t.burst = 0;
  if (fin(t, out, now)) return true;
  return (room > 0 && furtherRetransmission(t, out, room, now)) || pureAck(t, out, now);
}

/** SYN-SENT and SYN-RECEIVED. */
function opening(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  if (t.synOwed) return (t.fastOpen === null || !holdsSyn(t, t.fastOpen)) && syn(t, out, now);
  if (t.state !== "SYN-RECEIVED") return false;
  return (sendsEarly(t) && newData(t, out, max, now)) || pureAck(t, out, now);
}

function reset(t: Tcb, out: Outgoing): boolean {
  t.resetOwed = false;
  const s = out.segment;
  s.seq = t.snd.nxt;
  s.ack = t.rcv.nxt;
  s.flags = RST | ACK;
  s.window = 0;
  t.env.count("TcpOutRsts");
  t.segsOut++;
  return true;
}

function syn(t: Tcb, out: Outgoing, now: Instant): boolean {
  t.synOwed = false;
  const { settings } = t.env;
  const s = out.segment;
  const isAnswer = t.state === "SYN-RECEIVED";
  const first = t.snd.nxt === t.snd.iss;
  s.seq = t.snd.iss;
  s.flags = isAnswer ? SYN | ACK | (t.ecn === null ? 0 : ECE) : SYN | offerEcn(t, first);
  // the record is used again: another connection's number stands in it
  s.ack = isAnswer ? t.rcv.nxt : seq(0);
  t.advMss = offeredMss(t);
  s.mss = t.advMss;
  // an answer carries an option only if the SYN had it (RFC 7323 §2.3, RFC 2018 §2)
  const scaling = isAnswer ? t.windowScaling : settings.tcp_window_scaling !== 0;
  if (scaling) s.windowScale = windowScaleFor(mostReceived(t));
  s.sackPermitted = isAnswer ? t.sack : settings.tcp_sack !== 0;
  if (isAnswer ? t.timestamps : settings.tcp_timestamps !== 0) {
    s.hasTimestamps = true;
    s.tsVal = timestampNow(t, now);
    s.tsEcr = isAnswer ? t.tsRecent : 0; // RFC 7323 §3.2
  }
  s.userTimeout = t.userTimeoutOffered;
  s.window = windowField(t, true);
  if (isAnswer) t.rcv.lastAckSent = t.rcv.nxt;
  if (first) firstSyn(t, out, now);
  else {
    stopTiming(t); // by timer or because the peer's SYN came again
    out.remark = isAnswer ? "retransmission: SYN-ACK" : "retransmission: SYN";
    t.retransmits++;
  }
  t.snd.lastSent = now;
  t.segsOut++;
  if (!t.timers.isArmed(TIMER_RETRANSMIT)) startRetransmitTimer(t, now);
  return true;
}

function offeredMss(t: Tcb): number {
  const most = advertisedMss(t.pmtu);
  return t.tuning === null ? most : Math.min(most, t.tuning.maxSegment ?? most);
}

/** Only the first is timed, and only it has Fast Open's option and data. */
function firstSyn(t: Tcb, out: Outgoing, now: Instant): void {
  t.snd.nxt = seqAdd(t.snd.iss, 1);
  t.timing = true;
  t.timedSeq = t.snd.nxt;
  t.timedAt = now;
  if (t.fastOpen !== null) addFastOpen(t, t.fastOpen, out, now);
}

function newData(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  const { snd } = t;
  const waiting = unsent(t);
  if (waiting <= 0) return noteAppLimited(t);
  if (t.onlyForced || waitsForTimer(t)) return false;
  if (snd.una === snd.nxt && restartAfterIdle(t, now)) spreadBurst(t, now);
  const window = usableWindow(t);
  const room = newDataRoom(t, waiting, window);
  if (room < snd.mss && room < waiting && snd.una !== snd.nxt) return false;
  if (t.mtuSearch !== null) {
    const payload = planProbe(t, t.mtuSearch, waiting, window, room, now);
    if (payload === PROBE_WAITS) return false;
    if (payload > 0) return probeMtu(t, out, t.mtuSearch, payload, now);
  }
  const whole = largest(t, max);
  const length = Math.min(
    nextLength(t, waiting, Math.min(room, window), Math.max(whole, snd.mss)),
    whole,
  );
  if (length === 0) {
    armPersist(t, now);
    return false;
  }
  send(t, out, snd.nxt, length, now, endsBurst(t, waiting, window, room, length));
  if (t.losses !== null && t.losses.spuriousStep === 2) {
    t.losses.newSegments = Math.max(0, t.losses.newSegments - Math.ceil(length / snd.mss));
  }
  return true;
}

/** As Linux does where its device cuts segments: the last of two or more that leave in a row has PSH. */
function endsBurst(t: Tcb, waiting: number, window: number, room: number, n: number): boolean {
  t.burst += n > t.snd.mss ? 2 : 1;
  return t.burst > 1 && !goesOn(t, waiting, window, room, n);
}

/** Nothing waits though the window has room: what is delivered now says nothing of what the path could. Always false. */
function noteAppLimited(t: Tcb): boolean {
  if (t.rate !== null && t.recovery === "open" && congestionRoom(t, 0) > 0) {
    t.rate.appLimited(pipe(t));
  }
  return false;
}

function probeMtu(t: Tcb, out: Outgoing, search: MtuSearch, n: number, now: Instant): boolean {
  probeLeaves(t, search, t.snd.nxt, n);
  send(t, out, t.snd.nxt, n, now);
  out.whole = true;
  out.remark = "path MTU probe";
  return true;
}

/** What the congestion window leaves; without SACK each of the first two duplicates lets one segment go (RFC 3042). */
function newDataRoom(t: Tcb, waiting: number, window: number): number {
  const limited = t.recovery === "open" && !t.sack && t.dupAcks < 3;
  const asks = t.losses !== null && t.losses.spuriousStep === 2;
  if (asks) return t.losses!.newSegments * t.snd.mss;
  const room = congestionRoom(t, 0);
  t.cwndLimited = room < waiting && room < window;
  return limited && t.dupAcks > 0 ? congestionRoom(t, t.dupAcks * t.snd.mss) : room;
}

/** Data waits and nothing is under way whose ACK would open the window: probe (RFC 9293 §3.8.6.1, MUST-36). */
function armPersist(t: Tcb, now: Instant): void {
  if (t.snd.una !== t.snd.nxt || t.timers.isArmed(TIMER_PERSIST)) return;
  const max = t.env.settings.tcp_rto_max_ms;
  const span = Math.min(t.rtt.current(max) * 2 ** t.persistBackoff, max);
  // with room for some of it this is the override of silly-window avoidance: 0.1 to 1 s (§3.8.6.2.1)
  const override = usableWindow(t) > 0;
  t.timers.start(TIMER_PERSIST, after(now, override ? Math.min(Math.max(span, 100), 1000) : span));
}

/** The FIN by itself: nothing is left unsent. */
function fin(t: Tcb, out: Outgoing, now: Instant): boolean {
  const { snd } = t;
  if (!snd.finQueued || snd.finSent || unsent(t) > 0) return false;
  if (t.state !== "ESTABLISHED" && t.state !== "CLOSE-WAIT") return false;
  send(t, out, snd.nxt, 0, now);
  return true;
}

function pureAck(t: Tcb, out: Outgoing, now: Instant): boolean {
  if (t.duplicateAcks > 0) t.duplicateAcks--;
  else if (t.ack !== ACK_NOW) return false;
  compose(t, out, t.snd.nxt, 0, now);
  return true;
}

/**
 * Window probe: one byte beyond the window, or nothing at SND.NXT - 1 where no byte waits; the latter
 * is also the keep-alive (RFC 9293 §3.8.4, SHLD-12).
 */
function probe(t: Tcb, out: Outgoing, now: Instant): boolean {
  t.probeOwed = false;
  if (unsent(t) > 0 && t.snd.una === t.snd.nxt && t.timers.isArmed(TIMER_PERSIST)) {
    compose(t, out, seqAdd(t.snd.una, -1), 0, now);
    out.remark = "window probe";
    t.env.count("TcpExtTCPWinProbe");
  } else {
    compose(t, out, seqAdd(t.snd.nxt, -1), 0, now);
    out.remark = "keep-alive probe";
    t.env.count("TcpExtTCPKeepAlive");
  }
  return true;
}

export function startKeepAlive(t: Tcb, span: number, now: Instant): void {
  t.timers.start(TIMER_KEEPALIVE, after(now, span));
}
