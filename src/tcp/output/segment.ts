/** The fields of a segment that leaves, and what its leaving means for the connection: data, new or again, and bare ACKs. */
import type { Instant } from "../../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqGt, seqLt } from "../../wire/seq.ts";
import { ACK, ECE, FIN, PSH } from "../../wire/tcp-segment.ts";
import { noteAnswer } from "../ack-delay.ts";
import { owesSack, writeSackBlocks } from "../dsack.ts";
import { markData } from "../ecn.ts";
import { EVENT_WRITABLE } from "../endpoint.ts";
import { pipe } from "../flight.ts";
import { HEADERS, optionBytes } from "../mss.ts";
import { chooseGuard, startRetransmitTimer } from "../retransmit-timer.ts";
import { ACK_NONE, type Tcb } from "../tcb.ts";
import { timestampNow } from "../timestamps.ts";
import { TIMER_DELAYED_ACK, TIMER_PERSIST, TIMER_RETRANSMIT } from "../timers.ts";
import { setState } from "../transitions.ts";
import { writeUrgentPointer } from "../urgent.ts";
import type { Outgoing } from "./outgoing.ts";
import { paceSent } from "./pacing.ts";
import { windowField } from "./receive-window.ts";
import { hasRoomToTell } from "./send-policy.ts";

/** Common fields of every segment in a synchronized state; taking the ACK along. */
export function compose(t: Tcb, out: Outgoing, at: SeqNum, flags: number, now: Instant): void {
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
export function optionOverhead(t: Tcb): number {
  return (owesSack(t) ? 4 + 8 * maxSackBlocks(t) : 0) + (t.userTimeoutOwed ? 4 : 0);
}

/** Payload one segment may have: several packets' for the device to cut, unless each of them would need other fields. */
export function largest(t: Tcb, max: number): number {
  const { mss } = t.snd;
  const overhead = optionOverhead(t);
  if (overhead > 0 || t.snd.urgentPending) return mss - overhead;
  return Math.max(mss, max - (max % mss));
}

function dataFlags(t: Tcb, end: SeqNum, length: number, push: boolean): number {
  const { snd } = t;
  const last = end === seqAdd(snd.bufferSeq, t.sendBuffer.length);
  const flags = length > 0 && (last || push) ? PSH : 0; // MUST-61: the last of what is queued
  return last && snd.finQueued && mayEnd(t) ? flags | FIN : flags;
}

/** A segment with data (and FIN or PSH where they belong), new or again; `push`: PSH though more is queued. */
export function send(
  t: Tcb,
  out: Outgoing,
  at: SeqNum,
  length: number,
  now: Instant,
  push = false,
): void {
  const { snd } = t;
  const end = seqAdd(at, length);
  const flags = dataFlags(t, end, length, push);
  compose(t, out, at, flags, now);
  if (t.ecn !== null) markData(t, t.ecn, out, at, length);
  out.offset = seqDiff(at, snd.bufferSeq);
  out.length = length;
  const next = (flags & FIN) !== 0 ? seqAdd(end, 1) : end;
  notePacketSize(t, length, next);
  if (!t.timers.isArmed(TIMER_RETRANSMIT)) startRetransmitTimer(t, now);
  if (t.recovery === "recovery") t.losses!.prrOut += length;
  const idle = snd.una === snd.nxt;
  if (seqGt(next, snd.nxt)) leavesFirst(t, next, length, now);
  noteRate(t, length, idle, now);
  if ((flags & FIN) !== 0 && !snd.finSent) finLeaves(t, now);
  if (length > 0) t.dataSegsOut++;
  snd.lastSent = now;
  t.timers.stop(TIMER_PERSIST);
}

/** `length` bytes left, for those who pace and measure; `idle`: nothing was under way. */
function noteRate(t: Tcb, length: number, idle: boolean, now: Instant): void {
  if (t.rate !== null && length > 0) t.rate.sent(pipe(t), t.snd.nxt, idle, now);
  if (t.pace !== null) paceSent(t, t.pace, length, now);
}

/** What lies below `next` leaves for the first time, `length` bytes of data. */
function leavesFirst(t: Tcb, next: SeqNum, length: number, now: Instant): void {
  const { snd } = t;
  if (!t.timing) {
    t.timing = true;
    t.timedSeq = next;
    t.timedAt = now;
  }
  if (snd.una === snd.nxt) t.stalledSince = now;
  t.sent ??= t.env.sentRecords.take();
  t.sent.append(snd.nxt, next, now);
  snd.nxt = next;
  noteUsage(t);
  if (length % snd.mss !== 0) snd.shortEnd = next;
  t.bytesSent += length;
  noteAnswer(t, now);
  if (t.sack) chooseGuard(t, now);
  if (snd.wantRoom) tellRoom(t);
}

/** How much of the window is used, in the manner of Linux's max_packets_out. */
function noteUsage(t: Tcb): void {
  const { una, nxt } = t.snd;
  const flight = seqDiff(nxt, una);
  if (flight <= t.mostFlight && seqLt(una, t.usageEnd)) return;
  t.mostFlight = flight;
  t.usageEnd = nxt;
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
