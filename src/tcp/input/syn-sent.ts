/** SYN-SENT (RFC 9293 §3.10.7.3): the answer to our SYN, or a SYN that crosses it. */
import { after, type Instant } from "../../base/time.ts";
import { seqAdd, seqGt, seqLeq } from "../../wire/seq.ts";
import { ACK, FIN, RST, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { fastOpenAnswered } from "../fast-open.ts";
import { agreeOptions } from "../options.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";
import { TIMER_RETRANSMIT } from "../timers.ts";
import { fail, setState } from "../transitions.ts";
import { acknowledge, establish } from "./ack.ts";
import { readUrgentPointer } from "../urgent.ts";
import { textAndFin } from "./text-fin.ts";
import { trim } from "./acceptability.ts";
import { DONE, RESET, type Verdict } from "./verdict.ts";

export function synSent(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  const hasAck = (s.flags & ACK) !== 0;
  if (hasAck && (seqLeq(s.ack, t.snd.iss) || seqGt(s.ack, t.snd.nxt))) {
    return (s.flags & RST) !== 0 ? "dropped: reset with a wrong ACK" : RESET;
  }
  if ((s.flags & RST) !== 0) {
    if (!hasAck) return "dropped: reset without ACK"; // RFC 5961 §3.2
    fail(t, "ECONNREFUSED", "RST in answer to SYN", now);
    return DONE;
  }
  if ((s.flags & SYN) === 0) return "dropped: no SYN";
  synReceived(t, s, now);
  if (hasAck) {
    establish(t, s, "SYN-ACK received", now);
    if (t.fastOpen !== null) fastOpenAnswered(t, t.fastOpen, s, now);
    acknowledge(t, s, now);
    t.ack = ACK_NOW;
  } else {
    setState(t, "SYN-RECEIVED", "SYN received, simultaneous open", now);
    t.synOwed = true;
    t.timers.start(TIMER_RETRANSMIT, after(now, t.rtt.current(t.env.settings.tcp_rto_max_ms)));
  }
  // text and FIN on the SYN are not lost in sequence
  s.seq = t.rcv.nxt;
  s.flags &= ~SYN;
  s.urgentPointer--; // it counts from SEG.SEQ
  if (hasAck) readUrgentPointer(t, s);
  if (s.payloadLength > 0 || (s.flags & FIN) !== 0) {
    // Deviation: RFC 9293 §3.10.7.3 would keep it; it is not acknowledged, so it comes again
    if (!hasAck) return "dropped: text on a SYN that crossed ours";
    trim(t, s);
    return textAndFin(t, s, now);
  }
  return DONE;
}

/** Takes IRS, window and options from the peer's SYN. */
export function synReceived(t: Tcb, s: TcpSegment, now: Instant): void {
  const { rcv } = t;
  rcv.irs = s.seq;
  rcv.nxt = seqAdd(s.seq, 1);
  rcv.lastAckSent = rcv.nxt;
  rcv.edge = seqAdd(rcv.nxt, Math.min(rcv.buffer, 65535));
  rcv.urgent = rcv.nxt;
  agreeOptions(t, s, now);
}
