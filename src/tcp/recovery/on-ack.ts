/** What an ACK means for loss recovery: marks what is lost, starts, steers and ends an episode, or takes one back. */
import type { Instant } from "../../base/time.ts";
import { seqGeq } from "../../wire/seq.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import { reportRecoveryEnd } from "../congestion/report.ts";
import { flightSize } from "../flight.ts";
import { enterRecovery, leaveRecovery, lowerWindow } from "../loss.ts";
import { judgeBlackHole } from "../mtu-search.ts";
import type { Tcb } from "../tcb.ts";
import { news } from "./ack-news.ts";
import { probeAnswered } from "./loss-probe.ts";
import type { LossState } from "./loss-state.ts";
import { updatePrr, usesPrr } from "./prr.ts";
import { adaptReorderingWindow, detectLosses } from "./rack.ts";
import { isSpurious } from "./spurious-timeout.ts";
import { allNeedless, isForOriginal, noteNeedless, undo } from "./undo.ts";

/**
 * `news` holds what the ACK told. `advanced`: SND.UNA moved, over `bytes` of data; `duplicate`: it repeats what was said. The
 * result says whether the retransmission timer starts anew.
 */
export function afterAck(
  t: Tcb,
  s: TcpSegment,
  advanced: boolean,
  duplicate: boolean,
  bytes: number,
  now: Instant,
): boolean {
  if (t.mtuSearch !== null) judgeBlackHole(t, t.mtuSearch);
  const l = t.losses;
  if (l === null) return inOpen(t, now); // recovery has never begun
  l.reorderAt = Infinity;
  if (news.duplicate > 0) noteNeedless(l, news);
  adaptReorderingWindow(t, l, news.duplicate > 0);
  if (l.probeEnd !== null) probeAnswered(t, l, s, duplicate, now);
  if (t.recovery !== "loss" && allNeedless(l)) {
    l.reorderingSeen = true; // what came late was taken for lost
    takeBack(t, l, "TcpExtTCPDSACKUndo", now);
  }
  if (t.recovery === "recovery") return inRecovery(t, l, s, advanced, bytes, now);
  if (t.recovery === "loss") return inLoss(t, l, s, advanced, duplicate, now);
  if (l.burstLimit < Infinity) growBurstLimit(t, l, bytes);
  return inOpen(t, now);
}

function inOpen(t: Tcb, now: Instant): boolean {
  const { sent } = t;
  if (sent === null || (sent.sacked === 0 && sent.resent === 0 && sent.lost === 0)) return true;
  detectLosses(t, now);
  if (sent.lost > 0) {
    enterRecovery(t, now);
    if (t.losses !== null && usesPrr(t)) updatePrr(t, t.losses, news.delivered, false);
  }
  return true;
}

/** No ACK came, and time alone showed a loss. */
export function afterReorderingTimer(t: Tcb, l: LossState, now: Instant): void {
  news.begin(now, t.rtt, Infinity, t.recoveryPoint);
  if (t.recovery === "open") inOpen(t, now);
  else if (!t.repairsProbe) {
    detectLosses(t, now);
    if (t.recovery === "recovery") {
      if (news.lostAgain > l.reducedAt) lowerWindow(t, l, now);
      if (usesPrr(t)) updatePrr(t, l, 0, false);
    }
  }
  t.newlyLost += news.lost;
}

function inRecovery(
  t: Tcb,
  l: LossState,
  s: TcpSegment,
  advanced: boolean,
  bytes: number,
  now: Instant,
): boolean {
  if (seqGeq(t.snd.una, t.recoveryPoint)) return end(t, l, s, "TcpExtTCPFullUndo", now);
  if (t.repairsProbe) return true; // all of it was sent again already
  if (advanced && t.sack && t.sent!.resent === 0 && isForOriginal(t, l, s)) {
    // the hole was filled by what came late: the path reorders
    l.reorderingSeen = true;
    t.env.count("TcpExtTCPTSReorder");
    takeBack(t, l, "TcpExtTCPPartialUndo", now);
    return true;
  }
  if (advanced) t.partialAcks++;
  if (!t.sack) return !advanced || partialAck(t, bytes);
  detectLosses(t, now);
  if (news.lostAgain > l.reducedAt) lowerWindow(t, l, now);
  if (usesPrr(t)) updatePrr(t, l, news.delivered, advanced && news.lost === 0);
  return true;
}

/** RFC 6582 §3.2: the next hole; only the first partial ACK restarts the timer. */
function partialAck(t: Tcb, bytes: number): boolean {
  const { mss } = t.snd;
  t.inflation = Math.max(0, t.inflation - bytes) + (bytes >= mss ? mss : 0);
  t.sent!.markFirstLost(mss, news);
  t.forceRetransmit = 1;
  return t.partialAcks === 1;
}

function inLoss(
  t: Tcb,
  l: LossState,
  s: TcpSegment,
  advanced: boolean,
  duplicate: boolean,
  now: Instant,
): boolean {
  if (advanced && (allNeedless(l) || isForOriginal(t, l, s))) {
    takeBack(t, l, "TcpExtTCPLossUndo", now);
    return inOpen(t, now);
  }
  const counts = advanced || duplicate || news.delivered > 0;
  if (l.spuriousStep > 0 && counts && isSpurious(t, l, advanced)) {
    takeBack(t, l, "TcpExtTCPSpuriousRTOs", now);
    return inOpen(t, now);
  }
  if (seqGeq(t.snd.una, t.recoveryPoint)) return end(t, l, s, "TcpExtTCPLossUndo", now);
  detectLosses(t, now);
  return true;
}

/** All that was outstanding when the loss was found has arrived. */
function end(t: Tcb, l: LossState, s: TcpSegment, counter: string, now: Instant): boolean {
  const needless = !t.repairsProbe && (allNeedless(l) || isForOriginal(t, l, s));
  const wasFast = t.recovery === "recovery" && !t.repairsProbe;
  leaveRecovery(t);
  if (needless) {
    if (wasFast) l.reorderingSeen = true; // what came late was taken for lost
    undo(t, l, counter, now);
  } else {
    reportRecoveryEnd(t, now);
    if (wasFast && !t.sack) l.burstLimit = Math.max(flightSize(t), t.snd.mss) + t.snd.mss;
  }
  return inOpen(t, now); // what lies beyond may be lost already (RFC 6675 §5)
}

function takeBack(t: Tcb, l: LossState, counter: string, now: Instant): void {
  if (t.recovery !== "open") leaveRecovery(t);
  undo(t, l, counter, now);
}

function growBurstLimit(t: Tcb, l: LossState, bytes: number): void {
  l.burstLimit += bytes;
  if (t.cc === null || l.burstLimit >= t.cc.cwnd) l.burstLimit = Infinity;
}
