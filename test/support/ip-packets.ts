/** IPv4 packets as tests write them, and what a stack sends as tests read it. */
import { expect } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { type Cidr, type Ipv4Address, parseIpv4 } from "../../src/wire/address.ts";
import { createIcmpMessage, type IcmpMessage, readIcmp, writeIcmp } from "../../src/wire/icmpv4.ts";
import {
  createIpv4Header,
  type Ipv4Header,
  PROTO_ICMP,
  PROTO_TCP,
  readIpv4,
} from "../../src/wire/ipv4.ts";
import { createTcpSegment, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { fillTcpChecksum, readTcp, writeTcp } from "../../src/wire/tcp.ts";
import { seal } from "../wire/support.ts";
import { RecordingSender } from "./recording-sender.ts";

export const at = (text: string): Ipv4Address => parseIpv4(text)!;
/** The stack's, and the peer's. */
export const HERE = at("192.0.2.2");
export const THERE = at("192.0.2.1");

export interface IpFields {
  readonly source?: Ipv4Address;
  readonly destination?: Ipv4Address;
  readonly protocol?: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** Bytes. */
  readonly fragmentOffset?: number;
  /** Padded with end-of-list to a multiple of 4. */
  readonly options?: readonly number[];
  readonly version?: number;
}

/** Written by hand, not by the codec under test. */
export function ipPacket(payload: Uint8Array, f: IpFields = {}): Uint8Array {
  const options = f.options ?? [];
  const header = 20 + ((options.length + 3) & ~3);
  const packet = new Uint8Array(header + payload.length);
  const view = new DataView(packet.buffer);
  packet[0] = ((f.version ?? 4) << 4) | (header / 4);
  packet[1] = f.tos ?? 0;
  view.setUint16(2, packet.length);
  view.setUint16(4, f.identification ?? 1);
  const flags = ((f.dontFragment ?? true) ? 0x4000 : 0) | (f.moreFragments === true ? 0x2000 : 0);
  view.setUint16(6, flags | ((f.fragmentOffset ?? 0) >> 3));
  packet[8] = f.ttl ?? 64;
  packet[9] = f.protocol ?? PROTO_TCP;
  view.setInt32(12, f.source ?? THERE);
  view.setInt32(16, f.destination ?? HERE);
  packet.set(options, 20);
  seal(packet.subarray(0, header), 10);
  packet.set(payload, header);
  return packet;
}

/** A segment to port 80 from 40000, unless `fields` says otherwise. */
export function tcpPacket(
  flags: number,
  fields: Partial<TcpSegment> = {},
  f: IpFields = {},
): Uint8Array {
  const s = createTcpSegment();
  s.sourcePort = 40000;
  s.destinationPort = 80;
  s.flags = flags;
  s.window = 65535;
  Object.assign(s, fields);
  const text = s.buffer.subarray(s.payloadOffset, s.payloadOffset + s.payloadLength);
  const bytes = new Uint8Array(60 + text.length);
  const header = writeTcp(bytes, 0, s);
  bytes.set(text, header);
  const length = header + text.length;
  fillTcpChecksum(bytes, 0, length, f.source ?? THERE, f.destination ?? HERE);
  return ipPacket(bytes.subarray(0, length), f);
}

/** `rest` is the second word of the message. */
export function icmpPacket(
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
  f: IpFields = {},
): Uint8Array {
  const message = new Uint8Array(8 + body.length);
  writeIcmp(message, 0, type, code, rest, body, 0, body.length);
  return ipPacket(message, { ...f, protocol: PROTO_ICMP });
}

/** The pieces of a whole packet, `size` bytes of payload in each but the last. */
export function fragmentsOf(packet: Uint8Array, size: number): Uint8Array[] {
  const h = createIpv4Header();
  expect(readIpv4(packet, 0, packet.length, h)).toBe(null);
  const payload = packet.subarray(h.headerLength, h.totalLength);
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < payload.length; from += size) {
    const moreFragments = from + size < payload.length;
    const piece = payload.subarray(from, from + size);
    pieces.push(
      ipPacket(piece, { ...h, dontFragment: false, moreFragments, fragmentOffset: from }),
    );
  }
  return pieces;
}

export interface Sent {
  readonly bytes: Uint8Array;
  readonly ip: Ipv4Header;
  /** Null where the packet is of another protocol or a fragment. */
  readonly icmp: IcmpMessage | null;
  readonly tcp: TcpSegment | null;
}

/** One stack, packets in and packets out, time by hand. */
export class BareStack {
  readonly sender: RecordingSender;
  readonly stack: Stack;
  now = 0;

  constructor(
    options: {
      readonly addresses?: readonly Cidr[];
      readonly settings?: Partial<Settings>;
      readonly mtu?: number;
      readonly seed?: number;
    } = {},
  ) {
    this.sender = new RecordingSender(options.mtu ?? 1500);
    this.stack = new Stack({
      addresses: options.addresses ?? [{ address: HERE, prefix: 24 }],
      settings: options.settings ?? {},
      rng: seededRng(options.seed ?? 7),
      now: instantOf(0),
      sender: this.sender,
    });
  }

  listens(port = 80): this {
    this.stack.listen({ port, owner: { onConnection: (l) => void l.accept() } });
    return this;
  }

  /** Hands in packets; the remark on the last. */
  gives(...packets: readonly Uint8Array[]): string | null {
    let remark: string | null = null;
    for (const packet of packets) {
      remark = this.stack.input(packet, 0, packet.length, 0, instantOf(this.now));
    }
    return remark;
  }

  /** What was sent since the last call, every header read and every checksum right. */
  sent(): Sent[] {
    this.stack.poll(instantOf(this.now));
    return this.sender.packets.splice(0).map(({ bytes }) => decode(bytes));
  }

  /** As `sent`, of packets whose header may name a hop before `destination`, for which the checksums are. */
  sentTo(destination: Ipv4Address): Sent[] {
    this.stack.poll(instantOf(this.now));
    return this.sender.packets.splice(0).map(({ bytes }) => decode(bytes, destination));
  }

  /** Goes to a moment with every timer at its own. */
  until(at: number): this {
    this.stack.poll(instantOf(this.now));
    for (let due = this.stack.nextTimeout(); due <= at; due = this.stack.nextTimeout()) {
      this.now = Math.max(due, this.now);
      this.stack.poll(instantOf(this.now));
    }
    this.now = at;
    return this;
  }
}

export function decode(bytes: Uint8Array, destination?: Ipv4Address): Sent {
  const ip = createIpv4Header();
  expect(readIpv4(bytes, 0, bytes.length, ip)).toBe(null);
  const whole = !ip.moreFragments && ip.fragmentOffset === 0;
  const size = ip.totalLength - ip.headerLength;
  const icmp = whole && ip.protocol === PROTO_ICMP ? createIcmpMessage() : null;
  if (icmp !== null) expect(readIcmp(bytes, ip.headerLength, size, icmp)).toBe(null);
  const tcp = whole && ip.protocol === PROTO_TCP ? createTcpSegment() : null;
  if (tcp !== null) {
    const to = destination ?? ip.destination;
    const bad = readTcp(bytes, ip.headerLength, size, ip.source, to, false, tcp);
    expect(bad).toBe(null);
  }
  return { bytes, ip, icmp, tcp };
}

export function bodyOf(m: IcmpMessage): Uint8Array {
  return m.buffer.slice(m.bodyOffset, m.bodyOffset + m.bodyLength);
}
