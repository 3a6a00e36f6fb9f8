/** Tail loss probes (RFC 8985 §7): when nothing follows that could show a loss, one segment is sent to ask. */
import type { Instant } from "../../base/time.ts";
import { seqAdd, seqGeq, seqGt } from "../../wire/seq.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import { reportLoss, reportRecoveryEnd } from "../congestion/report.ts";
import { flightSize } from "../flight.ts";
import type { Tcb } from "../tcb.ts";
import { news } from "./ack-news.ts";
import type { LossState } from "./loss-state.ts";

/** A probe left (§7.3). */
export function probeLeft(t: Tcb, l: LossState, again: boolean): void {
  l.probeEnd = t.snd.nxt;
  l.probeAgain = again;
  l.probeFlight = flightSize(t);
  l.probeSamples = t.rtt.samples;
  t.env.count("TcpExtTCPLossProbes");
}

/**
 * §7.4.2, for each ACK while one is outstanding: it was for nothing, or it repaired a loss by itself, which is congestion
 * all the same. `duplicate`: the ACK says nothing new.
 */
export function probeAnswered(
  t: Tcb,
  l: LossState,
  s: TcpSegment,
  duplicate: boolean,
  now: Instant,
): void {
  const end = l.probeEnd!;
  if (!seqGeq(s.ack, end)) return;
  const reported = news.duplicate > 0 && seqGeq(news.duplicateEnd, seqAdd(end, -1));
  if (!l.probeAgain || reported) l.probeEnd = null;
  else if (seqGt(s.ack, end)) {
    l.probeEnd = null;
    if (t.cc === null || t.recovery !== "open") return;
    reportLoss(t, l.probeFlight, now);
    reportRecoveryEnd(t, now);
    t.env.count("TcpExtTCPLossProbeRecovery");
  } else if (duplicate && s.sackCount === 0) l.probeEnd = null;
}
