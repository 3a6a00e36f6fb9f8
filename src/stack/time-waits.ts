/**
 * The connections in TIME-WAIT: how many there may be (tcp_max_tw_buckets), and what becomes of one whose place
 * a new connection takes (RFC 6191; RFC 9293 §3.6.1, MAY-2).
 */
import { elapsed, type Instant } from "../base/time.ts";
import { type SeqNum, seqAdd, seqMax } from "../wire/seq.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { toClosed } from "../tcp/transitions.ts";
import type { Counters } from "./counters.ts";

/** ms after which the peer's timestamps have moved on: Linux's second, as its clock of TIME-WAIT counts in seconds. */
const REUSE_AFTER = 1000;

export class TimeWaits {
  /** In the order in which they entered. */
  private readonly all = new Set<TcpConnection>();
  /** Those whose place a half-open connection has, until that one is whole or gone. */
  private readonly aside = new Map<object, TcpConnection>();
  private readonly most: number;
  private readonly counters: Counters;

  constructor(most: number, counters: Counters) {
    this.most = most;
    this.counters = counters;
  }

  get size(): number {
    return this.all.size;
  }

  /** Counts one in, its last ACK sent; the oldest ends early when that makes one too many. */
  add(c: TcpConnection, now: Instant): void {
    this.all.add(c);
    if (this.all.size <= this.most) return;
    for (const oldest of this.all) {
      this.counters.add("TcpExtTCPTimeWaitOverflow");
      this.all.delete(oldest);
      toClosed(oldest, "tcp_max_tw_buckets reached", now, null);
      return;
    }
  }

  remove(c: TcpConnection): void {
    this.all.delete(c);
  }

  /** The ISS of what takes the place of `old`: above everything that one used (RFC 9293 §3.6.1, MAY-2). */
  issAbove(old: TcpConnection, iss: SeqNum): SeqNum {
    this.counters.add("TcpExtTWRecycled");
    return seqMax(iss, seqAdd(old.snd.nxt, 65537));
  }

  setAside(old: TcpConnection, successor: object): void {
    this.aside.set(successor, old);
  }

  /** The peer acknowledged our SYN: the connection whose place this one has is over for good. */
  end(successor: object, now: Instant): void {
    const old = this.aside.get(successor);
    if (old === undefined) return;
    this.aside.delete(successor);
    toClosed(old, "reused by a newer SYN", now, null);
  }

  /** The SYN was an old duplicate: who goes on in TIME-WAIT. */
  takeBack(successor: object): TcpConnection | null {
    const old = this.aside.get(successor) ?? null;
    this.aside.delete(successor);
    return old;
  }
}

/** An open of ours may take the place: tcp_tw_reuse, and timestamps that tell the old segments from the new. */
export function mayTakeOver(c: TcpConnection, now: Instant): boolean {
  const { tcp_tw_reuse: reuse, tcp_timestamps: timestamps } = c.env.settings;
  if (c.state !== "TIME-WAIT" || c.dead || reuse === 0 || timestamps === 0) return false;
  return c.timestamps && elapsed(c.tsRecentAt, now) >= REUSE_AFTER;
}
