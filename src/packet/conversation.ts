/**
 * One TCP conversation as a script holds it. Numbers count from each end's ISN: the SYN is 0, the first byte 1. What a segment does
 * not say is filled in from what was sent and taken so far; nothing is ever sent by itself, no ACK and no retransmission.
 */
import type { Ipv4Address } from "../wire/address.ts";
import { ACK, FIN, SYN } from "../wire/tcp-segment.ts";
import { Arrivals, type PeerHost } from "./arrivals.ts";
import { encode } from "./encode.ts";
import { NO_BYTES, type Packet } from "./packet.ts";
import { PeerError, segmentOf } from "./peer-error.ts";
import { BRIEF, formatPacket, type PrintStyle } from "./print.ts";
import { segmentMatches, shiftSack } from "./segment.ts";
import type { TcpOption } from "./tcp-option.ts";

/** What is special about a conversation. */
export interface ConversationOptions {
  readonly localPort?: number;
  /** The peer's initial sequence number; 0. */
  readonly isn?: number;
  /** Of every segment that does not say its own; 65535. */
  readonly window?: number;
  /** Of the SYN, in words: `"mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7"`; just an MSS of 1460. */
  readonly options?: string;
  /** ms. */
  readonly patience?: number;
}

interface Ends {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

const LATIN1 = 255;

/** A peer's side of one connection: it fills in ports and numbers. */
export class Conversation {
  readonly localPort: number;
  readonly port: number;
  /** Initial sequence numbers, the peer's and the stack's (0 until its SYN was taken). */
  readonly iss: number;
  irs = 0;
  window: number;
  /** ms. */
  patience: number;
  /** The stack's MSS, 536 where its SYN named none. */
  mss = 536;

  readonly #host: PeerHost;
  readonly #ends: Ends;
  readonly #arrivals: Arrivals;
  readonly #synOptions: readonly TcpOption[];
  /** Absolute: next to be sent and next to be received. */
  #sndNxt: number;
  #rcvNxt = 0;
  #synTaken = false;
  /** Timestamps are in use: both SYNs had them. */
  #timestamps = false;
  #tsRecent = 0;
  #tsOffset = 0;
  /** Text in order of segments that were passed over, for `read`. */
  #text: Uint8Array = NO_BYTES;
  #finTaken = false;

  constructor(host: PeerHost, ends: Ends, options: ConversationOptions) {
    this.#host = host;
    this.#ends = ends;
    this.localPort = ends.sourcePort;
    this.port = ends.destinationPort;
    this.iss = (options.isn ?? 0) >>> 0;
    this.window = options.window ?? 65535;
    this.patience = options.patience ?? 1000;
    this.#arrivals = new Arrivals(host);
    this.#synOptions = segmentOf(`S 0 <${options.options ?? "mss 1460"}>`).packet.tcp.options;
    this.#sndNxt = this.iss;
    const stamp = this.#synOptions.find((o) => o.kind === "TS");
    if (stamp !== undefined) this.#tsOffset = stamp.val - Math.floor(host.now());
  }

