/**
 * TIME-WAIT's one open door: a SYN that is provably newer than the connection (RFC 6191 §2, SHLD-4).
 * Deviation: any other SYN draws a challenge ACK, as RFC 9293 §3.10.7.4 says; RFC 6191 would drop it silently.
 */
import { seqGeq } from "../wire/seq.ts";
import { ACK, RST, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { Tcb } from "./tcb.ts";

export function mayReuse(t: Tcb, s: TcpSegment): boolean {
  if ((s.flags & (SYN | RST | ACK)) !== SYN || t.env.settings.tcp_tw_reuse === 0) return false;
  // `rcv.nxt` is one above the old FIN: a number that was never used
  const above = seqGeq(s.seq, t.rcv.nxt);
  if (!s.hasTimestamps) return above;
  if (!t.timestamps) return true;
  const newer = (s.tsVal - t.tsRecent) | 0;
  return newer > 0 || (newer === 0 && above);
}
