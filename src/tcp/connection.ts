/**
 * One TCP connection. Four kinds of method: getters; `onSegment`, `onTimeout`, `onIcmpError` (the world
 * comes in); the user calls of {@link Endpoint}; `pollTransmit`, `nextTimeout` (what goes out). No clock is read:
 * the world's calls bring `now`, and user calls act by the time of the last of them.
 */
import { type Failure, StackError } from "../base/errors.ts";
import { type Instant, instantOf, NEVER } from "../base/time.ts";
import { seqAdd, seqGeq, seqGt, seqLeq, seqLt } from "../wire/seq.ts";
import type { SeqNum } from "../wire/seq.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import { EVENT_SOFT_ERROR, type Endpoint } from "./endpoint.ts";
import type { TcpInfo } from "./info.ts";
import { segmentArrives } from "./input/segment-arrives.ts";
import { synReceived } from "./input/syn-sent.ts";
import type { Verdict } from "./input/verdict.ts";
import { stopTiming } from "./loss.ts";
import { updateMss } from "./options.ts";
import type { Outgoing } from "./output/outgoing.ts";
import { tuneReceiveBuffer, updateIsDue } from "./output/receive-window.ts";
import { pollTransmit } from "./output/transmit.ts";
import { snapshot } from "./snapshot.ts";
import { isSynchronized } from "./state.ts";
import { ACK_NOW, Tcb } from "./tcb.ts";
import { timeouts } from "./timeouts.ts";
import { TIMER_KEEPALIVE } from "./timers.ts";
import { fail, setState } from "./transitions.ts";
import * as user from "./user-calls.ts";

/** Deviation: below this no path MTU is believed, as by Linux's net.ipv4.route.min_pmtu; RFC 1191 asks for 68. */
const MIN_PMTU = 552;

export class TcpConnection extends Tcb implements Endpoint {
  // a node of the timer wheel
  wheelDeadline: Instant = NEVER;
  wheelNext: TcpConnection | null = null;
  wheelPrev: TcpConnection | null = null;
  wheelSlot = -1;
  /** The next of the connections that the stack has marked. */
  nextMarked: TcpConnection | null = null;
  /** The time of the last call from the world: what user calls go by. */
  private clock: Instant = instantOf(0);

  // --- the world comes in -------------------------------------------------------------------------

  onSegment(s: TcpSegment, now: Instant): Verdict {
    this.clock = now;
    if (this.env.trace !== null) this.env.trace.segmentReceived(this, s, now);
    return segmentArrives(this, s, now);
  }

  /**
   * What a listener remembers of a SYN (`syn` holds its options again) becomes a connection in SYN-RECEIVED, the SYN-ACK
   * sent (RFC 9293 §3.10.7.2).
   */
  onPassiveOpen(syn: TcpSegment, now: Instant): void {
    this.clock = now;
    this.segsIn++;
    this.segsOut++;
    synReceived(this, syn, now);
    this.snd.nxt = seqAdd(this.snd.iss, 1);
    this.state = "LISTEN"; // the listener's state is where it comes from
    setState(this, "SYN-RECEIVED", "SYN received", now);
  }

  /** The SYN-ACK left at `sentAt`, and `retries` times more; the ACK to it may be timed if `once` (Karn's rule). */
  onSynAckHistory(sentAt: Instant, retries: number, once: boolean): void {
    this.retries = retries;
    this.retransmits = retries;
    this.segsOut += retries;
    this.timing = once;
    this.timedSeq = this.snd.nxt;
    this.timedAt = sentAt;
  }

  onTimeout(now: Instant): void {
    this.clock = now;
    timeouts(this, now);
  }

  /** RFC 5927 §4.1: an error counts only if it quotes a segment that is under way. */
  onIcmpError(hard: boolean, error: Failure, quoted: SeqNum, now: Instant): boolean {
    this.clock = now;
    if (seqLt(quoted, this.snd.una) || seqGeq(quoted, this.snd.nxt)) return false;
    if (hard && !isSynchronized(this.state)) {
      fail(this, error.code, error.message, now);
    } else {
      // RFC 5927 §5.2: on a synchronized connection even a hard error is only noted
      this.softError = error;
      this.events |= EVENT_SOFT_ERROR;
    }
    return true;
  }

