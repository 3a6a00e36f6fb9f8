/** TCP segments (RFC 9293 §3.1): from bytes to the record and back, checksum verified and made. */
import { readI32, readU16, writeI32, writeU16, writeU8 } from "../base/bytes.ts";
import type { Ipv4Address } from "./address.ts";
import { checksum, foldSum, pseudoHeaderSum, sum16 } from "./checksum.ts";
import { PROTO_TCP } from "./ipv4.ts";
import { seq } from "./seq.ts";
import { readTcpOptions, tcpOptionsLength, writeTcpOptions } from "./tcp-options.ts";
import { clearOptions, type TcpOptions, type TcpSegment } from "./tcp-segment.ts";

export const TCP_HEADER = 20;
const CHECKSUM_AT = 16;

export type TcpMalformed = "truncated" | "bad-data-offset" | "bad-checksum" | "bad-option";

/** Reads a segment of `length` bytes at buf[offset ..]; `checksumGood`: the device vouches for it. */
export function readTcp(
  buf: Uint8Array,
  offset: number,
  length: number,
  source: Ipv4Address,
  destination: Ipv4Address,
  checksumGood: boolean,
  out: TcpSegment,
): TcpMalformed | null {
  if (length < TCP_HEADER) return "truncated";
  const headerLength = (buf[offset + 12]! >> 4) * 4;
  if (headerLength < TCP_HEADER || headerLength > length) return "bad-data-offset";
  if (!checksumGood) {
    const pseudo = pseudoHeaderSum(source, destination, PROTO_TCP, length);
    if (foldSum(sum16(buf, offset, offset + length, pseudo)) !== 0xffff) return "bad-checksum";
  }
  out.source = source;
  out.destination = destination;
  out.sourcePort = readU16(buf, offset);
  out.destinationPort = readU16(buf, offset + 2);
  out.seq = seq(readI32(buf, offset + 4));
  out.ack = seq(readI32(buf, offset + 8));
  out.flags = buf[offset + 13]!;
  out.window = readU16(buf, offset + 14);
  out.urgentPointer = readU16(buf, offset + 18);
  out.buffer = buf;
  out.payloadOffset = offset + headerLength;
  out.payloadLength = length - headerLength;
  if (headerLength === TCP_HEADER) {
    clearOptions(out);
    return null;
  }
  return readTcpOptions(buf, offset + TCP_HEADER, offset + headerLength, out);
}

export function tcpHeaderLength(o: TcpOptions): number {
  return TCP_HEADER + tcpOptionsLength(o);
}

/** Writes header and options from the record, the checksum field 0; returns the header's length. */
export function writeTcp(buf: Uint8Array, offset: number, s: TcpSegment): number {
  writeU16(buf, offset, s.sourcePort);
  writeU16(buf, offset + 2, s.destinationPort);
  writeI32(buf, offset + 4, s.seq);
  writeI32(buf, offset + 8, s.ack);
  writeU8(buf, offset + 13, s.flags);
  writeU16(buf, offset + 14, s.window);
  writeU16(buf, offset + CHECKSUM_AT, 0);
  writeU16(buf, offset + 18, s.urgentPointer);
  const end = writeTcpOptions(buf, offset + TCP_HEADER, s);
  const headerLength = end - offset;
  writeU8(buf, offset + 12, (headerLength / 4) << 4);
  return headerLength;
}

/** For a whole segment in one piece. */
export function fillTcpChecksum(
  buf: Uint8Array,
  offset: number,
  length: number,
  source: Ipv4Address,
  destination: Ipv4Address,
): void {
  writeU16(buf, offset + CHECKSUM_AT, 0);
  const pseudo = pseudoHeaderSum(source, destination, PROTO_TCP, length);
  writeU16(buf, offset + CHECKSUM_AT, checksum(buf, offset, offset + length, pseudo));
}

/** For a device that completes it: the pseudo-header's sum, folded, not inverted. */
export function fillTcpPseudoSum(
  buf: Uint8Array,
  offset: number,
  length: number,
  source: Ipv4Address,
  destination: Ipv4Address,
): void {
  writeU16(
    buf,
    offset + CHECKSUM_AT,
    foldSum(pseudoHeaderSum(source, destination, PROTO_TCP, length)),
  );
}
