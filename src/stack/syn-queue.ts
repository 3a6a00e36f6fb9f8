/**
 * From a SYN at a listener to a connection (RFC 9293 §3.10.7.2, and SYN-RECEIVED of §3.10.7.4): half-open entries that are
 * few bytes each, and SYN cookies where there are too many of them. Only the ACK of the SYN-ACK makes a connection, so that one
 * in SYN-RECEIVED elsewhere comes from an active open (MUST-11).
 */
import { after, elapsed, type Instant } from "../base/time.ts";
import type { PacketRemark } from "../base/device.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seq, seqAdd, seqLeq } from "../wire/seq.ts";
import { ACK, createTcpSegment, RST, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { isAcceptable } from "../tcp/input/acceptability.ts";
import type { IsnGenerator } from "../tcp/isn.ts";
import { beginMemory } from "../tcp/memory.ts";
import type { TcpEnvironment } from "../tcp/tcb.ts";
import { beginTuned } from "../tcp/tuning.ts";
import { setState } from "../tcp/transitions.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { Counters } from "./counters.ts";
import { FastOpens, GIVE_COOKIE, GOOD_COOKIE, NO_FAST_OPEN, OLD_COOKIE } from "./fast-opens.ts";
import type { FastOpenKeys } from "./fast-open-keys.ts";
import { HeldSyns, type HeldSynsParts, HOLD_LIMIT } from "./held-syns.ts";
import {
  agreedTo,
  HALF_OPEN_COST,
  HalfOpen,
  hasTimestamps,
  withCookie,
  writeAgreed,
} from "./half-open.ts";
import type { ListenerImpl } from "./listener.ts";
import type { PacketOutput } from "./packet-output.ts";
import { SynAnswers } from "./syn-answers.ts";
import { COOKIE_LIFETIME, optionsFromTimestamp, type SynCookies } from "./syn-cookies.ts";
import type { TimeWait } from "./time-wait.ts";
import type { TableEntry, TimeWaits } from "./time-waits.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** RFC 6298 §2.1, ms: before the first sample. */
const INITIAL_RTO = 1000;
/** ms between answers to what is not the awaited ACK, for one entry: Linux's tcp_invalid_ratelimit. */
const ANSWER_INTERVAL = 500;

/** A connection with this ISS, in no table yet. */
export type BuildConnection = (
  local: Ipv4Address,
  localPort: number,
  remote: Ipv4Address,
  remotePort: number,
  iss: SeqNum,
  now: Instant,
) => TcpConnection;

export interface SynQueueParts extends HeldSynsParts {
  readonly env: TcpEnvironment;
  readonly counters: Counters;
  readonly table: ConnectionTable<TableEntry>;
  readonly wheel: TimerWheel;
  readonly output: PacketOutput;
  readonly isn: IsnGenerator;
  readonly cookies: SynCookies;
  readonly fastOpenKeys: FastOpenKeys;
  readonly build: BuildConnection;
  readonly timeWaits: TimeWaits;
  /** The ACK that made `c` whole is its first segment. */
  deliver(c: TcpConnection, s: TcpSegment, now: Instant): PacketRemark;
}

export class SynQueue {
  /** Those that wait for a word of their listener's owner. */
  readonly held: HeldSyns;
  private readonly p: SynQueueParts;
  private readonly answers: SynAnswers;
  private readonly fastOpens: FastOpens;
  /** A SYN written again from what was remembered of it. */
  private readonly syn: TcpSegment = createTcpSegment();
  /** Seconds of a user timeout that a SYN asked for (RFC 5482): few do. */
  private readonly userTimeouts: Map<HalfOpen, number> = new Map();
  /** Their ACK came, and waits for data (TCP_DEFER_ACCEPT): few. */
  private readonly deferred: Set<HalfOpen> = new Set();
  /** With a trace: what it sees of each entry, and the connection that comes of it. */
  private readonly traced: Map<HalfOpen, TcpConnection> = new Map();

  constructor(parts: SynQueueParts) {
    this.p = parts;
    const { env } = parts;
    const { paths, settings } = env;
    const onSent = (h: HalfOpen, s: TcpSegment, remark: string | null, now: Instant): void => {
      if (env.trace !== null) env.trace.segmentSent(this.view(h, now), s, remark, now);
    };
    const { fastOpenKeys: keys } = parts;
    this.answers = new SynAnswers(settings, parts.isn, parts.output, paths, keys, onSent);
    this.fastOpens = new FastOpens(settings, parts.counters, keys);
    this.held = new HeldSyns(parts, {
      answer: (h, now) => {
        this.answers.synAck(h, null, now);
        this.schedule(h, now);
      },
      forget: (h, why, now) => this.forget(h, why, now),
    });
  }

  // --- a segment meets a listener -------------------------------------------------------------------

  /**
   * LISTEN (RFC 9293 §3.10.7.2). `old`: the connection in TIME-WAIT that a SYN takes over. Deviation: text and FIN on the
   * SYN are not kept for SYN-RECEIVED; they are not acknowledged, so they come again.
   */
  onListen(
    listener: ListenerImpl,
    s: TcpSegment,
    old: TimeWait | null,
    now: Instant,
  ): PacketRemark {
    const { counters } = this.p;
    if ((s.flags & RST) !== 0) return counters.drop("TcpInRsts", "reset in LISTEN");
    if ((s.flags & ACK) !== 0) return this.onCookieAck(listener, s, now);
    if ((s.flags & SYN) === 0) return counters.drop("TcpInErrs", "no SYN in LISTEN");
    if (listener.isFull) return this.overflow();
    if (s.windowScaleOver) counters.add("TcpExtTCPWindowScaleOver14"); // the log that RFC 7323 §2.3 asks for
    if (listener.synOwner !== null) return this.hold(listener, s, old, now);
    if (old !== null || !this.isCrowded(listener)) {
      const cookie = old === null ? this.fastOpens.judge(listener, s, now) : NO_FAST_OPEN;
      if (cookie === GOOD_COOKIE || cookie === OLD_COOKIE)
        return this.openWithData(listener, s, cookie === OLD_COOKIE, now);
      return this.enter(listener, s, old, cookie === GIVE_COOKIE, now);
    }
    if (this.p.env.settings.tcp_syncookies === 0) {
      counters.add("TcpExtListenDrops");
      return counters.drop("TcpExtTCPReqQFullDrop", "SYN queue full");
    }
    counters.add("TcpExtTCPReqQFullDoCookies");
    return this.sendCookie(listener, s, now);
  }

  /** As Linux counts: each overflow is a drop by a listener too. */
  private overflow(): PacketRemark {
    this.p.counters.add("TcpExtListenDrops");
    return this.p.counters.drop("TcpExtListenOverflows", "accept queue full");
  }

  /** RFC 4987 §3.5: each listener's queue is bounded by itself; and without memory nothing new is remembered. */
  private isCrowded(listener: ListenerImpl): boolean {
    const { tcp_syncookies, tcp_max_syn_backlog } = this.p.env.settings;
    return (
      tcp_syncookies === 2 || listener.halfOpen >= tcp_max_syn_backlog || this.p.env.memory.full
    );
  }

  /** No cookie when the queue is full, as it would be a SYN-ACK; and no Fast Open, as its data would be acknowledged. */
  private hold(
    listener: ListenerImpl,
    s: TcpSegment,
    old: TimeWait | null,
    now: Instant,
  ): PacketRemark {
    const { env, counters } = this.p;
    if (listener.halfOpen >= env.settings.tcp_max_syn_backlog || env.memory.full) {
      counters.add("TcpExtListenDrops");
      return counters.drop("TcpExtTCPReqQFullDrop", "SYN queue full");
    }
    counters.add("TcpExtTCPSynsHeld");
    return this.enter(listener, s, old, false, now);
  }

  private enter(
    listener: ListenerImpl,
    s: TcpSegment,
    old: TimeWait | null,
    cookie: boolean,
    now: Instant,
  ): PacketRemark {
    const { isn, table } = this.p;
    const { settings } = this.p.env;
    const { destination: local, destinationPort, source: remote, sourcePort } = s;
    let iss = isn.generate(local, destinationPort, remote, sourcePort, now);
    if (old !== null) iss = this.p.timeWaits.issAbove(old, iss);
    const agreed = agreedTo(s, settings);
    const h = new HalfOpen(
      listener,
      local,
      remote,
      (destinationPort << 16) | sourcePort,
      iss,
      s.seq,
      cookie ? withCookie(agreed) : agreed,
      s.tsVal,
      (Math.floor(now) - ANSWER_INTERVAL) | 0,
    );
    if (old !== null) this.p.timeWaits.setAside(old, h);
    table.insert(local, destinationPort, remote, sourcePort, h);
    listener.halfOpen++;
    this.p.env.memory.charge(HALF_OPEN_COST);
    if (s.userTimeout > 0) this.userTimeouts.set(h, s.userTimeout);
    if (this.p.env.trace !== null) this.p.env.trace.segmentReceived(this.view(h, now), s, now);
    if (listener.synOwner !== null) {
      this.held.add(h, listener.synOwner);
      this.p.wheel.schedule(h, after(now, HOLD_LIMIT));
      return null;
    }
    this.answers.synAck(h, null, now);
    this.schedule(h, now);
    return null;
  }

  /** RFC 7413 §4.2.2: a connection at once, in SYN-RECEIVED, which the user may have before the handshake ends. */
  private openWithData(
    listener: ListenerImpl,
    s: TcpSegment,
    renew: boolean,
    now: Instant,
  ): PacketRemark {
    const { destination: local, destinationPort, source: remote, sourcePort } = s;
    const iss = this.p.isn.generate(local, destinationPort, remote, sourcePort, now);
    const c = this.p.build(local, destinationPort, remote, sourcePort, iss, now);
    beginTuned(c, listener.tuning);
    c.fastOpen = this.fastOpens.enter(listener, s, renew, now);
    c.state = "LISTEN"; // the listener's state is where it comes from
    this.adopt(c, listener);
    return this.p.deliver(c, s, now);
  }

  // --- a segment meets a half-open entry ------------------------------------------------------------

  /** SYN-RECEIVED (RFC 9293 §3.10.7.4) until the ACK is there: the same checks in the same order. */
  onSegment(h: HalfOpen, s: TcpSegment, now: Instant): PacketRemark {
    const { trace } = this.p.env;
    if (trace === null) return this.judge(h, s, now);
    trace.segmentReceived(this.view(h, now), s, now);
    s.told = true; // the connection that it may make is given it again
    const remark = this.judge(h, s, now);
    s.told = false;
    return remark;
  }

  private judge(h: HalfOpen, s: TcpSegment, now: Instant): PacketRemark {
    if (this.held.size > 0 && this.held.isUndecided(h)) return this.held.onSegment(h, s, now);
    const isReset = (s.flags & RST) !== 0;
    if (hasTimestamps(h.agreed) && !isReset) {
      const old = this.checkTimestamp(h, s, now);
      if (old !== null) return old;
    }
    if ((s.flags & (SYN | ACK | RST)) === SYN && s.seq === h.irs) return this.onSynAgain(h, now);
    const next = seqAdd(h.irs, 1);
    if (!isAcceptable(s, next, this.answers.window(h.listener.tuning))) {
      this.p.counters.add("TcpExtTCPOutOfWindow");
      if (isReset) return this.drop("reset outside the window");
      return this.answer(h, "outside the window", now);
    }
    if (isReset) return this.onReset(h, s.seq === next, now);
    // RFC 7323 §4.3: only a segment at or below Last.ACK.sent carries the timestamp to echo
    if (s.hasTimestamps && seqLeq(s.seq, next)) h.tsRecent = s.tsVal;
    return this.onAcceptable(h, s, now);
  }

  /** PAWS (RFC 7323 §5.3), and no segment without the option once it is agreed to (§3.2). */
  private checkTimestamp(h: HalfOpen, s: TcpSegment, now: Instant): PacketRemark {
    if (!s.hasTimestamps) return (s.flags & SYN) !== 0 ? null : this.drop("no timestamp");
    if (((s.tsVal - h.tsRecent) | 0) >= 0) return null;
    this.p.counters.add("TcpExtPAWSEstab");
    return this.answer(h, "PAWS", now);
  }

  private onAcceptable(h: HalfOpen, s: TcpSegment, now: Instant): PacketRemark {
    if ((s.flags & SYN) !== 0) {
      this.forget(h, "SYN in the window", now); // RFC 9293 §3.10.7.4: back to LISTEN
      return this.drop("SYN in SYN-RECEIVED");
    }
    if ((s.flags & ACK) === 0) return this.drop("no ACK");
    if (s.ack !== seqAdd(h.iss, 1)) {
      this.p.output.reset(s);
      return "refused: RST sent";
    }
    return this.onAck(h, s, now);
  }

  /** Deviation: our SYN-ACK was lost, or crossed the peer's timer: it goes out again, where RFC 9293 §3.10.7.4 says ACK. */
  private onSynAgain(h: HalfOpen, now: Instant): PacketRemark {
    if (this.mayAnswer(h, now)) this.answers.synAck(h, "SYN-ACK again", now);
    return this.drop("SYN repeated");
  }

  /** RFC 5961 §3.2: only the exact number resets. */
  private onReset(h: HalfOpen, exact: boolean, now: Instant): PacketRemark {
    if (!exact) {
      this.p.counters.add("TcpExtTCPChallengeACK");
      return this.answer(h, "reset not at RCV.NXT", now);
    }
    this.p.counters.add("TcpExtEmbryonicRsts");
    this.forget(h, "RST received", now);
    return null;
  }

  private onAck(h: HalfOpen, s: TcpSegment, now: Instant): PacketRemark {
    const { settings } = this.p.env;
    if (this.isDeferred(h, s)) return this.drop("waits for data");
    if (h.listener.isFull) {
      // as Linux: the client's ACK is dropped and comes again with data, or the SYN-ACK does
      if (settings.tcp_abort_on_overflow !== 0) {
        this.forget(h, "accept queue full", now);
        this.p.output.reset(s);
      }
      return this.overflow();
    }
    return this.p.deliver(this.makeWhole(h, now), s, now);
  }

  /** TCP_DEFER_ACCEPT: an ACK without data makes no connection while the peer may still send some. */
  private isDeferred(h: HalfOpen, s: TcpSegment): boolean {
    const rounds = h.listener.tuning?.deferAccept ?? 0;
    if (rounds === 0 || h.retries >= rounds || s.payloadLength > 0) return false;
    this.deferred.add(h);
    return true;
  }

  /** The entry becomes a connection in SYN-RECEIVED, in its place in the table. */
  makeWhole(h: HalfOpen, now: Instant): TcpConnection {
    const c = this.view(h, now);
    c.tsRecent = h.tsRecent;
    const sentAt = after(h.wheelDeadline, -this.timeout(h));
    // the last answer lies half a second before the SYN where there was none
    const answered = ((h.answeredAt - Math.floor(sentAt)) | 0) >= 0;
    c.onSynAckHistory(sentAt, h.retries, h.retries === 0 && !answered);
    this.remove(h);
    this.p.timeWaits.onSuccess(h, now);
    if (this.held.size > 0 && this.held.becomes(h, c)) this.enroll(c);
    else this.adopt(c, h.listener);
    return c;
  }

  private adopt(c: TcpConnection, listener: ListenerImpl): void {
    c.listener = listener;
    this.enroll(c);
  }

  private enroll(c: TcpConnection): void {
    beginMemory(c);
    this.p.table.insert(c.localAddress, c.localPort, c.remoteAddress, c.remotePort, c);
    this.p.counters.add("TcpPassiveOpens");
  }

  /** The entry as a connection; without a trace, one that nobody else knows of. */
  view(h: HalfOpen, now: Instant): TcpConnection {
    const traced = this.traced.get(h);
    if (traced !== undefined) return traced;
    const c = this.p.build(h.local, h.localPort, h.remote, h.remotePort, h.iss, now);
    if (this.p.env.trace !== null) this.traced.set(h, c);
    beginTuned(c, h.listener.tuning);
    this.syn.seq = h.irs;
    this.syn.tsVal = h.tsRecent;
    writeAgreed(h.agreed, this.syn);
    this.syn.userTimeout = this.userTimeouts.get(h) ?? 0;
    c.onPassiveOpen(this.syn, now);
    return c;
  }

  // --- time, and the end ----------------------------------------------------------------------------

  /** The SYN-ACK goes unanswered (RFC 6298 §5.4-5.6; as often as `tcp_synack_retries` says). */
  onTimeout(h: HalfOpen, now: Instant): void {
    if (this.held.size > 0 && this.held.isUndecided(h)) return this.held.onTimeout(h, now);
    const rounds = h.listener.tuning?.deferAccept ?? 0;
    const most = Math.max(
      this.p.env.settings.tcp_synack_retries,
      this.deferred.has(h) ? rounds : 0,
    );
    if (h.retries >= most) {
      this.p.counters.add("TcpExtTCPTimeouts");
      this.forget(h, "SYN-ACK never acknowledged", now);
      return;
    }
    h.countRetry();
    // who has acknowledged it need not hear it again before the last round (as in Linux)
    if (this.deferred.has(h) && h.retries < rounds) return this.schedule(h, now);
    this.p.counters.add("TcpRetransSegs");
    this.p.counters.add("TcpExtTCPSynRetrans");
    this.answers.synAck(h, "retransmission: SYN-ACK", now);
    this.schedule(h, now);
  }

  private schedule(h: HalfOpen, now: Instant): void {
    this.p.wheel.schedule(h, after(now, this.timeout(h)));
  }

  private timeout(h: HalfOpen): number {
    return Math.min(INITIAL_RTO * 2 ** h.retries, this.p.env.settings.tcp_rto_max_ms);
  }

  /** CLOSED without a word; RFC 4022 counts it, whatever the reason. */
  forget(h: HalfOpen, why: string, now: Instant): void {
    this.p.counters.add("TcpAttemptFails");
    const view = this.traced.get(h);
    this.remove(h);
    this.p.table.delete(h.local, h.localPort, h.remote, h.remotePort);
    this.p.timeWaits.bringBack(h);
    this.held.end(h, why);
    if (view !== undefined) setState(view, "CLOSED", why, now);
  }

  private remove(h: HalfOpen): void {
    this.p.wheel.cancel(h);
    h.listener.halfOpen--;
    this.p.env.memory.charge(-HALF_OPEN_COST);
    this.traced.delete(h);
    this.deferred.delete(h);
    this.userTimeouts.delete(h);
  }

  // --- SYN cookies ----------------------------------------------------------------------------------

  private sendCookie(listener: ListenerImpl, s: TcpSegment, now: Instant): PacketRemark {
    this.answers.cookie(s, this.p.cookies.make(s, now), listener.tuning, now);
    listener.cookieSentAt = now;
    this.p.counters.add("TcpExtSyncookiesSent");
    return null;
  }

  /** An ACK of nothing we remember: of a SYN cookie, or refused (RFC 9293 §3.10.7.2). */
  private onCookieAck(listener: ListenerImpl, s: TcpSegment, now: Instant): PacketRemark {
    const { cookies, counters, output } = this.p;
    const { settings } = this.p.env;
    const lately = elapsed(listener.cookieSentAt, now) <= COOKIE_LIFETIME;
    if ((s.flags & SYN) !== 0 || settings.tcp_syncookies === 0 || !lately) {
      output.reset(s);
      return "refused: RST sent";
    }
    const mss = cookies.check(s, now);
    if (mss === 0) {
      counters.add("TcpExtSyncookiesFailed");
      output.reset(s);
      return "refused: RST sent";
    }
    counters.add("TcpExtSyncookiesRecv");
    if (listener.isFull) {
      if (settings.tcp_abort_on_overflow !== 0) output.reset(s);
      return this.overflow();
    }
    const c = this.fromCookie(listener, s, mss, now);
    this.adopt(c, listener);
    return this.p.deliver(c, s, now);
  }

  private fromCookie(
    listener: ListenerImpl,
    s: TcpSegment,
    mss: number,
    now: Instant,
  ): TcpConnection {
    const iss = seq(s.ack - 1);
    const c = this.p.build(s.destination, s.destinationPort, s.source, s.sourcePort, iss, now);
    beginTuned(c, listener.tuning);
    const { syn } = this;
    syn.seq = seq(s.seq - 1);
    syn.flags = SYN;
    syn.mss = mss;
    syn.windowScale = -1;
    syn.userTimeout = 0;
    syn.sackPermitted = false;
    syn.hasTimestamps = s.hasTimestamps;
    syn.tsVal = s.tsVal;
    if (s.hasTimestamps) optionsFromTimestamp((s.tsEcr - c.tsOffset) | 0, syn);
    c.onPassiveOpen(syn, now);
    return c;
  }

  // --- answers to what is not the ACK ---------------------------------------------------------------

  /** An ACK that tells where the window is; the segment is dropped. */
  private answer(h: HalfOpen, why: string, now: Instant): PacketRemark {
    if (this.mayAnswer(h, now)) this.answers.ack(h, now);
    return this.drop(why);
  }

  private mayAnswer(h: HalfOpen, now: Instant): boolean {
    const ms = Math.floor(now) | 0;
    if (((ms - h.answeredAt) | 0) < ANSWER_INTERVAL) {
      this.p.counters.add("TcpExtTCPACKSkippedSynRecv");
      return false;
    }
    h.answeredAt = ms;
    return true;
  }

  private drop(why: string): PacketRemark {
    return this.p.counters.drop(`dropped: ${why}`, why);
  }
}
