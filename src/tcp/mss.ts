/** How large a segment may be (RFC 9293 §3.7.1, RFC 6691). Sizes of packets and of text, in bytes. */
import type { Tcb } from "./tcb.ts";

/** IPv4 and TCP, without options. */
export const HEADERS = 40;
/** A timestamp option with its padding. */
const TIMESTAMP_BYTES = 12;

/** MMS_R + 20 of RFC 9293 §3.7.1 (MUST-67): any datagram that IPv4 can say is reassembled. */
const MOST = 65535;

/** The MSS option for a path of `mtu`, whatever options are used (RFC 6691 §2). */
export function advertisedMss(mtu: number): number {
  return Math.min(mtu, MOST) - HEADERS;
}

/** Bytes of options on every segment, of TCP and of IP. */
export function optionBytes(t: Tcb): number {
  return (t.timestamps ? TIMESTAMP_BYTES : 0) + t.ipOptionBytes;
}

/** Bytes: what device and routers allow, as far as a search found it to pass. */
export function pathMtu(t: Tcb): number {
  return t.mtuSearch === null ? t.pmtu : Math.min(t.pmtu, t.mtuSearch.low);
}

/** RFC 6691: the option bytes come off the data; never below one byte. */
export function updateMss(t: Tcb): void {
  t.snd.mss = Math.max(1, Math.min(t.snd.peerMss, pathMtu(t) - HEADERS) - optionBytes(t));
  t.cc?.onMss?.(t.snd.mss);
}
