/** Tail loss probes (RFC 8985 §7): when nothing follows that could show a loss, one segment is sent to ask. */
import type { Instant } from "../../base/time.ts";
import { seqAdd, seqGeq, seqGt } from "../../wire/seq.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import { reportLoss, reportRecoveryEnd } from "../congestion/report.ts";
import { flightSize } from "../flight.ts";
import type { Tcb } from "../tcb.ts";
import { news } from "./ack-news.ts";
import type { LossState } from "./loss-state.ts";

/** TLP.max_ack_delay, ms: as long as a peer may hold back the ACK of a lone segment (RFC 8985 §7.2). */
const MAX_ACK_DELAY = 200;
/** ms, without a sample (RFC 8985 §7.2). */
const WITHOUT_SAMPLE = 1000;

/** §7.2: whether the probe timer is to be armed. Linux's tcp_early_retrans switches it: 3 and 4 are on. */
export function wantsProbe(t: Tcb): boolean {
  const { sent, losses } = t;
  if (!t.sack || t.env.settings.tcp_early_retrans < 3 || t.recovery !== "open") return false;
  if (sent === null || sent.isEmpty || sent.sacked > 0 || sent.lost > 0) return false;
  if (losses === null) return true;
  // §7.3: none outstanding, and a sample since the last one
  return losses.probeEnd === null && !losses.probeOwed && losses.probeSamples !== t.rtt.samples;
}

/**
 * ms. Deviation: §7.2 knows no least PTO; a program that answers from an event loop is seldom prompter, and Linux adds two
 * ticks for the like.
 */
const LEAST = 10;

/** PTO, ms (§7.2). */
export function probeTimeout(t: Tcb): number {
  if (t.rtt.samples === 0) return WITHOUT_SAMPLE;
  return Math.max(2 * t.rtt.srtt, LEAST) + (flightSize(t) <= t.snd.mss ? MAX_ACK_DELAY : 0);
}

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
