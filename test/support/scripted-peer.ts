/**
 * One stack against a peer that says exactly what a test writes, in virtual time. Sequence numbers are relative to
 * both ISNs; the peer's own lies just below the wrap, so that every test crosses it.
 */
import { expect } from "vitest";
import type { DeviceOffload } from "../../src/base/device.ts";
import { seededRng } from "../../src/base/rng.ts";
import { type Instant, instantOf } from "../../src/base/time.ts";
import type { ConnectOptions } from "../../src/stack/options.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { type Endpoint, type EndpointOwner, EVENT_CLOSED } from "../../src/tcp/endpoint.ts";
import type { TcpConnection } from "../../src/tcp/connection.ts";
import type { TcpState } from "../../src/tcp/state.ts";
import type { TcpTrace } from "../../src/tcp/trace.ts";
import { parseIpv4 } from "../../src/wire/address.ts";
import {
  createIpv4Header,
  type Ipv4Header,
  PROTO_TCP,
  readIpv4,
  writeIpv4,
} from "../../src/wire/ipv4.ts";
import { seq, type SeqNum, seqUnsigned } from "../../src/wire/seq.ts";
import { createTcpSegment, SYN, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { fillTcpChecksum, readTcp, writeTcp } from "../../src/wire/tcp.ts";
import { describe, normal, parse, toSegment } from "./notation.ts";
import { RecordingSender, type SentPacket } from "./recording-sender.ts";

export const OURS = parseIpv4("192.0.2.2")!;
export const PEER = parseIpv4("192.0.2.1")!;
/** Two numbers below the wrap, once the SYN is counted. */
const PEER_ISN = seq(0xfffffffd);

interface Seen {
  readonly segment: TcpSegment;
  readonly at: number;
  readonly remark: string | null;
  readonly ip: Ipv4Header;
  /** Payload bytes at which the device cuts it; 0: one packet. */
  readonly gsoSize: number;
  /** The packet. */
  readonly bytes: Uint8Array;
}

export interface PeerOptions {
  readonly settings?: Partial<Settings>;
  readonly mtu?: number;
  readonly offload?: DeviceOffload;
  readonly peerIsn?: number;
  /** False: no trace hears of the connections, so that the stack keeps no more of them than it needs. Default: true. */
  readonly watched?: boolean;
}

export class ScriptedPeer implements EndpointOwner {
  readonly stack: Stack;
  readonly sender: RecordingSender;
  /** `FROM -> TO`, as they happened. */
  readonly states: string[] = [];
  /** The reason given with each change of state. */
  readonly reasons: string[] = [];
  events = 0;
  closedAt = -1;
  received: Uint8Array = new Uint8Array(0);
  ourPort = 80;
  peerPort = 40000;
  /** Of what the peer sends. */
  peerAddress = "192.0.2.1";
  /** The low four bits of the data offset's byte, of what the peer sends. */
  reservedBits = 0;
  /** Reads what comes, as a program that keeps up. */
  reads = true;
  private endpointOrNull: Endpoint | null = null;
  private now: Instant = instantOf(0);
  private readonly outbound: Seen[] = [];
  private ourIsn: SeqNum = seq(0);
  private readonly peerIsn: SeqNum;

  constructor(options: PeerOptions = {}) {
    this.sender = new RecordingSender(options.mtu ?? 1500, options.offload);
    this.peerIsn = options.peerIsn === undefined ? PEER_ISN : seq(options.peerIsn);
    this.stack = new Stack({
      addresses: [{ address: OURS, prefix: 24 }],
      rng: seededRng(7),
      now: this.now,
      sender: this.sender,
      // scripts count with the halving of RFC 5681 unless they say otherwise
      settings: { tcp_congestion_control: "reno", ...options.settings },
      ...(options.watched === false ? {} : { trace: this.trace() }),
    });
  }

  private trace(): TcpTrace {
    return {
      stateChange: (_e, from: TcpState, to: TcpState, why) => {
        this.states.push(`${from} -> ${to}`);
        this.reasons.push(why);
      },
      segmentReceived: () => {},
      segmentSent: () => {},
    };
  }

  /** ms since the start. */
  get time(): number {
    return this.now;
  }

  get endpoint(): Endpoint {
    if (this.endpointOrNull === null) throw new Error("nothing was accepted or connected yet");
    return this.endpointOrNull;
  }

  get accepted(): boolean {
    return this.endpointOrNull !== null;
  }

  get state(): TcpState {
    const { state, remotePort } = this.endpoint;
    // the endpoint does not hear how TIME-WAIT goes on
    const lasts = (): boolean =>
      this.stack.connections().some((c) => c.remotePort === remotePort && c.state === state);
    return state === "TIME-WAIT" && !lasts() ? "CLOSED" : state;
  }

  onEvents(endpoint: Endpoint, events: number): void {
    this.events |= events;
    if ((events & EVENT_CLOSED) !== 0) this.closedAt = this.now;
    if (this.reads) this.read(endpoint);
  }

  read(endpoint: Endpoint = this.endpoint): void {
    for (let chunk = endpoint.receive(); chunk !== null; chunk = endpoint.receive()) {
      const all = new Uint8Array(this.received.length + chunk.length);
      all.set(this.received);
      all.set(chunk, this.received.length);
      this.received = all;
    }
  }

  // --- what is set up -------------------------------------------------------------------------------

  listens(port = 80, backlog = 16, fastOpen = 0): this {
    this.ourPort = port;
    const owner = {
      onConnection: (listener: { accept(): Endpoint | null }): void => {
        const endpoint = listener.accept();
        if (endpoint === null) return;
        this.endpointOrNull = endpoint;
        endpoint.owner = this;
        if (this.reads) this.read(endpoint);
      },
    };
    this.stack.listen({ port, backlog, fastOpen, owner });
    return this;
  }

  connects(port = 80, options: Partial<ConnectOptions> = {}): this {
    this.peerPort = port;
    this.ourPort = options.localPort ?? 50000;
    const to = { remoteAddress: PEER, remotePort: port, localPort: this.ourPort, owner: this };
    this.endpointOrNull = this.stack.connect({ ...to, ...options });
    this.settle();
    return this;
  }

  /** The three segments of a passive open, with nothing but an MSS offered. */
  established(options = "<mss 1460>", window = 65535): this {
    this.listens();
    this.sends(`S 0:0(0) win ${window} ${options}`);
    this.sees("S. 0:0(0) ack 1");
    this.sends(`. 1:1(0) ack 1 win ${window}`);
    expect(this.state).toBe("ESTABLISHED");
    this.silent();
    return this;
  }

  /** Its quick ACKs are used up. */
  aged(): this {
    const { rcv } = this.endpoint as TcpConnection;
    rcv.delay = 40;
    rcv.quickAcks = 0;
    return this;
  }

  /** The same, opened by the stack; the peer offers only an MSS. */
  connected(options = "<mss 1460>", window = 65535): this {
    this.connects();
    this.sees("S 0:0(0)");
    this.sends(`S. 0:0(0) ack 1 win ${window} ${options}`);
    this.sees(". 1:1(0) ack 1");
    expect(this.state).toBe("ESTABLISHED");
    return this;
  }

  // --- the script -----------------------------------------------------------------------------------

  /** A segment from the peer; payload bytes count up with their sequence number, unless given. `ecn`: codepoint. */
  sends(text: string, payload?: Uint8Array, ecn = 0): this {
    return this.gives(this.packetOf(text, payload, ecn));
  }

  /** Any record, as it is. */
  injects(s: TcpSegment): void {
    this.gives(this.packet(s));
  }

  /** A packet of the peer's, whole or a fragment. */
  gives(packet: Uint8Array): this {
    this.stack.input(packet, 0, packet.length, 0, this.now);
    return this.settle();
  }

  /** What `sends` would send. */
  packetOf(text: string, payload?: Uint8Array, ecn = 0): Uint8Array {
    const n = parse(text);
    const bytes = payload ?? Uint8Array.from({ length: n.length }, (_, i) => (n.seq + i) & 0xff);
    const s = toSegment(n, this.peerIsn, this.ourIsn, bytes);
    s.ecn = ecn;
    return this.packet(s);
  }

  /** The same with `options`, bytes of any kind, behind a header that has none of its own. */
  packetWith(text: string, options: readonly number[]): Uint8Array {
    const plain = this.packetOf(text);
    const padded = [...options, ...Array<number>(-options.length & 3).fill(0)];
    const packet = Uint8Array.from([...plain.subarray(0, 40), ...padded, ...plain.subarray(40)]);
    packet[32] = ((20 + padded.length) / 4) << 4;
    const from = parseIpv4(this.peerAddress)!;
    writeIpv4(packet, 0, packet.length, 0, 1, true, 64, PROTO_TCP, from, OURS);
    fillTcpChecksum(packet, 20, packet.length - 20, from, OURS);
    return packet;
  }

  private packet(s: TcpSegment): Uint8Array {
    const packet = new Uint8Array(20 + 60 + s.payloadLength);
    s.sourcePort = this.peerPort;
    s.destinationPort = this.ourPort;
    const header = writeTcp(packet, 20, s);
    packet.set(s.buffer.subarray(s.payloadOffset, s.payloadOffset + s.payloadLength), 20 + header);
    const total = 20 + header + s.payloadLength;
    const from = parseIpv4(this.peerAddress)!;
    writeIpv4(packet, 0, total, s.ecn, 1, true, 64, PROTO_TCP, from, OURS);
    packet[32]! |= this.reservedBits;
    fillTcpChecksum(packet, 20, total - 20, from, OURS);
    return packet.subarray(0, total);
  }

  /** The next segment of the stack, and when it left (ms) if that is said. */
  sees(text: string, at?: number): this {
    const next = this.outbound.shift();
    const expected = normal(text);
    const seen = next === undefined ? "nothing" : this.describe(next.segment, text);
    expect(seen).toBe(expected);
    if (at !== undefined) expect(next!.at).toBeCloseTo(at, 3);
    return this;
  }

  /** The next segment as it came, for assertions on more than `sees` compares. */
  next(): Seen {
    const next = this.outbound.shift();
    if (next === undefined) throw new Error("the stack sent nothing");
    return next;
  }

  describe(s: TcpSegment, like: string | null = null): string {
    return describe(s, this.ourIsn, this.peerIsn, like === null ? null : parse(like));
  }

  /** Nothing was sent that no `sees` has taken. */
  silent(): this {
    expect(this.outbound.map((seen) => `${seen.at} ${this.describe(seen.segment)}`)).toEqual([]);
    return this;
  }

  /** Lets time go on by `ms`, with every timer at its moment. */
  waits(ms: number): this {
    return this.until(this.now + ms);
  }

  until(at: number): this {
    for (;;) {
      const due = this.stack.nextTimeout();
      if (due > at) break;
      // the wheel may name a moment at which nothing is due yet
      this.now = instantOf(Math.max(due, this.now));
      this.settle();
      if (this.stack.nextTimeout() <= this.now) throw new Error("a timer that is due stays due");
    }
    this.now = instantOf(at);
    this.settle();
    return this;
  }

  /** A user call was made: what it owes leaves. */
  settle(): this {
    this.stack.poll(this.now);
    for (const packet of this.sender.packets.splice(0)) this.take(packet);
    return this;
  }

  /** How many segments wait to be looked at. */
  get pending(): number {
    return this.outbound.length;
  }

  /** Absolute number of the peer, for fields made by hand. */
  peerSeq(relative: number): SeqNum {
    return seq(this.peerIsn + relative);
  }

  ourSeq(relative: number): SeqNum {
    return seq(this.ourIsn + relative);
  }

  get iss(): number {
    return seqUnsigned(this.ourIsn);
  }

  writes(length: number, from = 0): this {
    this.endpoint.send(Uint8Array.from({ length }, (_, i) => (from + i) & 0xff));
    return this.settle();
  }

  private take({ bytes, remark, gsoSize }: SentPacket): void {
    const h = createIpv4Header();
    expect(readIpv4(bytes, 0, bytes.length, h)).toBe(null);
    expect(h.protocol).toBe(PROTO_TCP);
    const s = createTcpSegment();
    const size = h.totalLength - h.headerLength;
    expect(readTcp(bytes, h.headerLength, size, h.source, h.destination, false, s)).toBe(null);
    if ((s.flags & SYN) !== 0) this.ourIsn = s.seq;
    this.outbound.push({ segment: s, at: this.now, remark, ip: h, gsoSize, bytes });
  }
}
