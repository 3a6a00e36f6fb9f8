/**
 * Path MTU discovery without messages (RFC 4821; RFC 8899 says the same of datagrams), under Linux's settings: a segment
 * larger than what is known to pass is the probe, and whether it is acknowledged says which half of the range remains.
 * `tcp_mtu_probing` 2 searches from the start, 1 once a black hole showed. Sizes are of whole IPv4 packets, in bytes.
 */
import { after, type Instant } from "../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqGt, seqLt } from "../wire/seq.ts";
import { HEADERS, optionBytes, pathMtu, updateMss } from "./mss.ts";
import { news } from "./recovery/ack-news.ts";
import { beginRepair } from "./recovery/loss-state.ts";
import type { Tcb } from "./tcb.ts";

/** Segments that must follow a probe, so that its loss is found by duplicate ACKs (RFC 4821 §7.4; three are DupThresh). */
const FOLLOWERS = 4;

export class MtuSearch {
  /** Gets through. */
  low: number;
  /** Does not, from the next byte on. */
  high: number;
  /** Size of the probe under way, 0 for none, and the sequence numbers it covers. */
  probe = 0;
  from: SeqNum;
  to: SeqNum;
  /** No probe before. */
  resumeAt: Instant;
  /** What was thought to get through before a black hole was suspected, and SND.UNA then; 0: none is. */
  trusted = 0;
  suspectFrom: SeqNum;

  constructor(low: number, high: number, at: SeqNum, now: Instant) {
    this.low = low;
    this.high = high;
    this.from = at;
    this.to = at;
    this.suspectFrom = at;
    this.resumeAt = now;
  }
}

/** What interface, path and peer allow (RFC 4821 §7.2). */
function upperBound(t: Tcb): number {
  return Math.min(t.pmtu, t.snd.peerMss + HEADERS);
}

export function startMtuSearch(t: Tcb, now: Instant): void {
  const high = upperBound(t);
  const low = Math.min(high, t.env.settings.tcp_base_mss + HEADERS);
  t.mtuSearch = new MtuSearch(low, high, t.snd.una, now);
}

export const NO_PROBE = 0;
/** A probe is due and waits for room: nothing else is to take it. */
export const PROBE_WAITS = -1;

/**
 * Payload of a probe that should leave now, of `waiting` bytes; `window` and `room` are what the peer's and the congestion
 * window leave. RFC 4821 §7.4: none while another or a loss is outstanding, nor without enough to send behind it.
 */
export function planProbe(
  t: Tcb,
  search: MtuSearch,
  waiting: number,
  window: number,
  room: number,
  now: Instant,
): number {
  if (search.probe > 0 || now < search.resumeAt || isLosing(t)) return NO_PROBE;
  const { settings } = t.env;
  if (search.high - search.low < settings.tcp_probe_threshold) {
    // found; a path that became wider is noticed at the next search
    search.resumeAt = after(now, settings.tcp_probe_interval * 1000);
    search.high = upperBound(t);
    return NO_PROBE;
  }
  const payload = ((search.low + search.high + 1) >> 1) - HEADERS - optionBytes(t);
  const needed = payload + FOLLOWERS * t.snd.mss;
  if (waiting < needed || window < needed || t.cc === null || t.cc.cwnd < needed) return NO_PROBE;
  return room < payload ? PROBE_WAITS : payload;
}

function isLosing(t: Tcb): boolean {
  return t.recovery !== "open" || t.dupAcks > 0 || (t.sent !== null && t.sent.sacked > 0);
}

/** The probe of `payload` bytes from `at` on leaves. */
export function probeLeaves(t: Tcb, search: MtuSearch, at: SeqNum, payload: number): void {
  search.probe = payload + HEADERS + optionBytes(t);
  search.from = at;
  search.to = seqAdd(at, payload);
  t.env.count("TcpExtTCPMTUProbe");
}

/** SND.UNA moved: past the probe, its size passes (RFC 4821 §7.6.1). The congestion window stays, in bytes. */
export function probeAcknowledged(t: Tcb, search: MtuSearch): void {
  if (seqLt(t.snd.una, search.to)) return;
  search.low = search.probe;
  t.largestAcked = Math.max(t.largestAcked, search.probe);
  search.probe = 0;
  t.env.count("TcpExtTCPMTUPSuccess");
  updateMss(t);
}

/** [from, to) goes again: an ACK would not say which of the two arrived (RFC 4821 §7.6.3). */
export function probeSentAgain(search: MtuSearch | null, from: SeqNum, to: SeqNum): void {
  if (search === null || search.probe === 0) return;
  if (seqLt(from, search.to) && seqGt(to, search.from)) search.probe = 0;
}

