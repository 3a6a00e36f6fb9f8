/**
 * Path MTU discovery by messages (RFC 1191), with the checks of RFC 5927 §7: what a message may lower, when, and what is
 * sent again for it. Sizes are of whole IPv4 packets, in bytes.
 */
import type { Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seqGeq, seqLt } from "../wire/seq.ts";
import { stopTiming } from "./flight.ts";
import { boundSearch, probeTooBig } from "./mtu-search.ts";
import { updateMss } from "./mss.ts";
import { news } from "./recovery/ack-news.ts";
import { beginRepair } from "./recovery/loss-state.ts";
import { isSynchronized } from "./state.ts";
import type { Tcb } from "./tcb.ts";

/** Path MTUs learnt, by destination; shared by the connections of a stack. */
export interface PathMtus {
  /** Changes when something was learnt. */
  readonly epoch: number;
  /** That of the device where nothing was learnt. */
  mtu(destination: Ipv4Address, now: Instant): number;
  /** When what was learnt is forgotten; `NEVER` where nothing was. */
  expires(destination: Ipv4Address, now: Instant): Instant;
  learn(destination: Ipv4Address, mtu: number, now: Instant): void;
  /** Everything learnt. */
  forget(): void;
}

/** RFC 791: every link takes as much; a message that says less is nonsense (RFC 1191 §3). */
const LEAST = 68;
/** RFC 1191 §7.1, table 7-1: MTUs in common use, for routers that do not say theirs. */
const PLATEAUS: readonly number[] = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, LEAST];

/**
 * Fragmentation needed, with next-hop MTU `mtu`, quoting our packet of `quotedSize` bytes that begins at `quoted`. False:
 * not believed.
 */
export function packetTooBig(
  t: Tcb,
  mtu: number,
  quotedSize: number,
  quoted: SeqNum,
  now: Instant,
): boolean {
  if (seqLt(quoted, t.snd.una) || seqGeq(quoted, t.snd.nxt)) return false;
  if (t.tuning !== null && t.tuning.ignoresPathMtu === true) return false;
  if (t.pathEpoch !== t.env.paths.epoch) refreshPathMtu(t, now); // others may have learnt more already
  const largest = Math.max(t.largestSent, t.mtuSearch?.probe ?? 0);
  const said = mtu > 0 ? mtu : plateauBelow(quotedSize);
  if (said < LEAST) return false;
  // Deviation: min_pmtu, as in Linux, is above the 68 of RFC 1191
  const next = Math.max(said, t.env.settings.min_pmtu);
  // more than was sent is no news, nor is any of a burst but the first (RFC 1191 §6.4)
  if (next >= t.pmtu || next >= largest) return false;
  if (next < t.largestAcked) {
    // larger ones got through: credible only if they do so no more (RFC 5927 §7.2)
    t.pendingMtu = next;
    t.pendingMtuSeq = quoted;
    return true;
  }
  const onlyProbe = probeTooBig(t, next);
  learn(t, next, now);
  if (onlyProbe) stopTiming(t);
  else resend(t);
  return true;
}

function plateauBelow(size: number): number {
  return PLATEAUS.find((plateau) => plateau < size) ?? 0;
}

/** The retransmission timer ran out: a message that waited for this is right after all. */
export function believePendingMtu(t: Tcb, now: Instant): void {
  const next = t.pendingMtu;
  t.pendingMtu = 0;
  if (next < t.pmtu) learn(t, next, now);
}

function learn(t: Tcb, mtu: number, now: Instant): void {
  t.env.paths.learn(t.remoteAddress, mtu, now);
  t.largestSent = 0;
  t.largestAcked = Math.min(t.largestAcked, mtu);
  refreshPathMtu(t, now);
}

/** What the stack knows of the path changed, or is too old. */
export function refreshPathMtu(t: Tcb, now: Instant): void {
  const { paths } = t.env;
  t.pathEpoch = paths.epoch;
  t.pmtuExpires = paths.expires(t.remoteAddress, now);
  const mtu = paths.mtu(t.remoteAddress, now);
  if (mtu === t.pmtu) return;
  t.pmtu = mtu;
  if (t.mtuSearch !== null) boundSearch(t.mtuSearch, mtu);
  updateMss(t);
}

/**
 * What was too big goes again at once, and the congestion window is not lowered for it; one segment at a time until ACKs
 * come back (RFC 1191 §6.4).
 */
function resend(t: Tcb): void {
  if (!isSynchronized(t.state) || t.snd.una === t.snd.nxt) return;
  t.recovery = "loss";
  t.repairsProbe = false;
  t.recoveryPoint = t.snd.nxt;
  beginRepair(t);
  t.sent?.loseBelow(t.snd.nxt, news);
  t.inflation = 0;
  t.dupAcks = 0;
  stopTiming(t);
  t.forceRetransmit = 1;
  t.onlyForced = true;
}
