/**
 * What a TCP answered to one step, without what may differ between two that are both right: ISNs, windows, the cut into segments,
 * and the moment of an ACK.
 */
import { get16, get32, minus } from "../../../fuzz/bytes.ts";
import type { Flow } from "../../../fuzz/flow.ts";
import { ACK, FIN, type Peer, RST, SYN } from "../../../fuzz/peer.ts";

export interface Answer {
  /** Before the step, where it can be known. */
  state: string;
  /** Of the packet that was sent; null where none was. */
  facts: PacketFacts | null;
  /** SYNs and SYN-ACKs with their options, in order. */
  syns: string[];
  /** RSTs, by where their numbers came from. */
  resets: string[];
  /** The highest numbers so far, counted from the ISNs: sent (a FIN counts), and acknowledged. */
  sent: number;
  acked: number;
  finSent: boolean;
  /** ACKs of this step that carry no news. */
  repeated: number;
  /** Text and FINs of this step that had left before. */
  again: number;
  /** Most SACK blocks of one ACK. */
  sacks: number;
}

/** What a packet was, as far as its sender knows. */
export interface PacketFacts {
  readonly flags: number;
  readonly length: number;
  /** SEG.SEQ from the peer's ISN. */
  readonly number: number;
  /** SEG.SEQ and its end from the number that was acknowledged last, and the right edge of the window from there. */
  readonly seq: number;
  readonly end: number;
  readonly edge: number;
  /** SEG.ACK from the ISN of the other, from what the peer acknowledged before, and from the end of what came. */
  readonly ackFromIsn: number;
  readonly ackFromUna: number;
  readonly ackFromNext: number;
  /** Timestamps: "none" where they were not agreed on, "missing" where they were. */
  readonly stamps: "none" | "missing" | "there";
  /** Of the TSval, from the highest that was sent before. */
  readonly stampStep: number;
  readonly window: number;
  readonly sack: boolean;
  /** An option's length is none that it can have. */
  readonly malformed: boolean;
}

export class Watcher {
  private readonly flow: Flow;
  private readonly peer: Peer;
  private current: Answer = empty();
  /** Of the packet sent last. */
  private seq = 0;
  private ack = 0;
  private end = 0;
  /** What the peer had acknowledged before this packet, if it knew numbers to. */
  private una = 0;
  private synSeen = false;
  /** The highest TSval so far. */
  private stamp: number | null = null;

  constructor(peer: Peer) {
    this.peer = peer;
    this.flow = peer.flows[0]!;
  }

  /** Before the peer's packet leaves. */
  sends(b: Uint8Array, length: number): void {
    if (length < 40) return;
    const flags = b[33]!;
    const body = length - 20 - (b[32]! >> 4) * 4;
    this.seq = get32(b, 24);
    this.ack = get32(b, 28);
    const extra = ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
    this.end = (this.seq + body + extra) | 0;
    this.current.facts = this.factsOf(b, flags, body);
  }

  private factsOf(b: Uint8Array, flags: number, length: number): PacketFacts {
    const { flow, seq, ack, end } = this;
    // the peer has counted this packet already
    const before = this.synSeen ? this.una : flow.una;
    this.una = flow.una;
    this.synSeen = flow.synSeen;
    const stamp = findOption(b, 8);
    const value = stamp < 0 ? null : get32(b, stamp + 2);
    const stampStep = value === null || this.stamp === null ? 0 : minus(value, this.stamp);
    if (value !== null && (this.stamp === null || stampStep > 0)) this.stamp = value;
    return {
      flags,
      length,
      number: minus(seq, flow.isn),
      seq: minus(seq, flow.acked),
      end: minus(end, flow.acked),
      edge: minus(flow.edge, flow.acked),
      ackFromIsn: minus(ack, flow.theirIsn),
      ackFromUna: minus(ack, before),
      ackFromNext: minus(ack, flow.theirNext),
      stamps: !flow.stamps ? "none" : value === null ? "missing" : "there",
      stampStep,
      window: get16(b, 34),
      sack: findOption(b, 5) >= 0,
      malformed: isMalformed(b),
    };
  }

  hears(packets: readonly Uint8Array[]): void {
    for (const b of packets) {
      const known = this.flow.synSeen ? this.flow.theirIsn : null;
      if (this.peer.sees(b, b.length) === null) continue;
      const flags = b[33]!;
      if ((flags & RST) !== 0) this.reset(b, flags);
      else if ((flags & SYN) !== 0) this.syn(b, flags, known);
      else this.segment(b, flags);
    }
  }

