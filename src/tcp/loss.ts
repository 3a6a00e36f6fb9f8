/** Shared arithmetic of what is in flight, and the entry to and exit from loss recovery. */
import type { Instant } from "../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqGeq, seqMax, seqMin } from "../wire/seq.ts";
import { noteReduction, reducedAlready } from "./ecn.ts";
import { onlyProbeLost } from "./mtu-search.ts";
import type { Tcb } from "./tcb.ts";

/** Everything sent and not acknowledged, in sequence numbers. */
export function flightSize(t: Tcb): number {
  return seqDiff(t.snd.nxt, t.snd.una);
}

/** RFC 6675 §4 SetPipe: what is believed to be in the network, bytes. */
export function pipe(t: Tcb): number {
  const { una, nxt } = t.snd;
  if (t.recovery === "open") return flightSize(t) - (t.scoreboard?.sacked ?? 0);
  const lostTo = seqMin(seqMax(t.lostEdge, una), nxt);
  const resentTo = seqMin(seqMax(t.highRxt, una), lostTo);
  const board = t.scoreboard;
  if (board === null) return seqDiff(nxt, lostTo) + seqDiff(resentTo, una);
  return board.missing(lostTo, nxt) + board.missing(una, resentTo);
}

/** Fast recovery begins (RFC 6675 §5, RFC 6582 §3.2). */
export function enterRecovery(t: Tcb, now: Instant): void {
  if (onlyProbeLost(t)) {
    stopTiming(t);
    return;
  }
  const { una, nxt, mss } = t.snd;
  t.recovery = "recovery";
  t.repairsProbe = false;
  t.recoveryPoint = nxt;
  t.highRxt = una;
  t.rescued = false;
  t.partialAcks = 0;
  t.forceRetransmit = 1;
  stopTiming(t);
  // what limited transmit sent beyond the window is no part of the FlightSize that is halved (RFC 5681 §3.2)
  if (t.cc !== null && !reducedAlready(t)) {
    t.cc.onLoss(Math.min(flightSize(t), t.cc.cwnd), now);
    noteReduction(t);
  }
  t.inflation = t.sack ? 0 : 3 * mss;
  markFirstLost(t);
  t.env.count("TcpExtTCPFastRetrans");
}

/** The segment at SND.UNA is lost, and what the scoreboard tells beyond it. */
export function markFirstLost(t: Tcb): void {
  const { una, nxt, mss } = t.snd;
  const first = seqMin(seqAdd(una, mss), nxt);
  const board = t.scoreboard;
  const told = board === null ? una : board.lostEdge(una, mss);
  t.lostEdge = seqMax(t.lostEdge, seqMax(first, told));
}

export function leaveRecovery(t: Tcb): void {
  t.recovery = "open";
  t.inflation = 0;
  t.dupAcks = 0;
  t.forceRetransmit = 0;
  t.lostEdge = t.snd.una;
  t.highRxt = t.snd.una;
}

/** Everything outstanding counts as lost: a timeout (RFC 2018 §5.1: and nothing SACKed is believed). */
export function enterLoss(t: Tcb, now: Instant, first: boolean): void {
  t.cc?.onTimeout(flightSize(t), first, now);
  noteReduction(t);
  t.recovery = "loss";
  t.repairsProbe = false;
  t.onlyForced = false;
  t.recoveryPoint = t.snd.nxt;
  t.lostEdge = t.snd.nxt;
  t.highRxt = t.snd.una;
  t.inflation = 0;
  t.dupAcks = 0;
  stopTiming(t);
  t.forceRetransmit = 1;
  t.scoreboard?.clear();
}

/** The next sequence number to send again, or null when nothing lost is left unsent. */
export function nextLost(t: Tcb): SeqNum | null {
  if (t.recovery === "open") return null;
  let at = seqMax(t.highRxt, t.snd.una);
  if (t.scoreboard !== null) at = t.scoreboard.nextHole(at);
  return seqGeq(at, seqMin(t.lostEdge, t.snd.nxt)) ? null : at;
}

/** Karn's rule: what is sent twice is not timed. With timestamps the next ACK of new data gives a sample all the same. */
export function stopTiming(t: Tcb): void {
  t.timing = false;
  t.timedSeq = t.snd.una;
}
