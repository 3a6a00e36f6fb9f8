/**
 * The stack as a sender whose segments are counted from 0, against a peer that acknowledges as a test says. Segment k is
 * 1000 bytes from 1 + 1000 k on; what left is told as `12`, or `3 fast` where a remark says why it left.
 */
import { expect } from "vitest";
import type { TcpConnection } from "../../src/tcp/connection.ts";
import type { Settings } from "../../src/tcp/config.ts";
import type { TcpInfo } from "../../src/tcp/info.ts";
import { seqDiff } from "../../src/wire/seq.ts";
import { FIN } from "../../src/wire/tcp-segment.ts";
import { ScriptedPeer } from "./scripted-peer.ts";

export const MSS = 1000;

export interface SenderOptions {
  readonly settings?: Partial<Settings>;
  /** Of the peer's SYN. */
  readonly options?: string;
  /** ms that the handshake takes: the first sample. */
  readonly rtt?: number;
  readonly window?: number;
  /** ECN is agreed on. */
  readonly ecn?: boolean;
}

const at = (segment: number): number => 1 + segment * MSS;

export class Sender {
  readonly p: ScriptedPeer;
  window: number;
  /** Timestamp option of the next ACKs, after `TS`; empty for none. */
  stamps = "";

  constructor(options: SenderOptions = {}) {
    const { settings = {}, rtt = 100 } = options;
    this.window = options.window ?? 65535;
    this.p = new ScriptedPeer({ settings }).listens();
    const syn = options.options ?? `<mss ${MSS},sackOK>`;
    this.p.sends(`${options.ecn === true ? "SEW" : "S"} 0:0(0) win 65535 ${syn}`);
    const { tsVal, hasTimestamps } = this.p.next().segment;
    this.p.waits(rtt);
    if (hasTimestamps) this.stamps = `TS val 2 ecr ${tsVal >>> 0}`;
    this.says(0);
    expect(this.p.state).toBe("ESTABLISHED");
    this.p.endpoint.setNoDelay(true);
  }

  get tcb(): TcpConnection {
    return this.p.endpoint as TcpConnection;
  }

  get info(): TcpInfo {
    return this.p.endpoint.info();
  }

  count(name: string): number {
    return this.p.stack.counters.get(name);
  }

  writes(segments: number, bytes = MSS): this {
    this.p.writes(segments * bytes);
    return this;
  }

  /** An ACK of all below segment `k`, with blocks such as `2-4`: segments 2 and 3. Fractions of segments are fine. */
  says(k: number, ...blocks: string[]): this {
    const edges = blocks.map((block) => {
      const [from, to] = block.split("-").map(Number) as [number, number];
      return `${at(from)}:${at(to)}`;
    });
    const options: string[] = [];
    if (this.stamps !== "") options.push(this.stamps);
    if (edges.length > 0) options.push(`sack ${edges.join(" ")}`);
    const text = options.length === 0 ? "" : ` <${options.join(",")}>`;
    this.p.sends(`. 1:1(0) ack ${at(k)} win ${this.window}${text}`);
    return this;
  }

  waits(ms: number): this {
    this.p.waits(ms);
    return this;
  }

  /** What left since it was last asked, bare ACKs aside. */
  left(): string[] {
    const all: string[] = [];
    while (this.p.pending > 0) {
      const { segment, remark } = this.p.next();
      if (segment.payloadLength === 0 && (segment.flags & FIN) === 0) continue;
      const from = (seqDiff(segment.seq, this.p.ourSeq(0)) - 1) / MSS;
      const short = segment.payloadLength === MSS ? "" : ` (${segment.payloadLength})`;
      all.push(
        `${from}${short}${remark === null ? "" : ` ${remark.replace("retransmission: ", "")}`}`,
      );
    }
    return all;
  }

  /** The same, as one line. */
  sees(text: string): this {
    expect(this.left().join(", ")).toBe(text);
    return this;
  }
}
