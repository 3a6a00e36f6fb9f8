/** When a tail loss probe is due (RFC 8985 §7.2). */
import { flightSize } from "../flight.ts";
import { isSynchronized } from "../state.ts";
import type { Tcb } from "../tcb.ts";

/** TLP.max_ack_delay, ms: as long as a peer may hold back the ACK of a lone segment (RFC 8985 §7.2). */
const MAX_ACK_DELAY = 200;
/** ms, without a sample (RFC 8985 §7.2). */
const WITHOUT_SAMPLE = 1000;

/** §7.2: whether the probe timer is to be armed. Linux's tcp_early_retrans switches it: 3 and 4 are on. */
export function wantsProbe(t: Tcb): boolean {
  const { sent, losses } = t;
  if (!t.sack || t.env.settings.tcp_early_retrans < 3 || t.recovery !== "open") return false;
  if (!isSynchronized(t.state) || (t.ecn !== null && t.ecn.waits)) return false;
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
