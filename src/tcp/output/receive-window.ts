/** The window to offer: never moved left, no silly windows, grown for a user who keeps up (RFC 9293 §3.8.6). */
import { elapsed, type Instant } from "../../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqGt, seqMax } from "../../wire/seq.ts";
import { offerable } from "../memory.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import type { Tcb } from "../tcb.ts";
import { timestampNow } from "../timestamps.ts";

/** The most that the window field can say. */
function largest(t: Tcb): number {
  return 65535 << t.rcv.scale;
}

/**
 * Where the right edge could be: what is free of the receive buffer, from RCV.NXT, as far as the field can say, and no
 * farther than what came so far has earned.
 */
function possibleEdge(t: Tcb): SeqNum {
  const { buffer, ssthresh } = t.rcv;
  const { cost, length } = t.receiveQueue;
  // as in Linux a buffer is twice its window, so that pieces may cost more than their bytes
  const free = Math.max(0, Math.min(buffer - length, 2 * buffer - cost));
  return seqAdd(t.rcv.nxt, Math.min(offerable(t, free), ssthresh, largest(t)));
}

/** Less text earns nothing: what surrounds it may cost more than it. */
const EARNS_FROM = 128;

/** Text came: the window may be larger by twice as much, or by two segments (Linux's tcp_grow_window). */
export function growWindow(t: Tcb, length: number): void {
  const { rcv } = t;
  if (rcv.ssthresh >= rcv.buffer || length < EARNS_FROM) return;
  rcv.ssthresh = Math.min(rcv.buffer, rcv.ssthresh + 2 * Math.max(length, t.advMss));
}

/** RFC 9293 §3.8.6.2.2: the gain that is worth an update, min(RCV.BUFF / 2, effective MSS). */
function worthwhile(t: Tcb): number {
  return Math.min(t.rcv.buffer >> 1, t.snd.mss);
}

/** Whether reading opened the window so far that the peer should hear of it now. */
export function updateIsDue(t: Tcb): boolean {
  const gain = seqDiff(possibleEdge(t), t.rcv.edge);
  if (gain < worthwhile(t)) return false;
  // a peer with half a window left is in no hurry: the next ACK will tell it
  const most = Math.min(t.rcv.buffer, t.rcv.ssthresh, largest(t));
  return seqDiff(t.rcv.edge, t.rcv.nxt) <= most >> 1;
}

/**
 * The 16-bit window field for a segment that leaves now; moves the edge offered. Deviation: what rounding up adds with
 * each small segment is no room, and more than an eighth of the buffer is not given away so; the field is then
 * rounded down, and the edge told falls by less than 2^shift (SHLD-14). What was offered is still accepted.
 */
export function windowField(t: Tcb, isSyn: boolean): number {
  const { rcv } = t;
  if (isSyn) {
    // RFC 7323 §2.2: never scaled; with Fast Open there may be text already
    const field = Math.min(65535, Math.max(0, rcv.buffer - t.receiveQueue.length));
    if (t.fastOpen !== null) rcv.edge = seqMax(rcv.edge, seqAdd(rcv.nxt, field));
    return field;
  }
  const possible = possibleEdge(t);
  if (seqDiff(possible, rcv.edge) >= worthwhile(t)) rcv.edge = possible;
  const window = Math.max(0, seqDiff(rcv.edge, rcv.nxt));
  // rounded up, so that scaling takes nothing back of what was offered (RFC 7323 §2.4)
  const unit = 1 << rcv.scale;
  const field = Math.min(65535, Math.floor((window + unit - 1) / unit));
  const free = rcv.buffer - t.receiveQueue.length;
  if (field * unit > free + (rcv.buffer >> 3) + unit) return Math.floor(window / unit);
  const told = seqAdd(rcv.nxt, field * unit);
  if (seqGt(told, rcv.edge)) rcv.edge = told;
  return field;
}

/**
 * Receive-buffer auto-tuning: when the user took more than half a buffer in a round trip, the window is
 * what limits, and the buffer grows to hold twice that, up to tcp_rmem's maximum.
 */
export function tuneReceiveBuffer(t: Tcb, taken: number, now: Instant): void {
  const { rcv } = t;
  rcv.taken += taken;
  // what only receives has measured its SYN, perhaps, and not the queue that has grown since
  const rtt = Math.max(t.rtt.samples > 0 ? t.rtt.srtt : 10, rcv.rtt8 >> 3);
  if (elapsed(rcv.epoch, now) < rtt) return;
  const fixed = t.tuning !== null && t.tuning.receiveBuffer !== undefined;
  if (rcv.taken * 2 > rcv.buffer && !fixed && !t.env.memory.pressed) {
    rcv.buffer = Math.min(Math.max(rcv.buffer, rcv.taken * 4), t.env.settings.tcp_rmem[2]);
  }
  rcv.taken = 0;
  rcv.epoch = now;
}

/**
 * The round trip as a receiver sees it: from an ACK to the first full segment that echoes its timestamp; ms, whole ones, the
 * mean of about eight. A sender that had nothing to send makes it too long, and the buffer grows later.
 */
export function measureAsReceiver(t: Tcb, s: TcpSegment, length: number, now: Instant): void {
  const { rcv } = t;
  if (!s.hasTimestamps || s.tsEcr === rcv.rttEcho || length < rcv.mss) return;
  rcv.rttEcho = s.tsEcr;
  const sample = (timestampNow(t, now) - s.tsEcr) | 0;
  if (sample <= 0 || sample >= t.env.settings.tcp_rto_max_ms) return;
  rcv.rtt8 += rcv.rtt8 === 0 ? 8 * sample : sample - (rcv.rtt8 >> 3);
}