  /** The answer to the step that is over. */
  take(): Answer {
    const taken = this.current;
    this.current = {
      ...empty(),
      sent: taken.sent,
      acked: taken.acked,
      finSent: taken.finSent,
    };
    return taken;
  }

  private reset(b: Uint8Array, flags: number): void {
    const seq = get32(b, 24);
    const from = seq === this.ack ? "SEG.ACK" : seq === 0 ? "0" : this.ofTheirs(seq);
    if ((flags & ACK) === 0) {
      this.current.resets.push(`RST seq ${from}`);
      return;
    }
    const ack = get32(b, 28);
    const to = ack === this.end ? "end of SEG" : this.ofOurs(ack);
    this.current.resets.push(`RST,ACK seq ${from} ack ${to}`);
  }

  private syn(b: Uint8Array, flags: number, known: number | null): void {
    const seq = get32(b, 24);
    const names: string[] = [];
    const end = 20 + (b[32]! >> 4) * 4;
    for (let i = 40; i < end && b[i] !== 0; i += b[i] === 1 ? 1 : Math.max(2, b[i + 1]!)) {
      if (b[i] === 2) names.push(`mss ${get16(b, i + 2)}`);
      if (b[i] === 3) names.push("scale");
      if (b[i] === 4) names.push("sackOK");
      if (b[i] === 8) names.push("stamps");
    }
    const again = known === seq ? " again" : "";
    const ack = (flags & ACK) === 0 ? "" : ` ack ${this.ofOurs(get32(b, 28))}`;
    const length = b.length - end;
    this.current.syns.push(
      `SYN${ack}${again}${length > 0 ? ` text ${length}` : ""} <${names.toSorted().join(",")}>`,
    );
    const acked = (flags & ACK) === 0 ? 0 : minus(get32(b, 28), this.flow.isn);
    if (known === seq) {
      this.current.acked = Math.max(this.current.acked, acked);
      return;
    }
    this.current.sent = 0;
    this.current.acked = acked;
    this.current.finSent = false;
  }

  private segment(b: Uint8Array, flags: number): void {
    const { current, flow } = this;
    const head = 20 + (b[32]! >> 4) * 4;
    const length = b.length - head;
    const fin = (flags & FIN) !== 0;
    const end = minus(get32(b, 24) + length + (fin ? 1 : 0), flow.theirIsn);
    const ack = minus(get32(b, 28), flow.isn);
    const news = ack > current.acked;
    if (length > 0 || fin) {
      if (end > current.sent) current.sent = end;
      else current.again++;
      if (fin) current.finSent = true;
    } else if (!news) {
      current.repeated++;
    }
    if (news) current.acked = ack;
    const sack = findOption(b, 5);
    if (sack >= 0) current.sacks = Math.max(current.sacks, (b[sack + 1]! - 2) >> 3);
  }

  private ofTheirs(number: number): string {
    return this.flow.synSeen ? `ISS+${minus(number, this.flow.theirIsn)}` : "unknown";
  }

  private ofOurs(number: number): string {
    return `IRS+${minus(number, this.flow.isn)}`;
  }
}

/** Where the option is; -1 where there is none. */
function findOption(b: Uint8Array, kind: number): number {
  const end = Math.min(b.length, 20 + (b[32]! >> 4) * 4);
  for (let i = 40; i + 1 < end && b[i] !== 0; i += b[i] === 1 ? 1 : Math.max(2, b[i + 1]!)) {
    if (b[i] === kind) return i;
  }
  return -1;
}

/** Lengths of options by kind. */
const LENGTHS: Readonly<Record<number, number>> = { 2: 4, 3: 3, 4: 2, 8: 10 };

function isMalformed(b: Uint8Array): boolean {
  const end = 20 + (b[32]! >> 4) * 4;
  if (end < 40 || end > b.length) return true;
  for (let i = 40; i < end && b[i] !== 0;) {
    if (b[i] === 1) {
      i++;
      continue;
    }
    const length = i + 1 < end ? b[i + 1]! : 0;
    if (length < 2 || i + length > end || (LENGTHS[b[i]!] ?? length) !== length) return true;
    i += length;
  }
  return false;
}

function empty(): Answer {
  return {
    state: "",
    facts: null,
    syns: [],
    resets: [],
    sent: 0,
    acked: 0,
    finSent: false,
    repeated: 0,
    again: 0,
    sacks: 0,
  };
}
