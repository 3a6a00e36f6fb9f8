/** SEGMENT ARRIVES (RFC 9293 §3.10.7): the eight checks, in order. Input only marks what output owes. */
import type { Instant } from "../../base/time.ts";
import { FIN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { noteMark } from "../ecn.ts";
import { mayTakeText } from "../memory.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";
import { readUrgentPointer } from "../urgent.ts";
import { readUserTimeout } from "../user-timeout.ts";
import { checkAckNumber, settleFinWait, takeAck } from "./ack.ts";
import { checkSequence, recordTimestamp, trim } from "./acceptability.ts";
import { checkReset, checkSyn } from "./rst-syn.ts";
import { fastOpened } from "./listen.ts";
import { synSent } from "./syn-sent.ts";
import { textAndFin } from "./text-fin.ts";
import { DONE, type Verdict } from "./verdict.ts";

export function segmentArrives(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  t.segsIn++;
  if (t.state === "SYN-SENT") return synSent(t, s, now);
  if (t.state === "LISTEN") return fastOpened(t, s, now);
  const early = checkSequence(t, s, now) ?? checkReset(t, s, now) ?? checkSyn(t, s, now);
  if (early !== null) return early;
  t.rcv.lastHeard = now;
  t.probesSent = 0;
  const refused = checkAckNumber(t, s, now);
  if (refused !== null) return refused;
  if (t.timestamps && s.hasTimestamps) recordTimestamp(t, s, now);
  const cut = trim(t, s);
  const over = takeAck(t, s, now);
  if (over !== null) return over;
  if (s.userTimeout > 0) readUserTimeout(t, s);
  if (cut) t.ack = ACK_NOW; // says where the window ends
  readUrgentPointer(t, s);
  return takeTextAndFin(t, s, now);
}

/** Seventh and eighth check, as far as there is memory. */
function takeTextAndFin(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  if (s.payloadLength === 0 && (s.flags & FIN) === 0) return DONE;
  if (s.payloadLength > 0 && !mayTakeText(t, s.seq === t.rcv.nxt)) {
    t.ack = ACK_NOW;
    settleFinWait(t, now); // its ACK counts all the same
    return "dropped: no memory";
  }
  if (t.ecn !== null && s.payloadLength > 0) noteMark(t, t.ecn, s);
  const verdict = textAndFin(t, s, now);
  settleFinWait(t, now);
  return verdict;
}
