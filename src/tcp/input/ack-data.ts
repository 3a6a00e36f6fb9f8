/** What new and duplicate ACKs mean for round-trip time, congestion window and loss recovery. */
import { elapsed, type Instant } from "../../base/time.ts";
import { seqDiff, seqGt, seqInWindow, seqLeq, seqLt } from "../../wire/seq.ts";
import { FIN, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { reportAck } from "../congestion/report.ts";
import { EVENT_WRITABLE } from "../endpoint.ts";
import { flightSize } from "../flight.ts";
import { enterRecovery } from "../loss.ts";
import { hasRoomToTell } from "../output/send-policy.ts";
import { news } from "../recovery/ack-news.ts";
import { afterAck } from "../recovery/on-ack.ts";
import { noteDelivery } from "../recovery/rack.ts";
import { returnRecords } from "../recovery/records-pool.ts";
import { readSackBlocks } from "../recovery/sack.ts";
import { chooseGuard, startRetransmitTimer } from "../retransmit-timer.ts";
import type { Tcb } from "../tcb.ts";
import { TIMER_PERSIST } from "../timers.ts";
import { timestampNow } from "../timestamps.ts";

/** RFC 5681 §3.2: the third duplicate starts fast retransmit. */
const DUP_THRESH = 3;

/** SND.UNA advanced, over `bytes` of data; `flight` was outstanding before. */
export function dataAcknowledged(
  t: Tcb,
  s: TcpSegment,
  bytes: number,
  flight: number,
  now: Instant,
): void {
  const before = t.recovery;
  t.persistBackoff = 0;
  t.dupAcks = 0;
  hear(t, s, now);
  const echoed = sampleRtt(t, s, now);
  const judging = t.losses !== null && t.losses.spuriousStep > 0;
  const restart = afterAck(t, s, true, false, bytes, now);
  t.newlyLost += news.lost;
  // until F-RTO has judged, the window is 3 segments at most (RFC 5682 §2.1)
  const counted = judging && t.recovery === "loss" ? Math.min(bytes, 2 * t.snd.mss) : bytes;
  if (bytes > 0) reportAck(t, counted, flight, before, echoed, now);
  if (seqLt(t.snd.una, t.snd.nxt)) {
    if (restart) startRetransmitTimer(t, now);
    if (t.sack) chooseGuard(t, now);
  } else returnRecords(t);
  tellRoom(t, bytes);
  growSendLimit(t);
}

/** Fills `news` with what the ACK tells of what is under way. */
function hear(t: Tcb, s: TcpSegment, now: Instant): void {
  // what never left twice needs no echo
  const echoed = t.losses === null ? Infinity : echoedBefore(t, s, now);
  news.begin(now, t.rtt, echoed, t.recoveryPoint);
  t.sent?.advance(t.snd.una, news);
  if (t.sack && s.sackCount > 0) readSackBlocks(t, s);
  noteDelivery(t, news);
}

/** What left at this moment or later is not what this segment echoes; `Infinity` where that is unknown. ms. */
function echoedBefore(t: Tcb, s: TcpSegment, now: Instant): number {
  const age = echoedRtt(t, s, now);
  return age < 0 ? Infinity : Math.floor(now) - age + 1;
}

/** A writer that waits hears when there is room; one that does not, when all has arrived. */
function tellRoom(t: Tcb, bytes: number): void {
  const { snd } = t;
  const tell = snd.wantRoom ? hasRoomToTell(t) : t.sendBuffer.length === 0 && bytes > 0;
  if (!tell) return;
  snd.wantRoom = false;
  t.events |= EVENT_WRITABLE;
}

/**
 * One sample a round trip: a timed segment never sent twice (Karn), else the timestamp echoed. Only a sample ends the
 * back-off (RFC 6298 §5), as the ACK of what was sent twice says nothing of the path. Returns what this ACK measured, ms, -1 for
 * nothing: with timestamps that is more than what the estimate takes.
 */
function sampleRtt(t: Tcb, s: TcpSegment, now: Instant): number {
  const { tcp_rto_min_ms: min, tcp_rto_max_ms: max } = t.env.settings;
  if (t.timing) {
    if (seqGt(t.timedSeq, t.snd.una)) return echoedRtt(t, s, now);
    t.timing = false;
    t.timedSeq = t.snd.nxt;
    const r = elapsed(t.timedAt, now);
    t.rtt.sample(r, min, max);
    return r;
  }
  const r = news.duplicate > 0 ? copyRtt(t, now) : echoedRtt(t, s, now);
  // a SYN's answer is sent again with the echo that it had at first: its age would be that of the timeout (Karn's rule)
  if (t.rtt.samples === 0 && r > elapsed(t.snd.lastSent, now) + 1) return -1;
  if (r < 0 || seqLeq(t.snd.una, t.timedSeq)) return r; // this round trip has its sample (RFC 7323 §4.2)
  t.timedSeq = t.snd.nxt;
  t.rtt.sample(r, min, max);
  return r;
}

/**
 * An ACK that a copy drew (it has a D-SACK) echoes the original, which came long before and whose own ACK was lost: its age would
 * be that of the timeout. The copy left at the time of the last segment or before; ms, -1 where that is too short to be true.
 */
function copyRtt(t: Tcb, now: Instant): number {
  const r = elapsed(t.snd.lastSent, now);
  return t.rtt.samples > 0 && r < t.rtt.minRtt ? -1 : r;
}

/** ms since what this segment echoes, in whole ones; -1: nothing, or an echo from the future. */
function echoedRtt(t: Tcb, s: TcpSegment, now: Instant): number {
  if (!t.timestamps || !s.hasTimestamps || s.tsEcr === 0) return -1;
  const r = (timestampNow(t, now) - s.tsEcr) | 0;
  return r < 0 || r >= t.env.settings.tcp_rto_max_ms ? -1 : r;
}

/** Linux grows the send buffer with the congestion window: twice the window, so that it can stay full. */
function growSendLimit(t: Tcb): void {
  if (t.cc === null || t.env.memory.pressed) return;
  const want = 2 * t.cc.cwnd;
  if (want > t.snd.limit) t.snd.limit = Math.min(want, t.env.settings.tcp_wmem[2]);
}

/** ACK = SND.UNA. */
export function duplicateAck(t: Tcb, s: TcpSegment, now: Instant): void {
  const l = t.losses;
  const flight = flightSize(t);
  if (flight === 0 && s.sackCount === 0 && (l === null || l.probeEnd === null)) return;
  if (!t.sack) {
    if (isDuplicate(t, s)) countDuplicate(t, s, now);
    return;
  }
  hear(t, s, now);
  // RFC 6675 §2: only an ACK that tells something new counts
  const repeats = news.delivered === 0 && l !== null && isDuplicate(t, s);
  if (news.delivered === 0 && news.duplicate === 0 && !repeats) return;
  const before = t.recovery;
  if (news.delivered > 0) t.dupAcks++;
  afterAck(t, s, false, repeats, 0, now);
  t.newlyLost += news.lost;
  if (news.delivered > 0) reportAck(t, 0, flight, before, -1, now);
  chooseGuard(t, now);
}

/** RFC 5681 §2: no data, no SYN or FIN, an unchanged window, and no window probe under way. */
function isDuplicate(t: Tcb, s: TcpSegment): boolean {
  if (s.payloadLength > 0 || (s.flags & (SYN | FIN)) !== 0) return false;
  if (s.window << t.snd.scale !== t.snd.wnd || t.snd.wnd === 0) return false;
  return !t.timers.isArmed(TIMER_PERSIST);
}

/** Without SACK (RFC 5681 §3.2, RFC 6582 §3.2). */
function countDuplicate(t: Tcb, s: TcpSegment, now: Instant): void {
  if (flightSize(t) === 0) return;
  t.dupAcks++;
  news.begin(now, t.rtt, Infinity, t.recoveryPoint);
  if (t.recovery === "recovery") {
    // no more than was outstanding can have left the network, however many duplicates come (RFC 5681 §3.2, step 4)
    t.inflation = Math.min(t.inflation + t.snd.mss, seqDiff(t.recoveryPoint, t.snd.una));
  } else if (t.recovery === "loss") {
    afterAck(t, s, false, true, 0, now);
  } else if (t.dupAcks === DUP_THRESH && !isOfLastRepair(t)) {
    enterRecovery(t, now);
  }
  t.newlyLost += news.lost;
}

/** RFC 6582 §3.2 step 1: what is outstanding began before the last repair did, so duplicates may be that one's. */
function isOfLastRepair(t: Tcb): boolean {
  const { una } = t.snd;
  // a point that lies far behind would seem to lie ahead
  return seqInWindow(t.recoveryPoint, una, flightSize(t) + 1);
}
