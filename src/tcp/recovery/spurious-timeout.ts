/**
 * F-RTO (RFC 5682): after a timeout one segment leaves again, and the ACKs that follow tell whether the others had been
 * lost. §2.1 asks two ACKs; with SACK one is enough that is for data which left before the timeout, and once (§3.1).
 */
import { seqGeq } from "../../wire/seq.ts";
import { unsent, usableWindow } from "../output/send-policy.ts";
import type { Recovery, Tcb } from "../tcb.ts";
import { news } from "./ack-news.ts";
import type { LossState } from "./loss-state.ts";

/** At the timeout, `before` which the connection was in that state. Not once repair was under way. */
export function beginJudging(t: Tcb, l: LossState, before: Recovery, first: boolean): void {
  const wasRepairing = before === "loss" || (t.sack && before === "recovery");
  const probing = t.mtuSearch !== null && t.mtuSearch.probe > 0;
  const on = t.env.settings.tcp_frto !== 0 && first && !wasRepairing && !probing;
  l.spuriousStep = on ? 1 : 0;
}

/** An ACK came (`advanced`: of something new; else a duplicate). True: the timeout was spurious. */
export function isSpurious(t: Tcb, l: LossState, advanced: boolean): boolean {
  if (t.sack && news.original) return true;
  if (l.spuriousStep === 2) {
    l.spuriousStep = 0;
    return advanced && !t.sack;
  }
  if (!advanced) {
    if (!t.sack) l.spuriousStep = 0;
    return false;
  }
  l.spuriousStep = 0;
  if (seqGeq(t.snd.una, t.recoveryPoint) || unsent(t) <= 0 || usableWindow(t) <= 0) return false;
  // step 2b: new data in place of retransmissions; what its ACKs say is step 3
  l.spuriousStep = 2;
  l.newSegments = 2;
  t.recoveryPoint = t.snd.nxt;
  return false;
}
