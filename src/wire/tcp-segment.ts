/**
 * A TCP segment as a record that is filled again for each packet: one object a stack, none a packet.
 * Only meaningful values get here; what does not parse is refused before.
 */
import type { Ipv4Address } from "./address.ts";
import type { SeqNum } from "./seq.ts";

/** No more data from the sender (RFC 9293 §3.1). */
export const FIN = 0x01;
/** Synchronise sequence numbers. */
export const SYN = 0x02;
/** Reset the connection. */
export const RST = 0x04;
/** Push. */
export const PSH = 0x08;
/** The acknowledgment field counts. */
export const ACK = 0x10;
/** The urgent pointer counts. */
export const URG = 0x20;
/** Echo of a congestion mark (RFC 3168 §6.1). */
export const ECE = 0x40;
/** The congestion window was reduced (RFC 3168 §6.1). */
export const CWR = 0x80;
/** Not of the wire: the segment's SYN was counted and taken off, and its window is still one of a SYN. */
export const SYN_TAKEN = 0x100;

// Codepoints of the ECN field (RFC 3168 §5), the lower two bits of IPv4's TOS byte.
export const ECT_1 = 1;
export const ECT_0 = 2;
export const CE = 3;

export const MAX_SACK_BLOCKS = 4;
/** Bytes (RFC 7413 §4.1.1). */
export const MAX_COOKIE = 16;

export interface TcpOptions {
  /** 0 when absent (an MSS of 0 counts as absent). */
  mss: number;
  /** -1 when absent; values above 14 are already taken as 14 (RFC 7323 §2.3). */
  windowScale: number;
  /** It was above 14. */
  windowScaleOver: boolean;
  sackPermitted: boolean;
  hasTimestamps: boolean;
  /** int32. */
  tsVal: number;
  tsEcr: number;
  /** User timeout (RFC 5482), seconds; 0 when absent (a value of 0 counts as absent). */
  userTimeout: number;
  /** Fast Open (RFC 7413): bytes of the cookie, 0 asks for one, -1 when absent; the cookie begins `cookie`. */
  fastOpen: number;
  readonly cookie: Uint8Array;
  /** Number of SACK blocks; block i is sack[2i] (left) .. sack[2i + 1] (right, exclusive), as SeqNum. */
  sackCount: number;
  readonly sack: Int32Array;
}

/** A segment as it was read: header and options in host order, and where its text lies. */
export interface TcpSegment extends TcpOptions {
  source: Ipv4Address;
  destination: Ipv4Address;
  sourcePort: number;
  destinationPort: number;
  seq: SeqNum;
  ack: SeqNum;
  /** FIN | SYN | RST | PSH | ACK | URG | ECE | CWR, and SYN_TAKEN on the way through the machine. */
  flags: number;
  /** As on the wire, unscaled. */
  window: number;
  urgentPointer: number;
  /** Codepoint of the packet that it came in. */
  ecn: number;
  /** Payload lies at buffer[payloadOffset .. payloadOffset + payloadLength). */
  buffer: Uint8Array;
  payloadOffset: number;
  payloadLength: number;
  /** `buffer` may be kept, and whether somebody does: see {@link PacketSender.keepReceived}. */
  keepable: boolean;
  kept: boolean;
  /** The payload stays where it is until the end of the batch. */
  lendable: boolean;
  /** Watchers have heard of it. */
  told: boolean;
}

const NO_BYTES = new Uint8Array(0);

export function createTcpSegment(): TcpSegment {
  return {
    source: 0 as Ipv4Address,
    destination: 0 as Ipv4Address,
    sourcePort: 0,
    destinationPort: 0,
    seq: 0 as SeqNum,
    ack: 0 as SeqNum,
    flags: 0,
    window: 0,
    urgentPointer: 0,
    ecn: 0,
    mss: 0,
    windowScale: -1,
    windowScaleOver: false,
    sackPermitted: false,
    hasTimestamps: false,
    tsVal: 0,
    tsEcr: 0,
    userTimeout: 0,
    fastOpen: -1,
    cookie: new Uint8Array(MAX_COOKIE),
    sackCount: 0,
    sack: new Int32Array(2 * MAX_SACK_BLOCKS),
    buffer: NO_BYTES,
    payloadOffset: 0,
    payloadLength: 0,
    keepable: false,
    lendable: false,
    kept: false,
    told: false,
  };
}

/** SEG.LEN (RFC 9293 §3.4): SYN and FIN count one each. */
export function segmentLength(s: TcpSegment): number {
  return s.payloadLength + ((s.flags & SYN) !== 0 ? 1 : 0) + ((s.flags & FIN) !== 0 ? 1 : 0);
}

/** The window in bytes; that of a SYN is never scaled (RFC 7323 §2.2). */
export function scaledWindow(s: TcpSegment, shift: number): number {
  return s.window << ((s.flags & (SYN | SYN_TAKEN)) !== 0 ? 0 : shift);
}

/** Forgets the options of the segment before. */
export function clearOptions(s: TcpOptions): void {
  s.mss = 0;
  s.windowScale = -1;
  s.windowScaleOver = false;
  s.sackPermitted = false;
  s.hasTimestamps = false;
  s.tsVal = 0;
  s.tsEcr = 0;
  s.userTimeout = 0;
  s.fastOpen = -1;
  s.sackCount = 0;
}