  /** Fragmentation needed (RFC 1191, RFC 5927 §7): lowers the path MTU and sends again what was too big. */
  onPathMtu(mtu: number, quoted: SeqNum, now: Instant): boolean {
    this.clock = now;
    if (seqLt(quoted, this.snd.una) || seqGeq(quoted, this.snd.nxt)) return false;
    const next = Math.max(mtu, MIN_PMTU);
    if (next >= this.pmtu || mtu < 68) return false;
    this.pmtu = next;
    updateMss(this);
    if (isSynchronized(this.state) && seqGt(this.snd.nxt, this.snd.una)) {
      // sent again at once, and the congestion window is not lowered for it (RFC 1191 §6.4)
      this.recovery = "loss";
      this.recoveryPoint = this.snd.nxt;
      this.lostEdge = this.snd.nxt;
      this.highRxt = this.snd.una;
      stopTiming(this);
      this.forceRetransmit = 1;
    }
    return true;
  }

  // --- what goes out ------------------------------------------------------------------------------

  /** Fills `out` with the next segment to send, at most `max` bytes of payload; false: nothing now. */
  pollTransmit(out: Outgoing, max: number, now: Instant): boolean {
    this.clock = now;
    if (this.keepAliveChanged) user.applyKeepAlive(this, now, TIMER_KEEPALIVE);
    return pollTransmit(this, out, max, now);
  }

  nextTimeout(): Instant {
    return this.timers.earliest();
  }

  // --- the user -----------------------------------------------------------------------------------

  open(now: Instant): void {
    this.clock = now;
    user.open(this, now);
  }

  get sendSpace(): number {
    if (this.snd.finQueued) return 0;
    const space = this.snd.limit - this.sendBuffer.length;
    if (space <= 0) this.snd.wantRoom = true;
    return Math.max(0, space);
  }

  get sendQueued(): number {
    return this.sendBuffer.length;
  }

  send(chunk: Uint8Array): void {
    user.checkMaySend(this);
    this.sendBuffer.push(chunk);
    this.env.mark(this);
  }

  sendCopy(chunk: Uint8Array): void {
    user.checkMaySend(this);
    this.sendBuffer.pushCopy(chunk);
    this.env.mark(this);
  }

  get receiveQueued(): number {
    return this.receiveQueue.length;
  }

  receive(): Uint8Array | null {
    const chunk = this.receiveQueue.shift();
    if (chunk === null || this.dead || this.rcv.ended) return chunk;
    tuneReceiveBuffer(this, chunk.length, this.clock);
    if (updateIsDue(this)) {
      this.ack = ACK_NOW;
      this.env.mark(this);
    }
    return chunk;
  }

  get atEnd(): boolean {
    return this.rcv.ended && this.receiveQueue.length === 0;
  }

  /** Urgent bytes not yet read: how far the mark is from what was delivered (MUST-33). */
  get urgentAhead(): number {
    if (!this.rcv.urgentPending) return 0;
    const read = (this.rcv.nxt - this.receiveQueue.length) as SeqNum;
    return seqLeq(this.rcv.urgent, read) ? 0 : (this.rcv.urgent - read) | 0;
  }

  shutdown(): void {
    user.shutdown(this);
  }

  close(): void {
    user.close(this, this.clock);
  }

  abort(): void {
    user.abort(this, this.clock);
  }

  /** The stack ends: as `abort`, and no peer is left waiting. */
  abandon(): void {
    user.abandon(this, this.clock);
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
    if (on) this.env.mark(this);
  }

  setKeepAlive(on: boolean, idle?: number, interval?: number, probes?: number): void {
    user.setKeepAlive(this, on, idle, interval, probes);
  }

  setUserTimeout(ms: number): void {
    if (!(ms >= 0)) throw new StackError("EINVAL", "the user timeout is a time in ms, 0 for none");
    this.userTimeout = ms;
  }

  info(): TcpInfo {
    return snapshot(this, this.clock);
  }
}
