/** What new and duplicate ACKs mean for round-trip time, congestion window and loss recovery. */
import { after, elapsed, type Instant } from "../../base/time.ts";
import { seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMax, seqMin } from "../../wire/seq.ts";
import { FIN, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { reportAck, reportRecoveryEnd } from "../congestion/report.ts";
import { EVENT_WRITABLE } from "../endpoint.ts";
import { enterRecovery, flightSize, leaveRecovery, markFirstLost, pipe } from "../loss.ts";
import { hasRoomToTell } from "../output/send-policy.ts";
import { Scoreboard } from "../recovery/scoreboard.ts";
import type { Tcb } from "../tcb.ts";
import { TIMER_PERSIST, TIMER_RETRANSMIT } from "../timers.ts";
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
  const rtt = sampleRtt(t, s, now);
  const before = t.recovery;
  const sackedBefore = t.scoreboard?.sacked ?? 0;
  t.persistBackoff = 0;
  t.dupAcks = 0;
  t.scoreboard?.advance(t.snd.una);
  takeSackBlocks(t, s);
  const restart = recoveryProgress(t, bytes, now);
  const sacked = (t.scoreboard?.sacked ?? 0) - sackedBefore;
  if (bytes > 0) reportAck(t, bytes, sacked, flight, pipe(t), before, rtt, now);
  if (restart && seqLt(t.snd.una, t.snd.nxt)) {
    const span = t.rtt.current(t.env.settings.tcp_rto_max_ms);
    t.timers.start(TIMER_RETRANSMIT, after(now, span));
  }
  tellRoom(t, bytes);
  growSendLimit(t);
}

/** The congestion window and the episode of recovery, if any; whether the timer starts anew. */
function recoveryProgress(t: Tcb, bytes: number, now: Instant): boolean {
  if (t.recovery === "open") {
    maybeSackLoss(t, now);
    return true;
  }
  if (seqGeq(t.snd.una, t.recoveryPoint)) {
    leaveRecovery(t);
    reportRecoveryEnd(t, now);
    // behind the repair of a probe there may be a loss of its own
    maybeSackLoss(t, now);
    return true;
  }
  if (t.recovery === "recovery") return partialAck(t, bytes);
  // after a timeout: slow start repairs
  t.highRxt = seqMax(t.highRxt, t.snd.una);
  return true;
}

/** A writer that waits hears when there is room; one that does not, when all has arrived. */
function tellRoom(t: Tcb, bytes: number): void {
  const { snd } = t;
  const tell = snd.wantRoom ? hasRoomToTell(t) : t.sendBuffer.length === 0 && bytes > 0;
  if (!tell) return;
  snd.wantRoom = false;
  t.events |= EVENT_WRITABLE;
}

/** RFC 6582 §3.2, RFC 6675 §5: the next hole; only the first partial ACK restarts the timer. */
function partialAck(t: Tcb, bytes: number): boolean {
  t.partialAcks++;
  t.highRxt = seqMax(t.highRxt, t.snd.una);
  if (t.repairsProbe) return true; // all of it was sent again already
  markFirstLost(t);
  if (!t.sack) {
    t.inflation = Math.max(0, t.inflation - bytes) + (bytes >= t.snd.mss ? t.snd.mss : 0);
    t.highRxt = t.snd.una;
    t.lostEdge = seqMin(seqAdd(t.snd.una, t.snd.mss), t.snd.nxt);
    t.forceRetransmit = 1;
  }
  return t.partialAcks === 1 || t.sack;
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
  const r = echoedRtt(t, s, now);
  if (r < 0 || seqLeq(t.snd.una, t.timedSeq)) return r; // this round trip has its sample (RFC 7323 §4.2)
  t.timedSeq = t.snd.nxt;
  t.rtt.sample(r, min, max);
  return r;
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
  if (flightSize(t) === 0) return;
  if (!t.sack) {
    if (isDuplicate(t, s)) countDuplicate(t, now);
    return;
  }
  // RFC 6675 §2: only an ACK that tells something new counts
  const fresh = takeSackBlocks(t, s);
  if (fresh === 0) return;
  const before = t.recovery;
  t.dupAcks++;
  if (before === "open") maybeSackLoss(t, now);
  else if (before === "recovery" && !t.repairsProbe) markFirstLost(t);
  reportAck(t, 0, fresh, flightSize(t), pipe(t), before, -1, now);
}

/** RFC 5681 §2: no data, no SYN or FIN, an unchanged window, and no window probe under way. */
function isDuplicate(t: Tcb, s: TcpSegment): boolean {
  if (s.payloadLength > 0 || (s.flags & (SYN | FIN)) !== 0) return false;
  if (s.window << t.snd.scale !== t.snd.wnd || t.snd.wnd === 0) return false;
  return !t.timers.isArmed(TIMER_PERSIST);
}

function countDuplicate(t: Tcb, now: Instant): void {
  t.dupAcks++;
  if (t.recovery === "recovery") {
    // no more than was outstanding can have left the network, however many duplicates come (RFC 5681 §3.2, step 4)
    t.inflation = Math.min(t.inflation + t.snd.mss, seqDiff(t.recoveryPoint, t.snd.una));
  } else if (
    t.recovery === "open" &&
    t.dupAcks === DUP_THRESH &&
    seqGt(t.snd.una, t.recoveryPoint)
  ) {
    enterRecovery(t, now);
  }
}

function maybeSackLoss(t: Tcb, now: Instant): void {
  const board = t.scoreboard;
  if (board === null || board.isEmpty) return;
  const lost = board.lostEdge(t.snd.una, t.snd.mss);
  if (t.dupAcks < DUP_THRESH && !seqGt(lost, t.snd.una)) return;
  if (seqLt(t.snd.una, t.recoveryPoint) && t.recoveryPoint !== t.snd.iss) return;
  enterRecovery(t, now);
}

/** Puts valid blocks on the scoreboard; each bad one is ignored by itself. Returns the bytes that were news. */
function takeSackBlocks(t: Tcb, s: TcpSegment): number {
  if (!t.sack || s.sackCount === 0) return 0;
  let fresh = 0;
  for (let i = 0; i < s.sackCount; i++) {
    const left = s.sack[2 * i]! as typeof t.snd.una;
    const right = s.sack[2 * i + 1]! as typeof t.snd.una;
    // what begins at SND.UNA would have been acknowledged: it is a lie that would open the congestion window
    if (!seqLt(left, right) || seqLeq(left, t.snd.una) || seqGt(right, t.snd.nxt)) continue;
    if (seqDiff(right, left) > seqDiff(t.snd.nxt, t.snd.una)) continue;
    t.scoreboard ??= new Scoreboard(); // most connections never lose anything
    fresh += t.scoreboard.add(left, right);
  }
  return fresh;
}
