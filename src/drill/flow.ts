/** The connection that packets of a script belong to, and how the script's numbers map to the live ones. */
import { type SeqNum, seq } from "../wire/seq.ts";
import { ACK, SYN } from "../wire/tcp-segment.ts";
import type { Ipv4Address } from "../wire/address.ts";

interface Mapped {
  readonly script: number;
  readonly live: number;
}

export class Flow {
  readonly local: Ipv4Address;
  readonly localPort: number;
  readonly remote: Ipv4Address;
  readonly remotePort: number;
  /** The stack's ISN: what the script calls it, and what it is. */
  private ours: Mapped | null = null;
  /** The peer's ISN, which is the script's own number. */
  private theirs: number | null = null;
  /** Timestamps of the stack: by the script's value. */
  private readonly timestamps = new Map<number, number>();
  private baseline: Mapped | null = null;

  constructor(local: Ipv4Address, localPort: number, remote: Ipv4Address, remotePort: number) {
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
  }

  /** A SYN of the peer's goes out: its number counts where there is none yet, or no connection that would know better. */
  peerSyn(scriptSeq: number, isLive: boolean): void {
    if (this.theirs === null || !isLive) this.peerIs(scriptSeq);
  }

  /** The stack has taken a SYN with this number for its connection's. */
  peerIs(scriptSeq: number): void {
    if (this.theirs !== null && this.theirs !== scriptSeq) {
      this.timestamps.clear();
      this.baseline = null;
    }
    this.theirs = scriptSeq;
  }

  /** A SYN or SYN-ACK of the stack is compared: the first of its number says what the script's numbers mean. */
  stackSyn(scriptSeq: number, live: SeqNum): void {
    if (this.ours === null || this.ours.live !== live) this.ours = { script: scriptSeq, live };
  }

  // --- the script's numbers as live ones ------------------------------------------------------------

  /** A sequence number of the stack's direction. */
  ourSeq(script: number, flags: number): SeqNum {
    if (this.ours === null) return seq(script);
    const { live, script: base } = this.ours;
    return seq((flags & SYN) !== 0 ? script - base + live : script + live);
  }

  theirSeq(script: number, flags: number): SeqNum {
    return seq((flags & SYN) !== 0 || this.theirs === null ? script : script + this.theirs);
  }

  /** The acknowledgement field of a packet of the peer's; without ACK it is as written. */
  ackOfPeer(script: number | null, flags: number): SeqNum {
    return (flags & ACK) === 0 ? seq(script ?? 0) : this.ourSeq(script ?? 0, flags);
  }

  ackOfStack(script: number | null, flags: number): SeqNum {
    return (flags & ACK) === 0 ? seq(script ?? 0) : this.theirSeq(script ?? 0, flags);
  }

  // --- live numbers as the script writes them -------------------------------------------------------

  scriptSeq(live: SeqNum, flags: number): number {
    if (this.ours === null) return live >>> 0;
    const { live: base, script } = this.ours;
    return ((flags & SYN) !== 0 ? live - base + script : live - base) >>> 0;
  }

  /** A number of the peer's direction, in a packet without SYN. */
  scriptSeqOfPeer(live: SeqNum): number {
    return (live - (this.theirs ?? 0)) >>> 0;
  }

  scriptAck(live: SeqNum, flags: number): number {
    if ((flags & ACK) === 0) return live >>> 0;
    const base = (flags & SYN) !== 0 ? 0 : (this.theirs ?? 0);
    return (live - base) >>> 0;
  }

  /** An edge of a SACK block of the stack's. */
  scriptEdge(live: number): number {
    return (live - (this.theirs ?? 0)) >>> 0;
  }

  liveEdge(script: number): number {
    return (script + (this.theirs ?? 0)) | 0;
  }

  // --- timestamps -----------------------------------------------------------------------------------

  /** Both have one: the pair is remembered. Gives by how many ticks the live one is off what the script says. */
  seeTimestamp(script: number, live: number): number {
    this.timestamps.set(script >>> 0, live >>> 0);
    this.baseline ??= { script, live };
    return (live - this.baseline.live - (script - this.baseline.script)) | 0;
  }

  /** As the script would write it; without a baseline as it is. */
  scriptTimestamp(live: number): number {
    if (this.baseline === null) return live >>> 0;
    return (live - this.baseline.live + this.baseline.script) >>> 0;
  }

  /** The echo of a packet of the peer's; null when the script names a timestamp that never was. */
  echo(script: number, scaled: boolean): number | null {
    const recorded = this.timestamps.get(script >>> 0);
    if (recorded !== undefined) return recorded;
    if (!scaled || this.baseline === null) return null;
    return (script - this.baseline.script + this.baseline.live) >>> 0;
  }
}
