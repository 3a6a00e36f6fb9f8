/**
 * A connection in TIME-WAIT as its stack remembers it once its last ACK has left and its user was told: the numbers by which
 * an old segment is known and answered, and what {@link TcpInfo} counts. Queues, congestion control and owner are gone.
 */
import { type Instant, instantOf, NEVER } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seqAdd, seqDiff } from "../wire/seq.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { EcnState } from "../tcp/ecn.ts";
import { TIMER_TIME_WAIT } from "../tcp/timers.ts";
import type { WheelEntry } from "./timer-wheel.ts";

// What both ends agreed on, and the type of service, in one small integer.
const TIMESTAMPS = 1;
const SACK = 2;
const SCALING = 4;
const ECN = 8;
const ECN_SEEN = 16;
const ECN_ECHOES = 32;
const SEND_SCALE_SHIFT = 6;
const RECEIVE_SCALE_SHIFT = 10;
const SCALE_MASK = 15;
const TOS_SHIFT = 14;

/** Times are kept in whole ms modulo 2^32, all of the last days: a field that holds more than an int32 costs a heap number. */
function word(at: Instant): number {
  return Math.floor(at) | 0;
}

function ageOf(at: number, now: Instant): number {
  return (word(now) - at) | 0;
}

export class TimeWait implements WheelEntry {
  readonly local: Ipv4Address;
  readonly remote: Ipv4Address;
  /** The local port above the remote one. */
  readonly ports: number;
  readonly iss: SeqNum;
  readonly irs: SeqNum;
  readonly sndNxt: SeqNum;
  readonly rcvNxt: SeqNum;
  readonly agreed: number;
  readonly mss: number;
  readonly receiveBuffer: number;
  /** With a trace: the connection itself, as watchers know it. */
  readonly watched: TcpConnection | null;
  /** The next younger and older one. */
  younger: TimeWait | null = null;
  older: TimeWait | null = null;
  /** Bytes offered beyond RCV.NXT. */
  private rcvWnd = 0;
  private readonly sndWnd: number;
  private readonly maxWnd: number;
  private tsRecent = 0;
  private tsRecentAt = 0;
  private challenges = 0;
  private challengeEpoch = 0;
  private lastHeard = 0;
  private readonly lastSent: number;
  private segsIn = 0;
  private segsOut = 0;
  private readonly bytesReceived: number;
  private readonly bytesAcked: number;
  private readonly bytesSent: number;
  private readonly retransmits: number;
  private readonly retransmittedBytes: number;
  /** The end of 2 MSL. */
  wheelDeadline: Instant = NEVER;
  wheelNext: WheelEntry | null = null;
  wheelPrev: WheelEntry | null = null;
  wheelSlot = -1;

  constructor(c: TcpConnection) {
    this.local = c.localAddress;
    this.remote = c.remoteAddress;
    this.ports = (c.localPort << 16) | c.remotePort;
    this.iss = c.snd.iss;
    this.irs = c.rcv.irs;
    this.sndNxt = c.snd.nxt;
    this.rcvNxt = c.rcv.nxt;
    this.agreed =
      (c.timestamps ? TIMESTAMPS : 0) |
      (c.sack ? SACK : 0) |
      (c.windowScaling ? SCALING : 0) |
      (c.ecn?.agreed === true ? ECN : 0) |
      (c.ecn?.seen === true ? ECN_SEEN : 0) |
      (c.ecn?.echoes === true ? ECN_ECHOES : 0) |
      (c.snd.scale << SEND_SCALE_SHIFT) |
      (c.rcv.scale << RECEIVE_SCALE_SHIFT) |
      (c.typeOfService << TOS_SHIFT);
    this.mss = c.snd.mss;
    this.receiveBuffer = c.rcv.buffer;
    this.watched = c.env.trace === null ? null : c;
    this.sndWnd = c.snd.wnd;
    this.maxWnd = c.snd.maxWnd;
    this.lastSent = word(c.snd.lastSent);
    this.bytesReceived = c.bytesReceived;
    this.bytesAcked = c.bytesAcked;
    this.bytesSent = c.bytesSent;
    this.retransmits = c.retransmits;
    this.retransmittedBytes = c.retransmittedBytes;
    this.note(c);
  }

