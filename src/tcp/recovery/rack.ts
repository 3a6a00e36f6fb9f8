/** RACK (RFC 8985 §6): a transmission is lost once a later one was delivered and the reordering window is over. */
import { seqGeq, seqGt } from "../../wire/seq.ts";
import type { Tcb } from "../tcb.ts";
import { type AckNews, news } from "./ack-news.ts";
import { type LossState, lossState } from "./loss-state.ts";

// bits of Linux's tcp_recovery
const RACK_ON = 1;
const FIXED_WINDOW = 2;
const NO_THRESHOLD = 4;

/** RACK.reo_wnd_persist (RFC 8985 §6.2 step 4): recoveries that a wider window lasts. */
const PERSISTS = 16;
/** As in Linux; SRTT bounds the window long before. */
const MOST_FACTOR = 255;

/** RFC 8985 §4: with SACK only. */
export function usesRack(t: Tcb): boolean {
  return t.sack && (t.env.settings.tcp_recovery & RACK_ON) !== 0;
}

/** Steps 1 to 3: minimum RTT, the newest transmission delivered, reordering. */
export function noteDelivery(t: Tcb, told: AckNews): void {
  const { rtt, sent } = t;
  if (told.rtt >= 0 && told.rtt < rtt.minRtt) rtt.minRtt = told.rtt;
  if (told.time === -Infinity || sent === null) return;
  rtt.latest = told.now - told.time;
  const newer =
    told.time > sent.rackTime || (told.time === sent.rackTime && seqGt(told.end, sent.rackEnd));
  if (newer) {
    sent.rackTime = told.time;
    sent.rackEnd = told.end;
  }
  if (!told.reordered) return;
  lossState(t).reorderingSeen = true;
  t.env.count("TcpExtTCPSACKReorder");
}

/** Step 4, first half: a round trip with a D-SACK widens the window. */
export function adaptReorderingWindow(t: Tcb, l: LossState, duplicate: boolean): void {
  if ((t.env.settings.tcp_recovery & FIXED_WINDOW) !== 0) return;
  if (l.duplicateRound !== null && seqGeq(t.snd.una, l.duplicateRound)) l.duplicateRound = null;
  if (!duplicate || l.duplicateRound !== null) return;
  l.duplicateRound = t.snd.nxt;
  l.windowFactor = Math.min(l.windowFactor + 1, MOST_FACTOR);
  l.factorPersists = PERSISTS;
}

/** A recovery is over. */
export function forgetReordering(l: LossState): void {
  if (l.factorPersists > 0) l.factorPersists--;
  if (l.factorPersists === 0) l.windowFactor = 1;
}

/** Step 4, second half: RACK.reo_wnd in ms. */
export function reorderingWindow(t: Tcb): number {
  const l = t.losses;
  if (l === null || !l.reorderingSeen) {
    if (t.recovery !== "open") return 0;
    if (isThreshold(t) && (t.env.settings.tcp_recovery & NO_THRESHOLD) === 0) return 0;
  }
  return Math.min(((l?.windowFactor ?? 1) * t.rtt.minRtt) / 4, t.rtt.srtt);
}

/** As much was SACKed as RFC 6675 takes for a loss (DupThresh). */
function isThreshold(t: Tcb): boolean {
  const sent = t.sent!;
  return t.dupAcks >= 3 || sent.ranges >= 3 || sent.sacked > 2 * t.snd.mss;
}

/** ms from its leaving after which a transmission is too old. */
function tooOld(t: Tcb): number {
  return t.rtt.latest + reorderingWindow(t);
}

/** Marks what is lost by what is SACKed: RACK's step 5, or RFC 6675 §4. Notes when to look again. */
export function detectLosses(t: Tcb, now: number): void {
  const { sent } = t;
  if (sent === null || sent.isEmpty || !t.sack) return;
  if (usesRack(t)) {
    const next = sent.markLostByTime(tooOld(t), now, news);
    if (news.lostCopies > 0) t.env.count("TcpExtTCPLostRetransmit", news.lostCopies);
    if (next < Infinity) lossState(t).reorderAt = next;
  } else {
    const edge = sent.lostEdge(t.snd.mss);
    if (seqGt(edge, t.snd.una)) sent.markLostBelow(edge, news);
    else if (t.dupAcks >= 3 && t.recovery === "open") sent.markFirstLost(t.snd.mss, news);
  }
}

/** Step 5 for a timeout (RFC 8985 §6.3): the age from which on a segment is lost as well. */
export function lostAge(t: Tcb): number {
  return usesRack(t) ? tooOld(t) : 0;
}
