/** Tells the controller what an ACK brought: fills the one record and calls `onAck`. */
import type { Instant } from "../../base/time.ts";
import { seqGt } from "../../wire/seq.ts";
import { mayGrow } from "../ecn.ts";
import { pipe } from "../loss.ts";
import type { Recovery, Tcb } from "../tcb.ts";
import type { AckSample } from "./controller.ts";

const sample: AckSample = {
  now: 0 as Instant,
  acked: 0,
  delivered: 0,
  lost: 0,
  flight: 0,
  inFlight: 0,
  limited: false,
  rtt: -1,
  srtt: 0,
  minRtt: 0,
  roundStart: false,
  inRecovery: false,
  deliveryRate: 0,
  appLimited: false,
  totalDelivered: 0,
  priorDelivered: 0,
  priorInFlight: 0,
  lostSince: 0,
};

/**
 * To be called once for each ACK that brings news, when all has been marked: `acked` bytes were acknowledged, `sacked` more
 * were SACKed or taken off the scoreboard (negative), `flight` was outstanding and `before` the state it met, `rtt` ms or -1.
 */
export function reportAck(
  t: Tcb,
  acked: number,
  sacked: number,
  flight: number,
  before: Recovery,
  rtt: number,
  now: Instant,
): void {
  const { cc } = t;
  if (cc === null) return;
  sample.now = now;
  sample.acked = acked;
  sample.delivered = Math.max(0, acked + sacked);
  sample.lost = t.newlyLost;
  t.newlyLost = 0;
  sample.flight = flight;
  sample.inFlight = pipe(t);
  // slow start after a timeout repairs, and so uses the window by itself
  sample.limited = (t.cwndLimited || before === "loss") && mayGrow(t);
  sample.rtt = rtt;
  sample.srtt = t.rtt.srtt;
  sample.minRtt = t.rtt.samples === 0 ? 0 : t.rtt.minRtt;
  sample.inRecovery = before === "recovery" || t.recovery === "recovery";
  sample.roundStart = seqGt(t.snd.una, t.roundEnd);
  if (sample.roundStart) t.roundEnd = t.snd.nxt;
  cc.onAck(sample);
}
