/** First check: is the segment within the window, is it an old duplicate by its timestamp, and what of it is new. */
import { elapsed, type Instant } from "../../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqInWindow, seqLeq, seqLt } from "../../wire/seq.ts";
import {
  ACK,
  FIN,
  RST,
  SYN,
  SYN_TAKEN,
  segmentLength,
  type TcpSegment,
} from "../../wire/tcp-segment.ts";
import { noteDuplicate } from "../dsack.ts";
import { confirmEcn } from "../ecn.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";
import { startTimeWait } from "../transitions.ts";
import { challenge } from "./challenge.ts";
import type { Verdict } from "./verdict.ts";

/** RFC 7323 §5.5: TS.Recent is worth nothing after 24 days. */
const TS_RECENT_VALID = 24 * 24 * 3600 * 1000;

/** RFC 9293 §3.10.7.4, first check, with PAWS (RFC 7323 §5.3) before it. */
export function checkSequence(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  const isReset = (s.flags & RST) !== 0;
  const isSyn = (s.flags & SYN) !== 0;
  const withTimestamps = t.timestamps && !isReset;
  if (withTimestamps) {
    const old = checkTimestamp(t, s, isSyn, now);
    if (old !== null) return old;
  }
  if (t.state === "SYN-RECEIVED" && isSyn && s.seq === t.rcv.irs && !isReset) return synAgain(t, s);
  const { nxt, edge } = t.rcv;
  if (!isAcceptable(s, nxt, seqDiff(edge, nxt))) {
    t.env.count("TcpExtTCPOutOfWindow");
    return isReset ? "dropped: reset outside the window" : refuse(t, s, now);
  }
  return null;
}

function checkTimestamp(t: Tcb, s: TcpSegment, isSyn: boolean, now: Instant): Verdict {
  if (!s.hasTimestamps) return isSyn ? null : "dropped: no timestamp"; // RFC 7323 §3.2
  const older = ((s.tsVal - t.tsRecent) | 0) < 0;
  if (!older || elapsed(t.tsRecentAt, now) > TS_RECENT_VALID) return null;
  t.env.count("TcpExtPAWSEstab");
  oweAnswer(t, isSyn, now);
  return "dropped: PAWS";
}

/** Outside the window: an ACK says where the window is (RFC 9293 §3.10.7.4). */
function refuse(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  oweAnswer(t, (s.flags & SYN) !== 0 || !isNear(t, s), now);
  const end = seqAdd(s.seq, s.payloadLength);
  // in TIME-WAIT the peer's FIN, come again, and no other, restarts 2 MSL
  const isFin = (s.flags & (FIN | ACK | SYN)) === (FIN | ACK) && seqAdd(end, 1) === t.rcv.nxt;
  if (t.state === "TIME-WAIT" && isFin) startTimeWait(t, now);
  if (seqLeq(end, t.rcv.nxt)) noteDuplicate(t, s.seq, end);
  return "dropped: outside the window";
}

/**
 * No further from RCV.NXT than a window: a retransmission, a keep-alive or a window probe may be. What is further off
 * is a guess, and its answers are limited as challenge ACKs are (RFC 5961 §5, §7).
 */
function isNear(t: Tcb, s: TcpSegment): boolean {
  return Math.abs(seqDiff(s.seq, t.rcv.nxt)) <= Math.max(t.rcv.buffer, 65535);
}

function oweAnswer(t: Tcb, isSyn: boolean, now: Instant): void {
  if (isSyn) challenge(t, now);
  else t.ack = ACK_NOW;
}

/**
 * The four cases of RFC 9293 §3.4, with §3.10.7.4's allowance for ACK, URG and RST at window 0 (MUST-66): text is cut off
 * later. Deviation: a FIN needs no room and is taken there, as Linux does.
 */
export function isAcceptable(s: TcpSegment, nxt: SeqNum, window: number): boolean {
  const length = segmentLength(s);
  if (window <= 0) return s.seq === nxt && (length === 0 || (s.flags & (ACK | RST)) !== 0);
  if (length === 0) return seqInWindow(s.seq, nxt, window);
  return seqInWindow(s.seq, nxt, window) || seqInWindow(seqAdd(s.seq, length - 1), nxt, window);
}

/**
 * RFC 7323 §4.3: only a segment at or below Last.ACK.sent carries the timestamp to echo. Deviation: not before its SEG.ACK was found
 * to be acceptable, where the RFC looks at SEG.SEQ alone: whoever guesses that could bring the connection to refuse its peer.
 */
export function recordTimestamp(t: Tcb, s: TcpSegment, now: Instant): void {
  const newer = ((s.tsVal - t.tsRecent) | 0) >= 0;
  const stale = elapsed(t.tsRecentAt, now) > TS_RECENT_VALID;
  if ((newer || stale) && seqLeq(s.seq, t.rcv.lastAckSent)) {
    t.tsRecent = s.tsVal;
    t.tsRecentAt = now;
  }
}

/**
 * The peer's SYN comes again in SYN-RECEIVED. Deviation: our SYN-ACK was lost, so it goes out again, where RFC 9293
 * §3.10.7.4 would send a bare ACK. With ACK it is the other half of a simultaneous open, whose SYN is already counted.
 */
function synAgain(t: Tcb, s: TcpSegment): Verdict {
  if ((s.flags & ACK) !== 0) {
    confirmEcn(t, s);
    s.flags = (s.flags & ~SYN) | SYN_TAKEN;
    s.seq = seqAdd(s.seq, 1);
    s.urgentPointer--; // it counts from SEG.SEQ
    return null;
  }
  if (t.retries <= t.env.settings.tcp_synack_retries) t.synOwed = true;
  return "dropped: SYN repeated";
}

/**
 * Cuts what lies outside the window, so that the segment begins at RCV.NXT or beyond and ends in it. True when
 * something lay beyond it. Deviation: a FIN that is the first thing beyond it is left, as it needs no room.
 */
export function trim(t: Tcb, s: TcpSegment): boolean {
  const { nxt, edge } = t.rcv;
  if (seqLt(s.seq, nxt)) {
    const old = seqDiff(nxt, s.seq);
    const cut = Math.min(old, s.payloadLength);
    noteDuplicate(t, s.seq, seqAdd(s.seq, cut));
    s.payloadOffset += cut;
    s.payloadLength -= cut;
    if (old > cut) s.flags &= ~FIN; // a FIN already taken
    s.urgentPointer = Math.max(0, s.urgentPointer - old);
    s.seq = nxt;
  }
  const over = seqDiff(seqAdd(s.seq, s.payloadLength), edge);
  if (over > 0) {
    s.payloadLength = Math.max(0, s.payloadLength - over);
    s.flags &= ~FIN;
  }
  return over > 0;
}
