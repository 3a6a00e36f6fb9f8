/**
 * Fast Open (RFC 7413): data on a SYN for a server that gave us a cookie, and data taken from a SYN that has a cookie of ours.
 * Cookies, and what is remembered of servers and listeners, are the stack's.
 */
import { after, type Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seqAdd, seqDiff, seqLt } from "../wire/seq.ts";
import { PSH, type TcpSegment } from "../wire/tcp-segment.ts";
import { tcpOptionsLength } from "../wire/tcp-options.ts";
import { HEADERS } from "./mss.ts";
import type { Outgoing } from "./output/outgoing.ts";
import type { Tcb } from "./tcb.ts";
import { returnRecords } from "./recovery/records-pool.ts";
import { TIMER_RETRANSMIT } from "./timers.ts";

/** What is known of a server: an empty cookie asks for one. */
export interface KnownServer {
  readonly cookie: Uint8Array;
  /** Its MSS option. */
  readonly mss: number;
}

/** What a client remembers of servers (RFC 7413 §4.1.3). */
export interface FastOpenServers {
  /** Null: nothing is to be tried for a while. */
  known(server: Ipv4Address, now: Instant): KnownServer | null;
  learn(server: Ipv4Address, cookie: Uint8Array, mss: number): void;
  /** Data on a SYN was acknowledged. */
  succeeded(server: Ipv4Address, mss: number): void;
  failed(server: Ipv4Address, now: Instant): void;
  /** Nothing passes any more on a connection that was opened so. */
  blackHole(now: Instant): void;
  /** Such a connection came to its end. */
  endSeen(): void;
  /** Everything learnt. */
  forget(): void;
}

/** What a listener counts (RFC 7413 §5.1). */
export interface PendingFastOpens {
  /** The handshake ended, or the connection did, `byReset` or otherwise. */
  leave(byReset: boolean, now: Instant): void;
}

/** ms that a SYN which may carry data waits for the program's first write. */
const HOLD = 10;
/** Bytes that TCP's options can be. */
const OPTION_SPACE = 40;

/** Of a connection that was opened so, or tried to. */
export class FastOpenState {
  /** Goes with the first SYN, or as a new one with the first SYN-ACK; null: none. */
  cookie: Uint8Array | null;
  /** The peer's MSS as it was the last time; bytes. */
  readonly mss: number;
  /** Bytes of data on the SYN: sent, or taken. */
  data = 0;
  /** They were acknowledged. */
  accepted = false;
  /** Data goes without asking for a cookie: the network is trusted (Linux's tcp_fastopen 4). */
  bare = false;
  /** Our SYN waits for the first write. */
  holds = false;
  /** Where a server's connection counts until the handshake has ended; null for a client's, and from then on. */
  pending: PendingFastOpens | null;
  readonly passive: boolean;

  constructor(cookie: Uint8Array | null, mss: number, pending: PendingFastOpens | null) {
    this.cookie = cookie;
    this.mss = mss;
    this.pending = pending;
    this.passive = pending !== null;
  }
}

// --- client -------------------------------------------------------------------------------------------

/** Before an active open. With a cookie the SYN waits for data to take along, `patient` or just a moment. */
export function prepareFastOpen(t: Tcb, patient: boolean, now: Instant): void {
  const bits = t.env.settings.tcp_fastopen;
  if ((bits & 1) === 0) return;
  const known = t.env.fastOpens.known(t.remoteAddress, now);
  if (known === null) return;
  t.fastOpen = new FastOpenState(known.cookie, known.mss, null);
  t.fastOpen.bare = (bits & 4) !== 0;
  if (known.cookie.length === 0 && !t.fastOpen.bare) return;
  t.fastOpen.holds = true;
  if (patient) return;
  t.timers.start(TIMER_RETRANSMIT, after(now, HOLD));
}

/** Whether the SYN is to wait on; it goes with the first data, without any at the end of its time. */
export function holdsSyn(t: Tcb, f: FastOpenState): boolean {
  if (!f.holds) return false;
  if (t.sendBuffer.length === 0 && !t.snd.finQueued) return true;
  f.holds = false;
  t.timers.stop(TIMER_RETRANSMIT);
  return false;
}

