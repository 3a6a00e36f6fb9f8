/** pollTransmit: which segment leaves next, if any, and its fields. Called until it says no. */
import { after, elapsed, type Instant } from "../../base/time.ts";
import {
  type SeqNum,
  seqAdd,
  seqDiff,
  seqGt,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
} from "../../wire/seq.ts";
import { ACK, ECE, FIN, PSH, RST, SYN } from "../../wire/tcp-segment.ts";
import { owesSack, writeSackBlocks } from "../dsack.ts";
import { markData, offerEcn, waitsForTimer } from "../ecn.ts";
import { EVENT_WRITABLE } from "../endpoint.ts";
import { addFastOpen, holdsSyn, sendsEarly } from "../fast-open.ts";
import { nextLost, pipe, stopTiming } from "../loss.ts";
import { advertisedMss, HEADERS, optionBytes } from "../mss.ts";
import {
  type MtuSearch,
  planProbe,
  PROBE_WAITS,
  probeLeaves,
  probeSentAgain,
} from "../mtu-search.ts";
import { windowScaleFor } from "../options.ts";
import { isSynchronized } from "../state.ts";
import { ACK_NONE, ACK_NOW, type Tcb } from "../tcb.ts";
import { timestampNow } from "../timestamps.ts";
import {
  TIMER_DELAYED_ACK,
  TIMER_KEEPALIVE,
  TIMER_PERSIST,
  TIMER_RETRANSMIT,
  TIMER_USER_TIMEOUT,
} from "../timers.ts";
import { setState } from "../transitions.ts";
import { writeUrgentPointer } from "../urgent.ts";
import { type Outgoing, resetOutgoing } from "./outgoing.ts";
import { windowField } from "./receive-window.ts";
import { congestionRoom, hasRoomToTell, nextLength, unsent, usableWindow } from "./send-policy.ts";