  /** The number of the next byte to be sent, and of the next that is expected. */
  get sent(): number {
    return (this.#sndNxt - this.iss) >>> 0;
  }

  /** Bytes of text that the stack has sent, in order. */
  get received(): number {
    return this.#synTaken ? (this.#rcvNxt - this.irs) >>> 0 : 0;
  }

  /** The stack's FIN was taken, and all before it. */
  get ended(): boolean {
    return this.#finTaken;
  }

  /** Used by the peer: a packet of this conversation has come. */
  arrived(packet: Packet): void {
    this.#arrivals.push(packet);
  }

  /**
   * Sends `P. 1:6(5) ack 1 win 500 <nop> [ttl 3]`, or less of it: sequence number, ack, window and timestamps that are not said are
   * filled in. `data` is the payload as text or bytes. Throws a PeerError where the text is no segment.
   */
  send(segment: string, data: string | Uint8Array = NO_BYTES): Packet {
    const { packet, said } = segmentOf(segment);
    const { ip, tcp } = packet;
    const bytes = typeof data === "string" ? bytesOfText(data) : data;
    if (bytes.length > 0) {
      const fits =
        !said.has("data") && (!said.has("length") || packet.payload.length === bytes.length);
      if (!fits) throw new PeerError(`${segment}: the data has ${bytes.length} bytes`, false);
      packet.payload = bytes;
    }
    Object.assign(ip, { source: this.#ends.source, destination: this.#ends.destination });
    tcp.sourcePort = this.#ends.sourcePort;
    tcp.destinationPort = this.#ends.destinationPort;
    tcp.seq = said.has("seq") ? (tcp.seq + this.iss) >>> 0 : this.#sndNxt;
    if (said.has("ack")) tcp.ack = (tcp.ack + this.irs) >>> 0;
    else if ((tcp.flags & ACK) !== 0) tcp.ack = this.#rcvNxt;
    if (!said.has("win")) tcp.window = this.window;
    tcp.options = said.has("<…>")
      ? shiftSack(tcp.options, this.irs)
      : this.#usualOptions(tcp.flags);
    const end = tcp.seq + packet.payload.length + bits(tcp.flags & (SYN | FIN));
    // what leaves a hole is a probe, and the script goes on where it was
    if (((tcp.seq - this.#sndNxt) | 0) <= 0 && ((end - this.#sndNxt) | 0) > 0) {
      this.#sndNxt = end >>> 0;
    }
    this.#host.send(packet, encode(packet));
    return packet;
  }

  #usualOptions(flags: number): readonly TcpOption[] {
    if ((flags & SYN) !== 0) return this.#synOptions;
    if (!this.#timestamps) return [];
    const val = (Math.floor(this.#host.now()) + this.#tsOffset) >>> 0;
    return [{ kind: "nop" }, { kind: "nop" }, { kind: "TS", val, ecr: this.#tsRecent }];
  }

  /** The next segment of the stack; null where none comes within so many ms. */
  async next(within: number = this.patience): Promise<Packet | null> {
    const packet = await this.#arrivals.next(within);
    if (packet !== null) this.#take(packet);
    return packet;
  }

  /** As `next`, and its text is kept for `read`. */
  async #keepNext(within: number): Promise<Packet | null> {
    const packet = await this.#arrivals.next(within);
    if (packet !== null) this.#text = joined(this.#text, this.#take(packet));
    return packet;
  }

  /**
   * Waits for a segment that is as `like` says (what is not said is not compared; `*` is any flags); others before it are passed
   * over, their text kept. `data` is its whole payload. Throws a {@link PeerError}.
   */
  async expect(
    like: string,
    data?: string | Uint8Array,
    within: number = this.patience,
  ): Promise<Packet> {
    const said = segmentOf(like);
    const bytes = typeof data === "string" ? bytesOfText(data) : data;
    const end = this.#host.now() + within;
    const seen: string[] = [];
    for (;;) {
      const packet = await this.#arrivals.next(Math.max(0, end - this.#host.now()));
      if (packet === null) throw PeerError.missing(withData(like, data), within, seen);
      const text = this.#take(packet);
      const fits = segmentMatches(packet, said, this.irs, this.iss);
      if (fits && (bytes === undefined || same(packet.payload, bytes))) return packet;
      this.#text = joined(this.#text, text);
      seen.push(formatPacket(packet, this.#style()));
    }
  }

  /** Nothing may come for so many ms. Throws a {@link PeerError}. */
  async silence(ms: number): Promise<void> {
    const packet = await this.next(ms);
    if (packet === null) return;
    throw new PeerError(
      `expected silence for ${ms} ms: ${formatPacket(packet, this.#style())} came`,
      false,
    );
  }

  /** Text in order of segments that no `expect` or `next` has returned, at least `least` bytes of it; each segment with text is acknowledged. Throws a {@link PeerError}. */
  async read(least: number = 1): Promise<Uint8Array> {
    const end = this.#host.now() + this.patience;
    while (this.#text.length < least && !this.#finTaken) {
      const before = this.#rcvNxt;
      const packet = await this.#keepNext(Math.max(0, end - this.#host.now()));
      if (packet === null) {
        const had = this.#text.length;
        throw new PeerError(
          `expected ${least} bytes within ${this.patience} ms: ${had} came`,
          had === 0,
        );
      }
      if (this.#rcvNxt !== before) this.send(".");
    }
    const text = this.#text;
    this.#text = NO_BYTES;
    return text;
  }

  /** Sends FIN, waits for the stack's and acknowledges it. Throws a {@link PeerError}. */
  async close(): Promise<void> {
    this.send("F.");
    while (!this.#finTaken) await this.expect("*");
    this.send(".");
  }

  /** Numbers as a script writes them. */
  #style(): PrintStyle {
    return { ...BRIEF, seqBase: this.irs, ackBase: this.iss };
  }

  /** Keeps what later segments are filled in from; what of the text is next in order. */
  #take({ tcp, payload }: Packet): Uint8Array {
    if (tcp === null) return NO_BYTES;
    if ((tcp.flags & SYN) !== 0) this.#takeSyn(tcp.seq, tcp.options);
    const start = tcp.seq + bits(tcp.flags & SYN);
    const skip = (this.#rcvNxt - start) | 0;
    if (!this.#synTaken || skip < 0 || skip > payload.length) return NO_BYTES;
    const stamp = tcp.options.find((o) => o.kind === "TS");
    if (stamp !== undefined) this.#tsRecent = stamp.val;
    this.#rcvNxt = (start + payload.length) >>> 0;
    if ((tcp.flags & FIN) !== 0) {
      this.#finTaken = true;
      this.#rcvNxt = (this.#rcvNxt + 1) >>> 0;
    }
    return payload.subarray(skip);
  }

  #takeSyn(seq: number, options: readonly TcpOption[]): void {
    if (this.#synTaken) return;
    this.#synTaken = true;
    this.irs = seq;
    this.#rcvNxt = (seq + 1) >>> 0;
    const has = (list: readonly TcpOption[]): boolean => list.some((o) => o.kind === "TS");
    this.#timestamps = has(options) && has(this.#synOptions);
    this.mss = options.find((o) => o.kind === "mss")?.value ?? 536;
  }
}

function bits(flags: number): number {
  return ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
}

function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => {
    const code = c.charCodeAt(0);
    if (code > LATIN1) throw new PeerError(`${JSON.stringify(c)} is no single byte`, false);
    return code;
  });
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length === 0) return a;
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function withData(like: string, data: string | Uint8Array | undefined): string {
  if (data === undefined) return like;
  return `${like} ${typeof data === "string" ? JSON.stringify(data) : `${data.length} bytes`}`;
}