  get localPort(): number {
    return this.ports >>> 16;
  }

  get remotePort(): number {
    return this.ports & 0xffff;
  }

  /** ms that TS.Recent stands; -1 without timestamps. */
  timestampAge(now: Instant): number {
    return (this.agreed & TIMESTAMPS) === 0 ? -1 : ageOf(this.tsRecentAt, now);
  }

  /** What segments in TIME-WAIT can change. */
  note(c: TcpConnection): void {
    this.rcvWnd = seqDiff(c.rcv.edge, c.rcv.nxt);
    this.tsRecent = c.tsRecent;
    this.tsRecentAt = word(c.tsRecentAt);
    this.challenges = c.challenges;
    this.challengeEpoch = word(c.challengeEpoch);
    this.lastHeard = word(c.rcv.lastHeard);
    this.segsIn = c.segsIn;
    this.segsOut = c.segsOut;
  }

  /** The connection again, in `c`, which is new. */
  restore(c: TcpConnection, now: Instant): void {
    const { agreed, sndNxt, rcvNxt } = this;
    const instant = (at: number): Instant => instantOf(Math.floor(now) - ageOf(at, now));
    c.frozen = true;
    c.state = "TIME-WAIT";
    c.orphan = true;
    c.timestamps = (agreed & TIMESTAMPS) !== 0;
    c.sack = (agreed & SACK) !== 0;
    c.windowScaling = (agreed & SCALING) !== 0;
    c.typeOfService = agreed >> TOS_SHIFT;
    if ((agreed & ECN) !== 0) {
      c.ecn = new EcnState(this.iss);
      c.ecn.agreed = true;
      c.ecn.seen = (agreed & ECN_SEEN) !== 0;
      c.ecn.echoes = (agreed & ECN_ECHOES) !== 0;
    }
    c.tsRecent = this.tsRecent;
    c.tsRecentAt = instant(this.tsRecentAt);
    c.challenges = this.challenges;
    c.challengeEpoch = instant(this.challengeEpoch);
    const { snd, rcv } = c;
    snd.una = sndNxt;
    snd.nxt = sndNxt;
    snd.bufferSeq = seqAdd(sndNxt, -1); // the FIN's number
    snd.finQueued = true;
    snd.finSent = true;
    snd.wnd = this.sndWnd;
    snd.maxWnd = this.maxWnd;
    snd.mss = this.mss;
    snd.scale = (agreed >> SEND_SCALE_SHIFT) & SCALE_MASK;
    snd.lastSent = instant(this.lastSent);
    rcv.irs = this.irs;
    rcv.nxt = rcvNxt;
    rcv.edge = seqAdd(rcvNxt, this.rcvWnd);
    rcv.scale = (agreed >> RECEIVE_SCALE_SHIFT) & SCALE_MASK;
    rcv.buffer = this.receiveBuffer;
    rcv.finSeen = true;
    rcv.finSeq = seqAdd(rcvNxt, -1);
    rcv.ended = true;
    rcv.lastAckSent = rcvNxt;
    rcv.urgent = rcvNxt;
    rcv.lastHeard = instant(this.lastHeard);
    c.segsIn = this.segsIn;
    c.segsOut = this.segsOut;
    c.bytesReceived = this.bytesReceived;
    c.bytesAcked = this.bytesAcked;
    c.bytesSent = this.bytesSent;
    c.retransmits = this.retransmits;
    c.retransmittedBytes = this.retransmittedBytes;
    c.timers.start(TIMER_TIME_WAIT, this.wheelDeadline);
  }
}
