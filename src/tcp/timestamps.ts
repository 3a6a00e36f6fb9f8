/** The timestamp clock (RFC 7323 §5.4): 1 ms, with an offset of each connection's own (§7.1). */
import type { Instant } from "../base/time.ts";
import type { Tcb } from "./tcb.ts";

export function timestampNow(t: Tcb, now: Instant): number {
  return timestampAt(t.tsOffset, now);
}

export function timestampAt(offset: number, now: Instant): number {
  return (Math.floor(now % 4294967296) + offset) | 0;
}
