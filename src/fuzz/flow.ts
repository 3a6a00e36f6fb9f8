/**
 * What a peer knows of one connection to the stack: all of it was seen on the wire, nothing was looked up inside. The numbers of
 * inputs are counted from these.
 */

import { get32, minus } from "./bytes.ts";
import { SCALES } from "./options.ts";
import { OPTION_SCALE, OPTION_TIMESTAMPS } from "./step.ts";

/** Packets that can be sent again. */
const KEPT = 4;
/** The longest: 8192 bytes of text and both headers with options. */
const ROOM = 8192 + 160;

/** Nothing farther off is taken for a number of the same connection. */
const NEAR = 0x40000000;
/** SYNs whose offers are remembered. */
const SYNS = 4;
const NO_SCALE_YET = -2;

interface Syn {
  seq: number;
  /** Behind the text on it. */
  end: number;
  scale: number;
  window: number;
  stamps: boolean;
  /** Sent with one number and unlike options: which one was heard cannot be known. */
  ambiguous: boolean;
}

/** What a peer knows of one connection. */
export class Flow {
  readonly index: number;
  readonly address: number;
  readonly port: number;
  stackPort: number;
  /** The peer's ISN, and the number behind the highest it sent. */
  isn = 0;
  next = 0;
  /** RCV.NXT and right edge of the stack as it last said. */
  acked = 0;
  edge = 0;
  /** The stack's ISN; the number behind the highest that came; the highest that was acknowledged. */
  theirIsn = 0;
  theirNext = 0;
  una = 0;
  /** Of the segment sent before. */
  lastSeq = 0;
  lastAck = 0;
  /** Shift of the stack's windows, and of the peer's. */
  theirScale = 0;
  scale = 0;
  /** A SYN of the stack came, and the peer sent one. */
  synSeen = false;
  synSent = false;
  /** What the peer's timestamps are at time 0, and the stack's last TSval. */
  stampOffset = 0;
  stampSeen = 0;
  stamps = false;
  cookie: Uint8Array = new Uint8Array(0);
  /** The highest edge ever offered to the stack, as far as the peer knows; meaningful with `hasOffered`. */
  maxEdge = 0;
  hasOffered = false;
  /** The stack acknowledged a SYN of the peer. */
  acknowledged = false;
  /** Connections that the stack began on this flow, as far as was heard. */
  incarnations = 0;
  private offeredScale = -1;
  private offeredStamps = false;
  /** The stack answers a SYN of which the peer does not know any more what it offered. */
  uncertain = false;
  /** The last SYNs and what they offered. */
  private readonly syns: readonly Syn[] = Array.from({ length: SYNS }, () => ({
    seq: 0,
    end: 0,
    scale: -1,
    window: 0,
    stamps: false,
    ambiguous: false,
  }));
  private synCount = 0;
  /** The last packet of the stack, as much as an ICMP message quotes. */
  readonly quoted: Uint8Array = new Uint8Array(60);
  quotedLength = 0;
  private kept: Uint8Array | null = null;
  private readonly keptLength = new Int32Array(KEPT);
  private keptCount = 0;

  constructor(index: number, address: number, port: number, stackPort: number) {
    this.index = index;
    this.address = address;
    this.port = port;
    this.stackPort = stackPort;
  }

  /** Before anything was said. */
  reset(isn: number, stackPort: number): void {
    this.stackPort = stackPort;
    this.isn = isn;
    this.next = isn;
    this.acked = isn;
    this.edge = isn;
    this.theirIsn = 0;
    this.theirNext = 0;
    this.una = 0;
    this.lastSeq = isn;
    this.lastAck = 0;
    this.theirScale = 0;
    this.scale = 0;
    this.synSeen = false;
    this.synSent = false;
    this.stampOffset = 0x7ff00000;
    this.stampSeen = 0;
    this.stamps = false;
    if (this.cookie.length > 0) this.cookie = new Uint8Array(0);
    this.quotedLength = 0;
    this.keptCount = 0;
    this.maxEdge = 0;
    this.hasOffered = false;
    this.uncertain = false;
    this.acknowledged = false;
    this.incarnations = 0;
    this.offeredScale = -1;
    this.offeredStamps = false;
    this.synCount = 0;
  }

  /** The peer sends a SYN. */
  offers(seq: number, length: number, options: number, form: number, window: number): void {
    let syn = this.synWith(seq);
    if (syn === null) {
      syn = this.syns[this.synCount++ % SYNS]!;
      syn.seq = seq;
      syn.end = seq;
      syn.scale = NO_SCALE_YET;
      syn.window = 0;
      syn.ambiguous = false;
    }
    // of two with one number either may have been heard
    const end = (seq + 1 + length) | 0;
    if (minus(end, syn.end) > 0) syn.end = end;
    const scale = (options & OPTION_SCALE) === 0 ? -1 : Math.min(14, SCALES[form >> 5]!);
    if (syn.scale !== NO_SCALE_YET && syn.scale !== scale) syn.ambiguous = true;
    syn.scale = Math.max(syn.scale, scale);
    syn.window = Math.max(syn.window, window);
    syn.stamps = (options & OPTION_TIMESTAMPS) !== 0;
  }

  private synWith(seq: number): Syn | null {
    for (let i = 0; i < Math.min(SYNS, this.synCount); i++) {
      if (this.syns[i]!.seq === seq) return this.syns[i]!;
    }
    return null;
  }

