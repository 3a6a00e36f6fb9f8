/** What is outstanding, and how much of it is believed to be in the network. Bytes. */
import { seqDiff } from "../wire/seq.ts";
import type { Tcb } from "./tcb.ts";

/** Everything sent and not acknowledged, in sequence numbers. */
export function flightSize(t: Tcb): number {
  return seqDiff(t.snd.nxt, t.snd.una);
}

/** Pipe of RFC 6675 §4, inFlight of RFC 9937 §6.2: without what is SACKed or lost, with what was sent again since. */
export function pipe(t: Tcb): number {
  const { sent } = t;
  const flight = flightSize(t);
  return sent === null ? flight : flight - sent.sacked - sent.lost + sent.resent;
}

/** The same with what duplicate ACKs tell where there is no SACK: each of them took a segment off the network. */
export function inNetwork(t: Tcb): number {
  if (t.sack) return pipe(t);
  const told = t.recovery === "recovery" ? t.inflation : Math.min(t.dupAcks, 2) * t.snd.mss;
  return Math.max(0, pipe(t) - told);
}

/** Karn's rule: what is sent twice is not timed. With timestamps the next ACK of new data gives a sample all the same. */
export function stopTiming(t: Tcb): void {
  t.timing = false;
  t.timedSeq = t.snd.una;
}
