/**
 * Urgent data, both ways (RFC 9293 §3.8.5, RFC 6093): a mark in the stream, named by the octet after the last urgent one.
 * The bytes stay in their place; what moves ahead of them is the news.
 */
import { seqAdd, seqDiff, seqGeq, seqGt } from "../wire/seq.ts";
import { type TcpSegment, URG } from "../wire/tcp-segment.ts";
import { EVENT_URGENT } from "./endpoint.ts";
import { unsent, usableWindow } from "./output/send-policy.ts";
import { isSynchronized, mayReceive } from "./state.ts";
import { ACK_NOW, type Tcb } from "./tcb.ts";

/** As far ahead as the field can say; a mark beyond is named again, nearer, by the segments that follow. */
const FARTHEST = 65535;

// --- ours to the peer ---------------------------------------------------------------------------------

/** SND.UP is the end of what is queued; the bytes themselves are already there. */
export function markQueueUrgent(t: Tcb): void {
  const { snd } = t;
  snd.urgent = seqAdd(snd.bufferSeq, t.sendBuffer.length);
  snd.urgentPending = true;
  // data that a window holds back does not hold back the news (MUST-66 lets the peer take it)
  if (isSynchronized(t.state) && unsent(t) > usableWindow(t)) t.ack = ACK_NOW;
}

/** URG and the pointer, as an offset from SEG.SEQ (MUST-62), on a segment that begins before the mark. */
export function writeUrgentPointer(t: Tcb, s: TcpSegment): void {
  const ahead = seqDiff(t.snd.urgent, s.seq);
  if (ahead <= 0) return;
  s.flags |= URG;
  s.urgentPointer = Math.min(ahead, FARTHEST);
}

/** SND.UNA moved. */
export function urgentAcknowledged(t: Tcb): void {
  if (seqGeq(t.snd.una, t.snd.urgent)) t.snd.urgentPending = false;
}

// --- the peer's to us ---------------------------------------------------------------------------------

/** Sixth check: RCV.UP, told when it comes and when it advances (MUST-32), not when it is repeated. */
export function readUrgentPointer(t: Tcb, s: TcpSegment): void {
  if ((s.flags & URG) === 0 || !mayReceive(t.state) || t.rcv.ended) return;
  const pointer = seqAdd(s.seq, s.urgentPointer);
  if (!seqGt(pointer, t.rcv.nxt)) return;
  if (t.rcv.urgentPending && !seqGt(pointer, t.rcv.urgent)) return;
  t.rcv.urgent = pointer;
  t.rcv.urgentPending = true;
  t.events |= EVENT_URGENT;
}

/** Bytes from where the user has read to the mark, 0 at it and behind it (MUST-33). */
export function urgentAhead(t: Tcb): number {
  const { rcv } = t;
  if (!rcv.urgentPending) return 0;
  const read = seqAdd(rcv.nxt, -t.receiveQueue.length - (rcv.ended ? 1 : 0));
  return Math.max(0, seqDiff(rcv.urgent, read));
}

/** The user took bytes: behind the mark nothing is pending. */
export function urgentTaken(t: Tcb): void {
  if (urgentAhead(t) === 0) t.rcv.urgentPending = false;
}
