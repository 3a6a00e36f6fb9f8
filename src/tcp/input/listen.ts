/** LISTEN for a SYN with a good Fast Open cookie (RFC 7413 §4.2.2): its data is the user's before the handshake ends. */
import type { Instant } from "../../base/time.ts";
import { seqAdd } from "../../wire/seq.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import { EVENT_ESTABLISHED, EVENT_READABLE } from "../endpoint.ts";
import type { Tcb } from "../tcb.ts";
import { setState } from "../transitions.ts";
import { synReceived } from "./syn-sent.ts";
import { queueText } from "./text-fin.ts";
import { DONE, type Verdict } from "./verdict.ts";

/** Deviation: a FIN on it is not kept, as on any SYN; it is not acknowledged, so it comes again. */
export function fastOpened(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  const { rcv } = t;
  synReceived(t, s, now);
  setState(t, "SYN-RECEIVED", "SYN with a Fast Open cookie", now);
  t.synOwed = true;
  t.events |= EVENT_ESTABLISHED;
  const window = Math.min(rcv.buffer, 65535);
  const length = Math.min(s.payloadLength, window);
  if (length > 0) {
    queueText(t, s, length);
    rcv.nxt = seqAdd(rcv.nxt, length);
    t.bytesReceived += length;
    t.fastOpen!.data = length;
    t.fastOpen!.accepted = true;
    t.events |= EVENT_READABLE;
  }
  return DONE;
}
