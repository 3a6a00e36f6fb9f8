/**
 * A packet as a record in which every field of IPv4, TCP and ICMP can be had and set, wrong ones included. `null` in a field
 * that follows from others (version, lengths, checksums …) means: the right value, filled in when the packet is encoded.
 */
import { ipv4, type Ipv4Address } from "../wire/address.ts";
import type { IpOption } from "./ip-option.ts";
import type { TcpOption } from "./tcp-option.ts";

/** The ninth flag of TCP: AE of Accurate ECN (once NS), the low bit of the byte of the data offset. */
export const AE = 0x100;

/** The IPv4 header (RFC 791 §3.1). */
export interface IpFields {
  /** 4 bits; null: 4. */
  version: number | null;
  /** Header length in words of 4 bytes, 4 bits; null: what the options take. */
  ihl: number | null;
  /** DSCP and ECN, 8 bits. */
  tos: number;
  /** Bytes, 16 bits; null: all but the trailer. */
  totalLength: number | null;
  id: number;
  /** The flag that is reserved and must be 0. */
  reservedFlag: boolean;
  dontFragment: boolean;
  moreFragments: boolean;
  /** Bytes; a multiple of 8, at most 65,528. */
  fragmentOffset: number;
  ttl: number;
  /** null: that of `tcp` or `icmp`. */
  protocol: number | null;
  checksum: number | null;
  source: Ipv4Address;
  destination: Ipv4Address;
  options: readonly IpOption[];
}

/** The TCP header (RFC 9293 §3.1). */
export interface TcpFields {
  sourcePort: number;
  destinationPort: number;
  /** 0 to 2^32 - 1, as are `ack` and the numbers in options. */
  seq: number;
  /** Stands in the header whether the ACK flag is set or not. */
  ack: number;
  /** Header length in words of 4 bytes, 4 bits; null: what the options take. */
  dataOffset: number | null;
  /** The three bits that are reserved still. */
  reserved: number;
  /** FIN | SYN | RST | PSH | ACK | URG | ECE | CWR | AE. */
  flags: number;
  /** As on the wire, unscaled. */
  window: number;
  checksum: number | null;
  urgentPointer: number;
  options: readonly TcpOption[];
}

/** The first eight bytes of an ICMP message (RFC 792); what follows is the payload. */
export interface IcmpFields {
  type: number;
  code: number;
  checksum: number | null;
  /** The second word: identifier and sequence number of an echo, next-hop MTU, pointer, gateway. 0 to 2^32 - 1. */
  rest: number;
}

/** An IPv4 packet, any field of which may be wrong. */
export interface Packet {
  /** null: `payload` is the whole, which is too short for IPv4 or was meant to be just bytes. */
  ip: IpFields | null;
  /** At most one of `tcp` and `icmp`; with neither, `payload` is what follows the IPv4 header. */
  tcp: TcpFields | null;
  icmp: IcmpFields | null;
  payload: Uint8Array;
  /** Behind the end that the total length tells. */
  trailer: Uint8Array;
}

/** What the text of a packet, its JSON or its hex digits got wrong; a value, never thrown. */
export interface PacketError {
  /** One line. */
  readonly error: string;
  /** Index of the character in the text, 0 where that says nothing. */
  readonly at: number;
}

/** Whether something could not be read, and this says why. */
export function isPacketError(value: unknown): value is PacketError {
  return typeof value === "object" && value !== null && "error" in value;
}

/** What has no payload has this. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Of packets that have neither TCP nor ICMP: a number for experiments (RFC 3692). */
export const PROTOCOL_UNSAID = 253;
/** Of packets that do not say theirs; Linux's. */
export const DEFAULT_TTL = 64;
/** Of segments that do not say theirs. */
export const DEFAULT_WINDOW = 65535;

/** A header without faults, to change fields of. */
export function createIp(source: Ipv4Address, destination: Ipv4Address): IpFields {
  return {
    version: null,
    ihl: null,
    tos: 0,
    totalLength: null,
    id: 0,
    reservedFlag: false,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: DEFAULT_TTL,
    protocol: null,
    checksum: null,
    source: ipv4(source),
    destination: ipv4(destination),
    options: [],
  };
}

/** A header without faults and flags, to change fields of. */
export function createTcp(sourcePort: number, destinationPort: number): TcpFields {
  return {
    sourcePort,
    destinationPort,
    seq: 0,
    ack: 0,
    dataOffset: null,
    reserved: 0,
    flags: 0,
    window: DEFAULT_WINDOW,
    checksum: null,
    urgentPointer: 0,
    options: [],
  };
}

/** A message without faults, whose second word is 0. */
export function createIcmp(type: number, code: number): IcmpFields {
  return { type, code, checksum: null, rest: 0 };
}

/** Bytes that are no IPv4 packet. */
export function rawPacket(bytes: Uint8Array): Packet {
  return { ip: null, tcp: null, icmp: null, payload: bytes, trailer: NO_BYTES };
}
