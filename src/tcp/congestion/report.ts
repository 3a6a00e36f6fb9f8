/** Tells the controller what happened: the machine calls it through these, and `onAck` with one record for all. */
import type { Instant } from "../../base/time.ts";
import { seqGt } from "../../wire/seq.ts";
import { pipe } from "../flight.ts";
import { mayGrow, noteReduction, wasEchoed } from "../ecn.ts";
import { spreadBurst } from "../output/pacing.ts";
import { news } from "../recovery/ack-news.ts";
import type { Recovery, Tcb } from "../tcb.ts";
import { type CongestionController, createAckSample } from "./controller.ts";
import {
  flightAtLoss,
  noteLossInFirstWindow,
  validateAfterLoss,
  validateRound,
} from "./validation.ts";

const sample = createAckSample();

/**
 * To be called once for each ACK that brings `news`, when all has been marked: `acked` bytes were acknowledged, `flight` was
 * outstanding, and `before` the state it met; `echoed`: ms or -1, what timestamps measured, for want of a transmission whose
 * time is known.
 */
export function reportAck(
  t: Tcb,
  acked: number,
  flight: number,
  before: Recovery,
  echoed: number,
  now: Instant,
): void {
  const { cc } = t;
  if (cc === null) return;
  sample.now = now;
  sample.acked = acked;
  sample.delivered = news.delivered;
  sample.lost = t.newlyLost;
  t.newlyLost = 0;
  sample.flight = flight;
  sample.inFlight = pipe(t);
  // slow start after a timeout repairs, and so uses the window by itself
  const limited = (t.cwndLimited || before === "loss") && mayGrow(t);
  sample.limited = limited || (isUsed(t, cc) && mayGrow(t));
  sample.rtt = echoed;
  if (news.rtt >= 0) sample.rtt = news.rtt; // as one expression it would be boxed
  sample.srtt = t.rtt.srtt;
  sample.minRtt = t.rtt.samples === 0 ? 0 : t.rtt.minRtt;
  sample.inRecovery = before === "recovery" || t.recovery === "recovery";
  sample.roundStart = seqGt(t.snd.una, t.roundEnd);
  if (sample.roundStart) {
    t.roundEnd = t.snd.nxt;
    validateRound(t, limited, now);
  }
  if (t.rate !== null) {
    const newest = acked > 0 ? t.snd.una : news.end;
    t.rate.acknowledged(sample, newest);
  }
  cc.onAck(sample);
}

/** As in Linux: all of the window was in use, or in slow start more than half of it (RFC 7661 §4.2 says the same of the latter). */
function isUsed(t: Tcb, cc: CongestionController): boolean {
  const { mostFlight } = t;
  return mostFlight + t.snd.mss > cc.cwnd || (cc.cwnd < cc.ssthresh && 2 * mostFlight > cc.cwnd);
}

/** A loss was found by other means than a timeout; once an episode of recovery. */
export function reportLoss(t: Tcb, flight: number, now: Instant): void {
  const { cc } = t;
  if (cc === null || wasEchoed(t)) return;
  // what limited transmit sent beyond the window is no part of the FlightSize that counts (RFC 5681 §3.2)
  cc.onLoss(flightAtLoss(t, Math.min(flight, cc.cwnd)), now);
  noteReduction(t);
}

/** The retransmission timer ran out, for this data for the `first` time or not. */
export function reportTimeout(t: Tcb, flight: number, first: boolean, now: Instant): void {
  noteLossInFirstWindow(t);
  t.validation?.forget();
  // in recovery more than the window is outstanding, and what lowered it counts a second time (RFC 5681 §4.3)
  t.cc?.onTimeout(Math.min(flight, t.cc.cwnd), first, now);
  noteReduction(t);
}

/** What was outstanding when the loss was found has arrived. */
export function reportRecoveryEnd(t: Tcb, now: Instant): void {
  t.cc?.onRecoveryEnd?.(now);
  validateAfterLoss(t, now);
  spreadBurst(t, now);
}
