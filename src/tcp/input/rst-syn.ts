/** Second and fourth check: RST by the exact rule and SYN in a connection that lives (RFC 5961). */
import type { Instant } from "../../base/time.ts";
import { RST, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import type { Tcb } from "../tcb.ts";
import { leavePending } from "../fast-open.ts";
import { fail, toClosed } from "../transitions.ts";
import { challenge } from "./challenge.ts";
import { DONE, type Verdict } from "./verdict.ts";

/** RFC 5961 §3.2: only SEG.SEQ = RCV.NXT resets; elsewhere in the window it draws a challenge ACK. */
export function checkReset(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  if ((s.flags & RST) === 0) return null;
  if (t.state === "TIME-WAIT" && t.env.settings.tcp_rfc1337 !== 0) {
    return "dropped: reset in TIME-WAIT"; // Deviation: RFC 1337 F1, as the setting says
  }
  if (s.seq !== t.rcv.nxt) {
    challenge(t, now);
    return "dropped: reset not at RCV.NXT";
  }
  if (t.state === "SYN-RECEIVED") {
    const f = t.fastOpen;
    const isServed = f !== null && f.passive;
    if (isServed) leavePending(f, true, now);
    const code = isServed ? "ECONNRESET" : "ECONNREFUSED";
    fail(t, code, "RST received in SYN-RECEIVED", now);
  } else if (t.state === "CLOSING" || t.state === "LAST-ACK" || t.state === "TIME-WAIT") {
    toClosed(t, "RST received", now, null);
  } else {
    fail(t, "ECONNRESET", "RST received at RCV.NXT", now);
  }
  return DONE;
}

/** RFC 5961 §4.2: a SYN is answered with a challenge ACK. */
export function checkSyn(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  if ((s.flags & SYN) === 0) return null;
  challenge(t, now);
  return "dropped: SYN on a live connection";
}