/**
 * A loss was found. True: it is the probe's alone, so it bounds the search, is no congestion (RFC 4821 §7.6.2), and is
 * repaired here.
 */
export function onlyProbeLost(t: Tcb): boolean {
  const search = t.mtuSearch;
  if (search === null || search.probe === 0 || t.snd.una !== search.from) return false;
  search.high = Math.max(search.low, Math.min(search.high, search.probe - 1));
  search.probe = 0;
  t.env.count("TcpExtTCPMTUPFail");
  if (t.sent === null || t.sent.isLostBeyond(search.to)) return false; // neighbours are gone as well
  repair(t, search);
  return true;
}

/** Its bytes again, in segments that pass, beside what the congestion window allows: they were in it before. */
function repair(t: Tcb, search: MtuSearch): void {
  const { una, mss } = t.snd;
  t.recovery = "recovery";
  t.repairsProbe = true;
  // one below, so that the duplicates behind the repair may begin an episode of their own
  t.recoveryPoint = seqAdd(search.to, -1);
  beginRepair(t);
  t.sent?.loseBelow(search.to, news);
  t.inflation = 0;
  t.partialAcks = 0;
  t.forceRetransmit = Math.ceil((search.to - una) / mss);
}

/** The path is no wider than `mtu`. */
export function boundSearch(search: MtuSearch, mtu: number): void {
  search.high = Math.min(search.high, mtu);
  search.low = Math.min(search.low, mtu);
}

/** A message says `mtu`. True: only the probe is larger, so nothing else is to be sent again. */
export function probeTooBig(t: Tcb, mtu: number): boolean {
  const search = t.mtuSearch;
  if (search === null) return false;
  if (search.probe <= mtu || search.low > mtu) {
    search.probe = 0;
    return false;
  }
  search.high = Math.min(search.high, mtu);
  if (t.snd.una === search.from) {
    search.probe = 0;
    repair(t, search);
  }
  return true; // else the duplicates that come will find it
}

/**
 * The same data timed out for the `tcp_retries1`th time or more, and no router said why: a black hole (RFC 4821 §7.7). The
 * size falls to the base, then is halved; a search upward follows. A segment that is small already is no sign of one.
 */
export function suspectBlackHole(t: Tcb, now: Instant): void {
  const { tcp_base_mss, tcp_mtu_probe_floor, tcp_min_snd_mss } = t.env.settings;
  const trusted = pathMtu(t);
  const current = trusted - HEADERS;
  const halved = tcp_base_mss < current ? tcp_base_mss : current >> 1;
  const next = Math.max(halved, shareOf(t), tcp_mtu_probe_floor, tcp_min_snd_mss) + HEADERS;
  const size = Math.min(seqDiff(t.snd.nxt, t.snd.una), t.snd.mss) + optionBytes(t) + HEADERS;
  if (size <= next) return;
  if (t.mtuSearch === null) startMtuSearch(t, now);
  const search = t.mtuSearch!;
  if (search.trusted === 0) {
    search.trusted = trusted;
    search.suspectFrom = t.snd.una;
  }
  search.low = next;
  search.high = Math.max(next, upperBound(t));
  search.probe = 0;
  search.resumeAt = now;
  t.env.count("TcpExtTCPMTUBlackHole");
  updateMss(t);
}

/** Bytes of text that so many timeouts of the same data ask for, lest a few in a row now and then, by chance, add up to crumbs. */
function shareOf(t: Tcb): number {
  const { tcp_base_mss, tcp_retries1 } = t.env.settings;
  const most = upperBound(t) - HEADERS;
  const further = t.retries - tcp_retries1;
  return tcp_base_mss < most ? tcp_base_mss >> further : most >> (further + 1);
}

/**
 * An ACK came. If it reports as a duplicate what a black hole was suspected to swallow, that had arrived at its full size and the
 * ACKs were lost: the size is what it was. If it moves SND.UNA without, the suspicion stands, and only a search raises the size.
 */
export function judgeBlackHole(t: Tcb, search: MtuSearch): void {
  if (search.trusted === 0) return;
  const { trusted, suspectFrom } = search;
  const arrived = news.duplicate > 0 && seqGt(news.duplicateEnd, suspectFrom);
  if (!arrived && t.snd.una === suspectFrom) return;
  search.trusted = 0;
  if (!arrived || search.low >= trusted) return;
  search.low = Math.min(trusted, search.high);
  updateMss(t);
}