/** The option on the first SYN or SYN-ACK, all others in place, and data on a SYN that has a cookie (RFC 7413 §4.2). */
export function addFastOpen(t: Tcb, f: FastOpenState, out: Outgoing, now: Instant): void {
  const s = out.segment;
  const { cookie } = f;
  if (cookie === null) return;
  if (!f.bare) {
    s.fastOpen = cookie.length;
    s.cookie.set(cookie);
  }
  const options = tcpOptionsLength(s);
  if (f.passive) {
    if (options > OPTION_SPACE) s.fastOpen = -1;
    return;
  }
  const wantsData = f.bare || cookie.length > 0;
  const room = Math.min(f.mss, t.pmtu - HEADERS) - options - t.ipOptionBytes;
  const length = wantsData ? Math.min(t.sendBuffer.length, room) : 0;
  if (options > OPTION_SPACE || (wantsData && length <= 0)) {
    s.fastOpen = -1;
    t.fastOpen = null;
    return;
  }
  if (length === 0) return;
  f.data = length;
  if (length === t.sendBuffer.length) s.flags |= PSH; // MUST-61
  out.length = length;
  out.whole = true;
  out.remark = "Fast Open";
  recordData(t, seqAdd(t.snd.iss, 1 + length), now);
  t.bytesSent += length;
}

/** The SYN-ACK came, its options taken, nothing acknowledged yet. What it does not acknowledge leaves again as new. */
export function fastOpenAnswered(t: Tcb, f: FastOpenState, s: TcpSegment, now: Instant): void {
  const { env, snd, remoteAddress } = t;
  const hasCookie = s.fastOpen > 0;
  if (hasCookie) env.fastOpens.learn(remoteAddress, s.cookie.slice(0, s.fastOpen), snd.peerMss);
  if (f.data === 0) {
    // asked by a SYN that went unanswered, while the one without the option was not
    if (t.retries > 0 && !hasCookie) env.fastOpens.failed(remoteAddress, now);
    return;
  }
  const left = seqDiff(snd.nxt, s.ack);
  f.accepted = left < f.data;
  if (f.accepted) {
    env.count("TcpExtTCPFastOpenActive");
    env.fastOpens.succeeded(remoteAddress, snd.peerMss);
  } else {
    env.count("TcpExtTCPFastOpenActiveFail");
    // RFC 7413 §4.1.3.1: it did not take the data, nor say by a new cookie that it would
    if (!hasCookie) env.fastOpens.failed(remoteAddress, now);
  }
  if (left > 0) takeBack(t, s.ack, now);
}

/** What was on the SYN beyond `from` counts as never sent, but as sent before to ECN. */
function takeBack(t: Tcb, from: SeqNum, now: Instant): void {
  const { snd } = t;
  if (t.ecn !== null) t.ecn.newFrom = snd.nxt;
  t.bytesSent -= seqDiff(snd.nxt, from);
  returnRecords(t);
  recordData(t, from, now);
}

/** What is on the SYN, up to `end`, is under way. */
function recordData(t: Tcb, end: SeqNum, now: Instant): void {
  const { snd } = t;
  const start = seqAdd(snd.iss, 1);
  snd.nxt = end;
  if (!seqLt(start, end)) return;
  t.sent = t.env.sentRecords.take();
  t.sent.append(start, end, now);
}

/** A connection attempt of ours failed, other than by its user. */
export function fastOpenFailed(t: Tcb, f: FastOpenState, now: Instant): void {
  if (!f.passive && t.state === "SYN-SENT") t.env.fastOpens.failed(t.remoteAddress, now);
}

/** Linux's count of timeouts in a row after which Fast Open is not tried for a while. */
const BLACK_HOLE_TIMEOUTS = 3;

/** One more timeout in a row. */
export function suspectFastOpen(t: Tcb, f: FastOpenState, now: Instant): void {
  if (!f.passive && f.data > 0 && t.retries === BLACK_HOLE_TIMEOUTS) t.env.fastOpens.blackHole(now);
}

// --- server -------------------------------------------------------------------------------------------

/** The handshake of a connection that was opened with data has ended, or it has. */
export function leavePending(f: FastOpenState, byReset: boolean, now: Instant): void {
  f.pending?.leave(byReset, now);
  f.pending = null;
}

/** Taken from a listener by its SYN alone. */
export function isServed(t: Tcb): boolean {
  return t.fastOpen !== null && t.fastOpen.passive;
}

/** RFC 7413 §4.2.2: a server may answer before the handshake has ended. */
export function sendsEarly(t: Tcb): boolean {
  return isServed(t) && !seqLt(t.snd.nxt, seqAdd(t.snd.iss, 1));
}
