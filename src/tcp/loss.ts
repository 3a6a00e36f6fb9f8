/** Loss recovery begins and ends: fast recovery (RFC 6675 §5, RFC 6582 §3.2), and slow start after a timeout. */
import type { Instant } from "../base/time.ts";
import { reportLoss, reportTimeout } from "./congestion/report.ts";
import { flightSize, stopTiming } from "./flight.ts";
import { onlyProbeLost } from "./mtu-search.ts";
import { news } from "./recovery/ack-news.ts";
import { type LossState, lossState } from "./recovery/loss-state.ts";
import { beginPrr } from "./recovery/prr.ts";
import { forgetReordering, lostAge } from "./recovery/rack.ts";
import { beginJudging } from "./recovery/spurious-timeout.ts";
import { beginUndo } from "./recovery/undo.ts";
import type { Tcb } from "./tcb.ts";

/** Fast recovery; what is lost was marked, or without SACK is what stands first. */
export function enterRecovery(t: Tcb, now: Instant): void {
  if (onlyProbeLost(t)) {
    stopTiming(t);
    return;
  }
  const l = lossState(t);
  beginUndo(t, l);
  t.recovery = "recovery";
  t.repairsProbe = false;
  l.rescued = false;
  l.probeEnd = null;
  l.burstLimit = Infinity;
  t.partialAcks = 0;
  stopTiming(t);
  lowerWindow(t, l, now);
  t.inflation = t.sack ? 0 : 3 * t.snd.mss;
  if (!t.sack) t.sent?.markFirstLost(t.snd.mss, news);
  t.env.count(t.sack ? "TcpExtTCPSackRecovery" : "TcpExtTCPRenoRecovery");
}

/** At the entry, and again for a retransmission that was lost itself (RFC 5681 §4.3). */
export function lowerWindow(t: Tcb, l: LossState, now: Instant): void {
  l.reducedAt = now;
  t.recoveryPoint = t.snd.nxt;
  t.forceRetransmit = 1;
  reportLoss(t, flightSize(t), now);
  beginPrr(t, l, news.delivered);
}

export function leaveRecovery(t: Tcb): void {
  if (t.losses !== null) {
    if (!t.repairsProbe) forgetReordering(t.losses);
    t.losses.spuriousStep = 0;
  }
  t.recovery = "open";
  t.repairsProbe = false;
  t.inflation = 0;
  t.dupAcks = 0;
  t.forceRetransmit = 0;
}

/** A timeout, for this data the `first` one or not. */
export function enterLoss(t: Tcb, now: Instant, first: boolean): void {
  const l = lossState(t);
  if (first) beginUndo(t, l);
  beginJudging(t, l, t.recovery, first);
  reportTimeout(t, flightSize(t), first, now);
  t.recovery = "loss";
  t.repairsProbe = false;
  t.onlyForced = false;
  t.recoveryPoint = t.snd.nxt;
  l.probeEnd = null;
  l.probeOwed = false;
  l.reorderAt = Infinity;
  l.burstLimit = Infinity;
  t.inflation = 0;
  t.dupAcks = 0;
  stopTiming(t);
  t.forceRetransmit = 1;
  news.lost = 0;
  t.sent?.timeOut(lostAge(t), now, t.snd.mss, news);
  t.newlyLost += news.lost;
}