/** Fills `out` with the next segment; false when nothing is to be sent now. `max`: payload bytes the device takes at once. */
export function pollTransmit(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  resetOutgoing(out);
  if (t.resetOwed) return reset(t, out);
  if (t.state === "CLOSED" || t.state === "LISTEN") return false;
  if (t.synOwed) return (t.fastOpen === null || !holdsSyn(t, t.fastOpen)) && syn(t, out, now);
  if (t.state === "SYN-RECEIVED") {
    return (sendsEarly(t) && newData(t, out, max, now)) || pureAck(t, out, now);
  }
  if (!isSynchronized(t.state)) return false;
  if (t.probeOwed) return probe(t, out, now);
  return (
    retransmission(t, out, max, now) ||
    newData(t, out, max, now) ||
    fin(t, out, now) ||
    pureAck(t, out, now)
  );
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
  s.ack = isAnswer ? t.rcv.nxt : s.ack;
  t.advMss = advertisedMss(t.pmtu);
  s.mss = t.advMss;
  // an answer carries an option only if the SYN had it (RFC 7323 §2.3, RFC 2018 §2)
  const scaling = isAnswer ? t.windowScaling : settings.tcp_window_scaling !== 0;
  if (scaling) s.windowScale = windowScaleFor(settings.tcp_rmem[2]);
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

/** Only the first is timed, and only it has Fast Open's option and data. */
function firstSyn(t: Tcb, out: Outgoing, now: Instant): void {
  t.snd.nxt = seqAdd(t.snd.iss, 1);
  t.timing = true;
  t.timedSeq = t.snd.nxt;
  t.timedAt = now;
  if (t.fastOpen !== null) addFastOpen(t, t.fastOpen, out);
}

/** Common fields of every segment in a synchronized state; taking the ACK along. */
function compose(t: Tcb, out: Outgoing, at: SeqNum, flags: number, now: Instant): void {
  const s = out.segment;
  s.seq = at;
  s.ack = t.rcv.nxt;
  s.flags = flags | (t.ecn !== null && t.ecn.echoes ? ACK | ECE : ACK);
  s.window = windowField(t, false);
  if (t.timestamps) {
    s.hasTimestamps = true;
    s.tsVal = timestampNow(t, now);
    s.tsEcr = t.tsRecent;
  }
  if (owesSack(t)) s.sackCount = writeSackBlocks(t, s.sack, maxSackBlocks(t));
  if (t.userTimeoutOwed) {
    s.userTimeout = t.userTimeoutOffered;
    t.userTimeoutOwed = false;
  }
  if (t.snd.urgentPending) writeUrgentPointer(t, s);
  t.rcv.lastAckSent = t.rcv.nxt;
  t.rcv.unacked = 0;
  t.ack = ACK_NONE;
  t.timers.stop(TIMER_DELAYED_ACK);
  t.segsOut++;
}

/** SACK blocks that the next segment has room for: 40 bytes of options, less timestamps and user timeout. */
function maxSackBlocks(t: Tcb): number {
  if (!t.timestamps) return 4;
  return t.userTimeoutOwed ? 2 : 3;
}

/** Bytes at most that options which come and go take from the payload of this connection's next segment. */
function optionOverhead(t: Tcb): number {
  return (owesSack(t) ? 4 + 8 * maxSackBlocks(t) : 0) + (t.userTimeoutOwed ? 4 : 0);
}

/** Payload one segment may have: several packets' for the device to cut, unless each of them would need other fields. */
function largest(t: Tcb, max: number): number {
  const { mss } = t.snd;
  const overhead = optionOverhead(t);
  if (overhead > 0 || t.snd.urgentPending) return mss - overhead;
  return Math.max(mss, max - (max % mss));
}

function mayResend(t: Tcb): boolean {
  if (t.forceRetransmit > 0) return true;
  if (t.onlyForced || t.cc === null) return false;
  return pipe(t) + t.snd.mss <= t.cc.cwnd + t.inflation;
}

function retransmission(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  const at = nextLost(t);
  if (at === null) return rescue(t, out, now);
  const { snd } = t;
  if (!mayResend(t)) return false;
  const length = lostLength(t, at, max);
  const finOnly = seqLeq(seqAdd(snd.bufferSeq, t.sendBuffer.length), at) && snd.finSent;
  if (length <= 0 && !finOnly) return false;
  if (t.forceRetransmit > 0) t.forceRetransmit--;
  probeSentAgain(t.mtuSearch, at, seqAdd(at, length));
  send(t, out, at, Math.max(length, 0), now);
  out.remark = t.recovery === "loss" ? "retransmission: timeout" : "retransmission: fast";
  t.highRxt = seqAdd(at, Math.max(length, 0) + ((out.segment.flags & FIN) !== 0 ? 1 : 0));
  t.retransmits++;
  t.retransmittedBytes += Math.max(length, 0);
  stopTiming(t);
  // RFC 6298 §5: what the timer guards has just left again; after partial ACKs RFC 6582 §3.2 would rather be impatient
  if (at === snd.una && (t.sack || t.partialAcks === 0)) startRetransmitTimer(t, now);
  t.env.count("TcpRetransSegs");
  return true;
}

/** Bytes of the hole at `at` that one segment may carry again. */
function lostLength(t: Tcb, at: SeqNum, max: number): number {
  const { snd } = t;
  let end = seqMin(t.lostEdge, seqAdd(snd.bufferSeq, t.sendBuffer.length));
  if (t.scoreboard !== null) end = t.scoreboard.holeEnd(at, end);
  // a peer that shrank its window gets what lies within it, or one byte; the first repeat of what stands first goes
  // whole, as it was within the window when it left (RFC 9293 §3.8.6, RFC 7323 §2.4)
  const limit = seqAdd(snd.una, Math.max(snd.wnd, 1));
  if (seqGt(end, limit) && (at !== snd.una || t.retries > 1)) end = limit;
  return Math.min(seqDiff(end, at), Math.min(max, snd.mss) - optionOverhead(t));
}

/** RFC 6675 §4 rule 4: once an episode, the highest segment again, lest a lost tail cost a timeout. */
function rescue(t: Tcb, out: Outgoing, now: Instant): boolean {
  if (t.recovery !== "recovery" || t.rescued || !t.sack || t.scoreboard === null) return false;
  if (unsent(t) > 0 || t.scoreboard.isEmpty) return false;
  const top = t.scoreboard.highest(t.snd.una);
  const dataEnd = seqAdd(t.snd.bufferSeq, t.sendBuffer.length);
  if (!seqLt(top, dataEnd) || !seqLt(t.highRxt, top)) return false;
  if (t.cc === null || pipe(t) + t.snd.mss > t.cc.cwnd) return false;
  const at = seqMax(top, seqAdd(dataEnd, -t.snd.mss));
  t.rescued = true;
  send(t, out, at, seqDiff(dataEnd, at), now);
  out.remark = "retransmission: rescue";
  stopTiming(t);
  t.retransmits++;
  t.env.count("TcpRetransSegs");
  return true;
}

function newData(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  const { snd } = t;
  const waiting = unsent(t);
  if (waiting <= 0 || t.onlyForced || waitsForTimer(t)) return false;
  restartAfterIdle(t, now);
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
  send(t, out, snd.nxt, length, now);
  return true;
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

/** RFC 5681 §4.1, and Linux's switch for it. */
function restartAfterIdle(t: Tcb, now: Instant): void {
  if (t.snd.una !== t.snd.nxt || t.env.settings.tcp_slow_start_after_idle === 0) return;
  if (t.bytesSent > 0 && elapsed(t.snd.lastSent, now) > t.rtt.rto) t.cc?.onIdle?.(now);
}

/** A segment with data (and FIN or PSH where they belong), new or again. */
function send(t: Tcb, out: Outgoing, at: SeqNum, length: number, now: Instant): void {
  const { snd } = t;
  const end = seqAdd(at, length);
  const dataEnd = seqAdd(snd.bufferSeq, t.sendBuffer.length);
  const last = end === dataEnd;
  let flags = length > 0 && last ? PSH : 0; // MUST-61: the last of what is queued
  if (last && snd.finQueued && mayEnd(t)) flags |= FIN;
  compose(t, out, at, flags, now);
  if (t.ecn !== null) markData(t, t.ecn, out, at, length);
  out.offset = seqDiff(at, snd.bufferSeq);
  out.length = length;
  const next = (flags & FIN) !== 0 ? seqAdd(end, 1) : end;
  notePacketSize(t, length, next);
  if (seqGt(next, snd.nxt)) {
    if (!t.timing) {
      t.timing = true;
      t.timedSeq = next;
      t.timedAt = now;
    }
    if (snd.una === snd.nxt) t.stalledSince = now;
    snd.nxt = next;
    t.bytesSent += length;
    if (snd.wantRoom) tellRoom(t);
  }
  if ((flags & FIN) !== 0 && !snd.finSent) finLeaves(t, now);
  snd.lastSent = now;
  t.timers.stop(TIMER_PERSIST);
  if (!t.timers.isArmed(TIMER_RETRANSMIT)) startRetransmitTimer(t, now);
}

/** tcp_notsent_lowat: sending, too, makes room. */
function tellRoom(t: Tcb): void {
  if (!hasRoomToTell(t)) return;
  t.snd.wantRoom = false;
  t.events |= EVENT_WRITABLE;
}

/** RFC 5927 §7.2: the largest packet of those that the device makes of it. */
function notePacketSize(t: Tcb, length: number, next: SeqNum): void {
  const size = Math.min(length, t.snd.mss) + HEADERS + optionBytes(t);
  if (size <= t.largestSent) return;
  t.largestSent = size;
  t.largestSeq = next;
}

/** Deviation: FIN waits for ESTABLISHED, with data pending or without; RFC 9293 §3.10.4 says so of the former. */
function mayEnd(t: Tcb): boolean {
  return t.state !== "SYN-RECEIVED" && t.state !== "SYN-SENT";
}

function finLeaves(t: Tcb, now: Instant): void {
  t.snd.finSent = true;
  if (t.state === "ESTABLISHED") setState(t, "FIN-WAIT-1", "FIN sent", now);
  else if (t.state === "CLOSE-WAIT") setState(t, "LAST-ACK", "FIN sent", now);
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

export function startRetransmitTimer(t: Tcb, now: Instant): void {
  t.timers.start(TIMER_RETRANSMIT, after(now, t.rtt.current(t.env.settings.tcp_rto_max_ms)));
  if (t.userTimeout > 0 && !t.timers.isArmed(TIMER_USER_TIMEOUT)) {
    t.timers.start(TIMER_USER_TIMEOUT, after(now, t.userTimeout));
  }
}

export function startKeepAlive(t: Tcb, span: number, now: Instant): void {
  t.timers.start(TIMER_KEEPALIVE, after(now, span));
}
