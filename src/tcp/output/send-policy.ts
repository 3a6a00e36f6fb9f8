/** How much may leave: windows, Nagle and silly-window avoidance (RFC 9293 §3.7.4, §3.8.6.2.1). */
import { seqAdd, seqDiff, seqGt, seqLeq } from "../../wire/seq.ts";
import { pipe } from "../flight.ts";
import { sendLimit } from "../memory.ts";
import { sendWindow } from "../recovery/prr.ts";
import type { Tcb } from "../tcb.ts";

/** Bytes queued that were never sent. */
export function unsent(t: Tcb): number {
  const end = seqAdd(t.snd.bufferSeq, t.sendBuffer.length);
  return t.snd.finSent ? 0 : seqDiff(end, t.snd.nxt);
}

/** Bytes a writer may queue: what the buffer has room for, and no more unsent than `tcp_notsent_lowat`. */
export function writeRoom(t: Tcb): number {
  return Math.min(sendLimit(t) - t.sendBuffer.length, t.snd.notSentLowat - unsent(t));
}

/** Whether a writer that waits should hear of room; below half of the mark, as in Linux, so that it is worth the call. */
export function hasRoomToTell(t: Tcb): boolean {
  return t.sendBuffer.length < sendLimit(t) && 2 * unsent(t) < t.snd.notSentLowat;
}

/** Bytes the peer's window still has room for, beyond SND.NXT. */
export function usableWindow(t: Tcb): number {
  return Math.max(0, seqDiff(seqAdd(t.snd.una, t.snd.wnd), t.snd.nxt));
}

/** Bytes the congestion window, with `extra` on top, still has room for. */
export function congestionRoom(t: Tcb, extra: number): number {
  return Math.max(0, sendWindow(t) + extra - pipe(t));
}

/**
 * Length of the next segment of new data, at most `max` bytes (a multiple of the MSS with offload); 0 when it
 * should wait. `room` is what both windows leave.
 */
export function nextLength(t: Tcb, waiting: number, room: number, max: number): number {
  const { mss } = t.snd;
  let length = Math.min(waiting, room, max);
  if (length >= mss) {
    // whole segments; the rest goes by the rules for a short one, unless it ends the queue and may go along
    const rest = length % mss;
    if (rest !== 0 && !(length === waiting && shortMayLeave(t))) length -= rest;
    return length;
  }
  if (length === 0) return 0;
  if (t.forcedRoom) {
    t.forcedRoom = false;
    return length;
  }
  if (length === waiting && shortMayLeave(t)) return length;
  // at least half of the largest window seen; under Nagle with nothing under way (RFC 9293 §3.8.6.2.1)
  if ((t.noDelay || t.snd.una === t.snd.nxt) && length * 2 >= t.snd.maxWnd) return length;
  return 0;
}

/**
 * Nagle (SHLD-7), with Minshall's modification as in Linux (RFC 9293 appendix A.3): a short segment waits while another short one is
 * unacknowledged, full ones do not hold it; nor with urgent data.
 */
function shortMayLeave(t: Tcb): boolean {
  const { snd } = t;
  if (snd.finQueued) return true;
  if (t.corked) return false;
  return t.noDelay || snd.urgentPending || !isShortUnderWay(t);
}

/** What is older than half the number space lies beyond SND.NXT again. */
function isShortUnderWay({ snd }: Tcb): boolean {
  return seqGt(snd.shortEnd, snd.una) && seqLeq(snd.shortEnd, snd.nxt);
}

/** Whether, once `length` bytes have left, more of the `waiting` ones would at once, with this much window and room. */
export function goesOn(
  t: Tcb,
  waiting: number,
  window: number,
  room: number,
  length: number,
): boolean {
  const left = waiting - length;
  const fits = Math.min(window, room) - length;
  return left > 0 && (fits >= t.snd.mss || (fits >= left && shortMayLeave(t)));
}