  /** The SYN that this acknowledges, the one without its text before others. */
  private synOf(ack: number): Syn | null {
    const exact = this.synWith((ack - 1) | 0);
    if (exact !== null) return exact;
    for (let i = 0; i < Math.min(SYNS, this.synCount); i++) {
      if (covers(this.syns[i]!, ack)) return this.syns[i]!;
    }
    return null;
  }

  /** The peer does not know which of its SYNs the stack took, or with which options. */
  private isUnclear(syn: Syn | null, ack: number): boolean {
    return syn === null || syn.ambiguous || this.synsOf(ack) > 1;
  }

  /** SYNs that this may acknowledge, with text on them or after them. */
  private synsOf(ack: number): number {
    let count = 0;
    for (let i = 0; i < Math.min(SYNS, this.synCount); i++) {
      const ahead = minus(ack, this.syns[i]!.seq);
      if (ahead > 0 && ahead <= 65536) count++;
    }
    return count;
  }

  /** The peer sends a window with an ACK. */
  offered(ack: number, window: number, isSyn: boolean): void {
    if (minus(ack, this.theirNext) > NEAR || minus(ack, this.theirIsn) < 0) return;
    const edge = (ack + (window << (isSyn ? 0 : this.scale))) | 0;
    if (!this.hasOffered || minus(edge, this.maxEdge) > 0) this.maxEdge = edge;
    this.hasOffered = true;
  }

  /** A SYN of the stack: of a new connection, if its number is new. */
  hearsSyn(b: Uint8Array, at: number, header: number, seq: number): void {
    // two that begin in one ms have one number, but answer different SYNs
    const answers = (b[at + 13]! & 16) !== 0 ? this.synOf(get32(b, at + 8)) : null;
    const isOlder = answers !== null && minus(this.acked, get32(b, at + 8)) > 0;
    const isOther = this.acknowledged && answers !== null && (isOlder || answers.seq !== this.isn);
    if (!this.synSeen || seq !== this.theirIsn || isOther) {
      this.theirIsn = seq;
      this.theirNext = seq;
      this.una = seq;
      this.synSeen = true;
      this.incarnations++;
      this.hasOffered = false;
      this.acknowledged = false;
    }
    const scale = this.offeredScale;
    const stamps = this.offeredStamps;
    this.hearsOptions(b, at + 20, at + header);
    // of two in one ms the later one may have agreed to less
    if (scale !== this.offeredScale || stamps !== this.offeredStamps) this.acknowledged = false;
  }

  private hearsOptions(b: Uint8Array, from: number, end: number): void {
    this.offeredScale = -1;
    this.offeredStamps = false;
    for (let i = from; i + 1 < end && b[i] !== 0;) {
      if (b[i] === 1) {
        i++;
        continue;
      }
      const size = b[i + 1]!;
      if (b[i] === 3) this.offeredScale = Math.min(14, b[i + 2]!);
      else if (b[i] === 8) {
        this.offeredStamps = true;
        this.stampSeen = get32(b, i + 2);
      } else if (b[i] === 34 && size > 2) {
        this.cookie = b.slice(i + 2, i + size);
      }
      i += Math.max(2, size);
    }
  }

  /** The first ACK of this connection, by which the peer knows which of its SYNs was taken. */
  hearsFirstAck(ack: number): void {
    const syn = this.synOf(ack);
    if (this.isUnclear(syn, ack) || !this.synSeen) this.uncertain = true;
    const isn = syn === null ? (ack - 1) | 0 : syn.seq;
    if (this.isn !== isn) {
      this.isn = isn;
      this.next = ack;
    }
    this.acknowledged = true;
    this.acked = ack;
    this.edge = ack;
    const window = (this.theirIsn + 1 + (syn?.window ?? 65535)) | 0;
    if (!this.hasOffered || minus(window, this.maxEdge) > 0) this.maxEdge = window;
    this.hasOffered = true;
    const scales = this.offeredScale >= 0 && syn !== null && syn.scale >= 0;
    this.theirScale = scales ? this.offeredScale : 0;
    this.scale = scales ? syn.scale : 0;
    this.stamps = this.offeredStamps && (syn === null || syn.stamps);
  }

  /** The timestamp of any other segment, which begins the options or stands behind two NOPs. */
  hearsStamps(b: Uint8Array, from: number, to: number): void {
    const at = b[from] === 1 && b[from + 1] === 1 ? from + 2 : from;
    if (at + 10 <= to && b[at] === 8) this.stampSeen = get32(b, at + 2);
  }

  /** Remembers a packet, to be sent once more ({@link OP_AGAIN}). */
  keep(packet: Uint8Array, length: number): void {
    if (length > ROOM) return;
    this.kept ??= new Uint8Array(KEPT * ROOM);
    const slot = this.keptCount++ % KEPT;
    const from = slot * ROOM;
    for (let i = 0; i < length; i++) this.kept[from + i] = packet[i]!;
    this.keptLength[slot] = length;
  }

  /** Copies the packet that was sent `back` packets ago into `out`; its length, 0 if there is none. */
  again(back: number, out: Uint8Array): number {
    const age = back % KEPT;
    if (this.kept === null || age >= this.keptCount) return 0;
    const slot = (this.keptCount - 1 - age) % KEPT;
    const length = this.keptLength[slot]!;
    for (let i = 0; i < length; i++) out[i] = this.kept[slot * ROOM + i]!;
    return length;
  }
}

function covers(syn: Syn, ack: number): boolean {
  return minus(ack, syn.seq) > 0 && minus(ack, syn.end) <= 0;
}
