/** Proportional rate reduction (RFC 9937): in fast recovery what may leave follows what was delivered. Bytes. */
import { flightSize, pipe } from "../flight.ts";
import type { Tcb } from "../tcb.ts";
import type { LossState } from "./loss-state.ts";

/** Whether it governs: not without SACK, where RFC 6582 does, nor in place of a controller that has rules of its own. */
export function usesPrr(t: Tcb): boolean {
  return t.sack && !t.repairsProbe && t.cc !== null && t.cc.drivesRecovery !== true;
}

/** How much may be in flight now. */
export function sendWindow(t: Tcb): number {
  if (t.cc === null) return 0;
  const l = t.losses;
  if (l === null) return t.cc.cwnd;
  if (t.recovery === "recovery" && usesPrr(t)) return l.prrWindow;
  return Math.min(t.cc.cwnd, l.burstLimit) + t.inflation;
}

/** §6.1; `delivered` by the ACK in hand, which is part of the episode. */
export function beginPrr(t: Tcb, l: LossState, delivered: number): void {
  l.prrDelivered = 0;
  l.prrOut = 0;
  // SACKed before the episode is not delivered in it
  l.recoverFlight = Math.max(1, flightSize(t) - (t.sent?.sacked ?? 0) + delivered);
}

/** §6.2, for each ACK. `safe`: SND.UNA advanced and nothing more was found lost. */
export function updatePrr(t: Tcb, l: LossState, delivered: number, safe: boolean): void {
  const { ssthresh } = t.cc!;
  l.prrDelivered += delivered;
  const inFlight = pipe(t);
  let count: number;
  if (inFlight > ssthresh) {
    count = Math.ceil((l.prrDelivered * ssthresh) / l.recoverFlight) - l.prrOut;
  } else {
    count = Math.max(l.prrDelivered - l.prrOut, delivered) + (safe ? t.snd.mss : 0);
    count = Math.min(ssthresh - inFlight, count);
  }
  if (l.prrOut === 0) count = Math.max(count, t.snd.mss); // the first retransmission is not held back
  l.prrWindow = inFlight + Math.max(0, count);
}
