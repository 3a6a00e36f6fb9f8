/** Seventh and eighth check: text, FIN (RFC 9293 §3.10.7.4). */
import type { Instant } from "../../base/time.ts";
import { type SeqNum, seqAdd, seqGt, seqLeq, seqLt, seqMin } from "../../wire/seq.ts";
import { FIN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { noteSpacing, oweAck } from "../ack-delay.ts";
import { noteDuplicate } from "../dsack.ts";
import { EVENT_PEER_FIN, EVENT_READABLE } from "../endpoint.ts";
import { growWindow, measureAsReceiver } from "../output/receive-window.ts";
import { Reassembly } from "../reassembly.ts";
import { mayReceive } from "../state.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";
import { fail, setState, toTimeWait } from "../transitions.ts";

import { DONE, RESET, type Verdict } from "./verdict.ts";

export function textAndFin(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  if (s.payloadLength > 0) {
    if (!mayReceive(t.state)) return t.rcv.ended ? "dropped: text after FIN" : DONE;
    if (t.orphan) {
      // RFC 9293 §3.6.1 (SHLD-3): nobody will ever read it
      t.env.count("TcpExtTCPAbortOnData");
      fail(t, "ECONNABORTED", "data arrived after close", now);
      return RESET;
    }
    noteSpacing(t, now);
    // without SACK a duplicate ACK is one only with the window unchanged (RFC 5681 §2)
    if (t.sack || s.seq === t.rcv.nxt) growWindow(t, s.payloadLength);
    t.dataSegsIn++;
    const verdict = s.seq === t.rcv.nxt ? inOrder(t, s, now) : outOfOrder(t, s);
    if (verdict !== null) return verdict;
  }
  if ((s.flags & FIN) !== 0 && mayReceive(t.state)) noteFin(t, s);
  if (t.rcv.finSeen && t.rcv.finSeq === t.rcv.nxt && !t.rcv.ended) takeFin(t, now);
  return DONE;
}

/** Kept with its packet, a payload must be worth the memory around it. */
const KEEP_FROM = 32768;
/** Below, joining what comes costs less than a view and a call for each segment. */
const LEND_FROM = 4096;

function viewOf(s: TcpSegment, length: number): Uint8Array {
  return new Uint8Array(s.buffer.buffer, s.buffer.byteOffset + s.payloadOffset, length);
}

/** To the user: lent where it asked for that, kept with its memory where that is worth it, else copied. */
export function queueText(t: Tcb, s: TcpSegment, length: number): void {
  const queue = t.receiveQueue;
  if (t.lends && s.lendable) {
    if (length >= LEND_FROM) queue.pushLent(viewOf(s, length));
    else queue.pushBriefly(t.env.lentArena, s.buffer, s.payloadOffset, length);
  } else if (s.keepable && length >= KEEP_FROM) {
    s.kept = true;
    queue.push(viewOf(s, length), s.buffer.buffer.byteLength);
  } else queue.pushCopy(t.env.arena, s.buffer, s.payloadOffset, length);
}

function inOrder(t: Tcb, s: TcpSegment, now: Instant): Verdict {
  const { rcv } = t;
  let length = s.payloadLength;
  if (rcv.finSeen && seqGt(seqAdd(rcv.nxt, length), rcv.finSeq)) {
    length = Math.max(0, rcv.finSeq - rcv.nxt) | 0; // text beyond the FIN is no text
    if (length === 0) return "dropped: text after FIN";
  }
  const held = t.reassembly;
  if (
    held !== null &&
    !held.isEmpty &&
    held.firstHeld(rcv.nxt, seqAdd(rcv.nxt, length)) !== seqAdd(rcv.nxt, length)
  ) {
    // over text that waits: the first copy of each byte wins, whichever way it came
    noteHeld(t, rcv.nxt, seqAdd(rcv.nxt, length));
    held.insert(rcv.nxt, s.buffer.subarray(s.payloadOffset, s.payloadOffset + length), Infinity);
    if (length > rcv.mss) rcv.mss = Math.min(length, 65535);
    t.events |= EVENT_READABLE;
    fillHole(t);
    t.ack = ACK_NOW;
    return null;
  }
  queueText(t, s, length);
  rcv.nxt = seqAdd(rcv.nxt, length);
  rcv.unacked += length;
  t.bytesReceived += length;
  measureAsReceiver(t, s, length, now);
  if (length > rcv.mss) rcv.mss = Math.min(length, 65535);
  t.events |= EVENT_READABLE;
  if (t.reassembly !== null && !t.reassembly.isEmpty) {
    noteHeld(t, seqAdd(rcv.nxt, -length), rcv.nxt);
    fillHole(t);
    t.ack = ACK_NOW; // RFC 5681 §4.2: a segment that fills a gap, at once
    return null;
  }
  oweAck(t, now);
  return null;
}

function fillHole(t: Tcb): void {
  const { rcv } = t;
  for (;;) {
    const ready = t.reassembly!.takeReady(rcv.nxt);
    if (ready === null) return;
    for (const piece of ready) {
      t.receiveQueue.push(piece, piece.buffer.byteLength);
      rcv.nxt = seqAdd(rcv.nxt, piece.length);
      rcv.unacked += piece.length;
      t.bytesReceived += piece.length;
    }
  }
}

function outOfOrder(t: Tcb, s: TcpSegment): Verdict {
  t.outOfOrderSegments++;
  t.duplicateAcks++;
  t.env.count("TcpExtTCPOFOQueue");
  if (t.rcv.finSeen && seqGt(seqAdd(s.seq, s.payloadLength), t.rcv.finSeq))
    return "dropped: text after FIN";
  t.reassembly ??= new Reassembly();
  noteHeld(t, s.seq, seqAdd(s.seq, s.payloadLength));
  const data = s.buffer.subarray(s.payloadOffset, s.payloadOffset + s.payloadLength);
  if (!t.reassembly.insert(s.seq, data, 2 * t.rcv.buffer)) {
    t.env.count("TcpExtTCPOFODrop");
    s.flags &= ~FIN;
    return "dropped: no room for out-of-order text";
  }
  return null;
}

/** RFC 2883 §4: of [from, to) the first run of bytes that are held already. */
function noteHeld(t: Tcb, from: SeqNum, to: SeqNum): void {
  const left = t.reassembly!.firstHeld(from, to);
  if (left !== to) noteDuplicate(t, left, seqMin(t.reassembly!.heldTo(left), to));
}

/** A FIN behind a hole waits for the text before it; of two the first in the stream counts. */
function noteFin(t: Tcb, s: TcpSegment): void {
  const at = seqAdd(s.seq, s.payloadLength);
  if (seqLt(at, t.rcv.nxt)) return;
  if (!t.rcv.finSeen || seqLt(at, t.rcv.finSeq)) {
    t.rcv.finSeen = true;
    t.rcv.finSeq = at;
  }
  if (!seqLeq(at, t.rcv.nxt) && s.payloadLength === 0) t.duplicateAcks++;
}

function takeFin(t: Tcb, now: Instant): void {
  t.rcv.nxt = seqAdd(t.rcv.nxt, 1);
  t.rcv.ended = true;
  t.reassembly = null;
  t.ack = ACK_NOW;
  t.events |= EVENT_PEER_FIN;
  if (t.fastOpen !== null) t.env.fastOpens.endSeen();
  switch (t.state) {
    case "ESTABLISHED":
    case "SYN-RECEIVED":
      setState(t, "CLOSE-WAIT", "FIN received", now);
      return;
    case "FIN-WAIT-1":
      if (t.snd.finSent && t.snd.una === t.snd.nxt) toTimeWait(t, "FIN with the ACK of ours", now);
      else setState(t, "CLOSING", "FIN received before the ACK of ours", now);
      return;
    case "FIN-WAIT-2":
      toTimeWait(t, "FIN received", now);
      return;
    case "CLOSED":
    case "LISTEN":
    case "SYN-SENT":
    case "CLOSE-WAIT":
    case "CLOSING":
    case "LAST-ACK":
    case "TIME-WAIT":
      return;
  }
}
