/** A bulk transfer by the stack to a scripted peer that acknowledges as a test says, in round trips. */
import type { Settings } from "../../src/tcp/config.ts";
import type { TcpInfo } from "../../src/tcp/info.ts";
import { FIN, SYN } from "../../src/wire/tcp-segment.ts";
import { seqDiff } from "../../src/wire/seq.ts";
import { ScriptedPeer } from "./scripted-peer.ts";

export const MSS = 1000;
const WINDOW = 65535;

export interface Left {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

export class Flow {
  readonly p: ScriptedPeer;
  /** Relative numbers: acknowledged, and sent, up to here. */
  acked = 1;
  sent = 1;
  /** What left since it was last emptied. */
  left: Left[] = [];
  /** Whether `excess` is measured. */
  watches = false;
  /** The most that was beyond the cumulative ACK, in bytes less the window of congestion, at any time. */
  excess = -Infinity;
  rtt = 50;
  private written = 0;

  constructor(settings: Partial<Settings> = {}, options = `<mss ${MSS},sackOK,wscale 7>`) {
    // a peer that says nothing for a while is no lost tail here
    this.p = new ScriptedPeer({ settings: { tcp_early_retrans: 0, ...settings } }).established(
      options,
      WINDOW,
    );
  }

  get info(): TcpInfo {
    return this.p.endpoint.info();
  }

  get cwnd(): number {
    return this.info.cwnd;
  }

  writes(segments: number): this {
    this.p.writes(segments * MSS, this.written);
    this.written += segments * MSS;
    return this.takes();
  }

  /** Keeps the sender from running out of data. */
  fills(): this {
    while (this.info.notSent < Math.max(100 * MSS, 2 * this.cwnd) && this.p.endpoint.sendSpace > 0)
      this.writes(100);
    return this;
  }

  takes(): this {
    while (this.p.pending > 0) {
      const { segment, at } = this.p.next();
      if (segment.payloadLength === 0 || (segment.flags & (SYN | FIN)) !== 0) continue;
      const from = seqDiff(segment.seq, this.p.ourSeq(0));
      const to = from + segment.payloadLength;
      this.left.push({ from, to, at });
      this.sent = Math.max(this.sent, to);
      if (!this.watches) continue;
      const { recovery, cwnd } = this.info;
      if (recovery !== "open") continue; // which has rules of its own
      this.excess = Math.max(this.excess, this.sent - this.acked - cwnd);
    }
    return this;
  }

  acks(to: number, sack = ""): this {
    this.acked = Math.max(this.acked, to);
    this.p.sends(`. 1:1(0) ack ${to} win ${WINDOW}${sack === "" ? "" : ` <sack ${sack}>`}`);
    return this.takes();
  }

  waits(ms: number): this {
    this.p.waits(ms);
    return this.takes();
  }

  /** A round trip goes by; what was under way is acknowledged, by an ACK for each `per` segments. */
  round(per = 1): this {
    const end = this.sent;
    this.waits(this.rtt);
    while (this.acked < end) this.acks(Math.min(end, this.acked + per * MSS));
    return this;
  }

  /** The segment at SND.UNA is lost, the others of the flight arrive; the repair does, too. */
  loses(): this {
    this.waits(this.rtt);
    const [first, end] = [this.acked, this.sent];
    for (let at = first + 2 * MSS; at <= end; at += MSS)
      this.acks(first, `${first + MSS}:${Math.min(at, end)}`);
    this.waits(this.rtt);
    this.acks(this.sent);
    return this;
  }

  /** Slow start to `segments` or more in the window. */
  opensTo(segments: number): this {
    while (this.cwnd < segments * MSS) this.fills().round();
    return this;
  }
}
