/**
 * One TCP connection. Four kinds of method: getters; `onSegment`, `onTimeout`, `onIcmpError` (the world
 * comes in); the user calls of {@link Endpoint}; `pollTransmit`, `nextTimeout` (what goes out). No clock is read:
 * the world's calls bring `now`, and user calls act by the time of the last of them.
 */
import type { Failure } from "../base/errors.ts";
import { type Instant, instantOf, NEVER } from "../base/time.ts";
import { seqAdd, seqGeq, seqLt } from "../wire/seq.ts";
import type { SeqNum } from "../wire/seq.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import { chooseCongestionControl } from "./congestion/start.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TcpInfo } from "./info.ts";
import { segmentArrives } from "./input/segment-arrives.ts";
import { synReceived } from "./input/syn-sent.ts";
import type { Verdict } from "./input/verdict.ts";
import { settleMemory } from "./memory.ts";
import type { Outgoing } from "./output/outgoing.ts";
import { writeRoom } from "./output/send-policy.ts";
import { tuneReceiveBuffer, updateIsDue } from "./output/receive-window.ts";
import { pollTransmit } from "./output/transmit.ts";
import { packetTooBig, refreshPathMtu } from "./path-mtu.ts";
import { snapshot } from "./snapshot.ts";
import { noteSoftError } from "./soft-error.ts";
import { isSynchronized } from "./state.ts";
import { ACK_DELAYED, ACK_NOW, Tcb } from "./tcb.ts";
import { timeouts } from "./timeouts.ts";
import { TIMER_KEEPALIVE } from "./timers.ts";
import { fail, setState } from "./transitions.ts";
import { type Tuning, tune } from "./tuning.ts";
import { markQueueUrgent, urgentAhead, urgentTaken } from "./urgent.ts";
import { applyUserTimeout, offerUserTimeout, setUserTimeout } from "./user-timeout.ts";
import * as user from "./user-calls.ts";

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
    const { trace } = this.env;
    if (trace === null) return segmentArrives(this, s, now);
    if (!s.told) trace.segmentReceived(this, s, now);
    const verdict = segmentArrives(this, s, now);
    trace.updated?.(this, now);
    return verdict;
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
    if (!once) this.snd.lastSent = sentAt;
  }

  /** What was kept of the connection in TIME-WAIT was put into this one again. */
  onLookedAt(now: Instant): void {
    this.clock = now;
  }

  onTimeout(now: Instant): void {
    this.clock = now;
    timeouts(this, now);
    if (this.env.trace !== null) this.env.trace.updated?.(this, now);
  }

  /** RFC 5927 §4.1: an error counts only if it quotes a segment that is under way. */
  onIcmpError(hard: boolean, error: Failure, quoted: SeqNum, now: Instant): boolean {
    this.clock = now;
    if (seqLt(quoted, this.snd.una) || seqGeq(quoted, this.snd.nxt)) return false;
    if (hard && !isSynchronized(this.state)) {
      fail(this, error.code, error.message, now);
    } else {
      // RFC 5927 §5.2: on a synchronized connection even a hard error is only noted
      noteSoftError(this, error);
    }
    return true;
  }

  /** Fragmentation needed (RFC 1191): see {@link packetTooBig}. */
  onPathMtu(mtu: number, quotedSize: number, quoted: SeqNum, now: Instant): boolean {
    this.clock = now;
    return packetTooBig(this, mtu, quotedSize, quoted, now);
  }

  // --- what goes out ------------------------------------------------------------------------------

  /** Fills `out` with the next segment to send, at most `max` bytes of payload; false: nothing now. */
  pollTransmit(out: Outgoing, max: number, now: Instant): boolean {
    this.clock = now;
    if (this.pathEpoch !== this.env.paths.epoch || now >= this.pmtuExpires)
      refreshPathMtu(this, now);
    if (this.userTimeoutChanged) applyUserTimeout(this, now);
    if (this.keepAliveChanged) user.applyKeepAlive(this, now, TIMER_KEEPALIVE);
    if (this.orphan) user.applyFinTimeout(this, now);
    const sends = pollTransmit(this, out, max, now);
    out.segment.payloadLength = out.length; // for a trace
    return sends;
  }

  nextTimeout(): Instant {
    return this.timers.earliest();
  }

  // --- the user -----------------------------------------------------------------------------------

  open(now: Instant): void {
    this.clock = now;
    user.open(this, now);
  }

  get holdsSyn(): boolean {
    return this.fastOpen !== null && this.fastOpen.holds;
  }

  get sendSpace(): number {
    if (this.snd.finQueued) return 0;
    const space = writeRoom(this);
    if (space <= 0) this.snd.wantRoom = true;
    return Math.max(0, space);
  }

  get sendQueued(): number {
    return this.sendBuffer.length;
  }

  send(chunk: Uint8Array): void {
    user.checkMaySend(this);
    this.sendBuffer.push(chunk);
    settleMemory(this);
    this.env.mark(this);
  }

  sendCopy(chunk: Uint8Array): void {
    user.checkMaySend(this);
    this.sendBuffer.pushCopy(chunk);
    settleMemory(this);
    this.env.mark(this);
  }

  sendUrgent(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.sendCopy(chunk);
    markQueueUrgent(this);
  }

  get receiveQueued(): number {
    return this.receiveQueue.length;
  }

  receive(max?: number): Uint8Array | null {
    const chunk = this.receiveQueue.shift(max);
    if (this.rcv.urgentPending) urgentTaken(this);
    settleMemory(this);
    if (chunk === null || this.dead) return chunk;
    if (this.rcv.ended) {
      if (this.state === "TIME-WAIT") this.env.mark(this); // with nothing to be read it holds less
      return chunk;
    }
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

  get urgentAhead(): number {
    return urgentAhead(this);
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

  setCork(on: boolean): void {
    if (this.corked && !on) this.env.mark(this);
    this.corked = on;
  }

  setQuickAck(on: boolean): void {
    this.rcv.interactive = !on;
    if (on && this.ack === ACK_DELAYED) {
      this.ack = ACK_NOW;
      this.env.mark(this);
    }
  }

  setKeepAlive(on: boolean, idle?: number, interval?: number, probes?: number): void {
    user.setKeepAlive(this, on, idle, interval, probes);
  }

  setUserTimeout(ms: number): void {
    setUserTimeout(this, ms);
  }

  offerUserTimeout(ms: number): void {
    offerUserTimeout(this, ms);
  }

  setTypeOfService(tos: number): void {
    user.setTypeOfService(this, tos);
  }

  setNotSentLowat(bytes: number): void {
    user.setNotSentLowat(this, bytes);
  }

  tune(tuning: Tuning): void {
    tune(this, tuning);
  }

  setCongestionControl(name: string): void {
    chooseCongestionControl(this, name, this.clock);
    this.env.mark(this); // more may leave than before
  }

  tellSoftErrors(on: boolean): void {
    this.tellsSoftErrors = on;
  }

  info(now: Instant = this.clock): TcpInfo {
    return snapshot(this, now);
  }
}
