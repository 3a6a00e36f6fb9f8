/**
 * The connections in TIME-WAIT: each becomes a few words in the table and on the wheel ({@link TimeWait}) once nothing is
 * left to be sent or told, and a connection again for the moment that a segment of it takes. How many there may be
 * (tcp_max_tw_buckets), and what becomes of one whose place a new connection takes (RFC 6191; RFC 9293 §3.6.1, MAY-2).
 */
import type { Instant } from "../base/time.ts";
import { type SeqNum, seqAdd, seqMax } from "../wire/seq.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { ACK_NONE, type TcpEnvironment } from "../tcp/tcb.ts";
import { TIMER_TIME_WAIT } from "../tcp/timers.ts";
import { toClosed } from "../tcp/transitions.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { HalfOpen } from "./half-open.ts";
import type { SourceRoutes } from "./source-routes.ts";
import type { BuildConnection } from "./syn-queue.ts";
import { TimeWait } from "./time-wait.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** ms after which the peer's timestamps have moved on: Linux's second, as its clock of TIME-WAIT counts in seconds. */
const REUSE_AFTER = 1000;

/** What stands in the table of a stack. */
export type TableEntry = TcpConnection | HalfOpen | TimeWait;

export interface TimeWaitParts {
  readonly env: TcpEnvironment;
  readonly table: ConnectionTable<TableEntry>;
  readonly wheel: TimerWheel;
  readonly routes: SourceRoutes;
  readonly build: BuildConnection;
  /** Off the wheel and out of all accounts. */
  leave(c: TcpConnection): void;
}

export class TimeWaits {
  // In the order in which they entered; a set would be 40 bytes for each.
  private oldest: TimeWait | null = null;
  private youngest: TimeWait | null = null;
  private count = 0;
  /** Those whose place a half-open connection has until that one is whole or gone, and how long they would last. */
  private readonly aside = new Map<object, readonly [TimeWait, Instant]>();
  private readonly p: TimeWaitParts;

  constructor(parts: TimeWaitParts) {
    this.p = parts;
  }

  get size(): number {
    return this.count;
  }

  // --- in and out -----------------------------------------------------------------------------------

  /** Freezes a connection in TIME-WAIT which has nothing left to send, to tell or to be read. Whether it did. */
  takes(c: TcpConnection, now: Instant): boolean {
    if (c.state !== "TIME-WAIT" || c.marked || c.receiveQueue.length > 0) return false;
    if (c.events !== 0 && !c.orphan) return false;
    this.freeze(c, now);
    return true;
  }

  /** The oldest ends early when this makes one too many. */
  freeze(c: TcpConnection, now: Instant): TimeWait {
    const e = new TimeWait(c);
    this.p.leave(c);
    c.frozen = true;
    c.ack = ACK_NONE;
    c.duplicateAcks = 0;
    this.stand(e, c.timers.deadline(TIMER_TIME_WAIT));
    if (this.count > this.p.env.settings.tcp_max_tw_buckets) {
      this.p.env.count("TcpExtTCPTimeWaitOverflow");
      this.end(this.oldest!, "tcp_max_tw_buckets reached", now);
    }
    return e;
  }

  private stand(e: TimeWait, until: Instant): void {
    this.p.table.insert(e.local, e.localPort, e.remote, e.remotePort, e);
    this.p.wheel.schedule(e, until);
    this.count++;
    e.older = this.youngest;
    if (this.youngest === null) this.oldest = e;
    else this.youngest.younger = e;
    this.youngest = e;
  }

  /** For one segment, or to look at: the connection that it was. Give it to {@link settle} when something happened to it. */
  thaw(e: TimeWait, now: Instant): TcpConnection {
    if (e.watched !== null) return e.watched;
    const c = this.p.build(e.local, e.localPort, e.remote, e.remotePort, e.iss, now);
    e.restore(c, now);
    c.onLookedAt(now);
    if (!this.p.routes.isEmpty) this.p.routes.apply(c);
    return c;
  }

  settle(e: TimeWait, c: TcpConnection): void {
    if (c.dead) return;
    e.note(c);
    const until = c.timers.deadline(TIMER_TIME_WAIT);
    if (until !== e.wheelDeadline) this.p.wheel.schedule(e, until);
  }

  /** CLOSED; nobody is told but watchers, as the user heard of the end when TIME-WAIT began. */
  end(e: TimeWait, why: string, now: Instant): void {
    this.remove(e);
    this.p.routes.forget(e.local, e.localPort, e.remote, e.remotePort);
    if (e.watched !== null && !e.watched.dead) toClosed(e.watched, why, now, null);
  }

  private remove(e: TimeWait): void {
    const { older, younger } = e;
    if (older === null) this.oldest = younger;
    else older.younger = younger;
    if (younger === null) this.youngest = older;
    else younger.older = older;
    e.older = null;
    e.younger = null;
    this.count--;
    this.p.wheel.cancel(e);
    this.p.table.delete(e.local, e.localPort, e.remote, e.remotePort);
  }

  /** A frozen connection was ended: by its user, by a RST, or here. */
  onEnd(c: TcpConnection, now: Instant): void {
    const e = this.p.table.get(c.localAddress, c.localPort, c.remoteAddress, c.remotePort);
    if (e instanceof TimeWait && e.iss === c.snd.iss && e.irs === c.rcv.irs) this.end(e, "", now);
  }

  // --- a new connection in its place ----------------------------------------------------------------

  /** An open of ours may take the place: tcp_tw_reuse, and timestamps that tell the old segments from the new. */
  mayTakeOver(e: TableEntry, now: Instant): e is TimeWait {
    const { tcp_tw_reuse: reuse, tcp_timestamps: timestamps } = this.p.env.settings;
    if (!(e instanceof TimeWait) || reuse === 0 || timestamps === 0) return false;
    return e.timestampAge(now) >= REUSE_AFTER;
  }

  /** The ISS of what takes the place of `old`: above everything that one used (RFC 9293 §3.6.1, MAY-2). */
  issAbove(old: TimeWait, iss: SeqNum): SeqNum {
    this.p.env.count("TcpExtTWRecycled");
    return seqMax(iss, seqAdd(old.sndNxt, 65537));
  }

  /** Its place in the table is its successor's from now on. */
  setAside(old: TimeWait, successor: object): void {
    this.aside.set(successor, [old, old.wheelDeadline]);
    this.remove(old);
  }

  /** The peer acknowledged our SYN: the connection whose place this one has is over for good. */
  onSuccess(successor: object, now: Instant): void {
    const old = this.aside.get(successor);
    if (old === undefined) return;
    this.aside.delete(successor);
    if (old[0].watched !== null) toClosed(old[0].watched, "reused by a newer SYN", now, null);
  }

  /** The SYN was an old duplicate: who had the place goes on in TIME-WAIT. */
  bringBack(successor: object): void {
    const old = this.aside.get(successor);
    if (old === undefined) return;
    this.aside.delete(successor);
    this.stand(...old);
  }
}
