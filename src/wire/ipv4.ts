/** IPv4 headers (RFC 791): a view over received bytes, checked once, and the header of 20 bytes that we send. */
import { readI32, readU16, writeI32, writeU16, writeU8 } from "../base/bytes.ts";
import { ipv4, type Ipv4Address } from "./address.ts";
import { checksum, foldSum, sum16 } from "./checksum.ts";
import { LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE } from "./source-route.ts";

export const IPV4_HEADER = 20;
export const PROTO_ICMP = 1;
export const PROTO_TCP = 6;

export interface Ipv4Header {
  headerLength: number;
  totalLength: number;
  /** DSCP and ECN. */
  tos: number;
  identification: number;
  dontFragment: boolean;
  moreFragments: boolean;
  /** Bytes. */
  fragmentOffset: number;
  ttl: number;
  protocol: number;
  source: Ipv4Address;
  destination: Ipv4Address;
  /** An option asks for a source route. */
  sourceRoute: boolean;
  /** Where in the buffer its first one begins; meaningful with `sourceRoute` only. */
  sourceRouteAt: number;
  /** Where in the packet the option begins that spoils it; meaningful with "bad-ip-option" only. */
  badOptionAt: number;
}

export type Ipv4Malformed =
  | "truncated"
  | "not-ipv4"
  | "bad-header-length"
  | "bad-total-length"
  | "bad-checksum"
  | "bad-ip-option";

export function createIpv4Header(): Ipv4Header {
  return {
    headerLength: IPV4_HEADER,
    totalLength: IPV4_HEADER,
    tos: 0,
    identification: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 0,
    protocol: 0,
    source: ipv4(0),
    destination: ipv4(0),
    sourceRoute: false,
    sourceRouteAt: 0,
    badOptionAt: 0,
  };
}

/**
 * Reads the header at buf[offset ..] of a packet of `length` bytes as read. Bytes behind the total
 * length are not the packet's. Returns what is wrong, null when nothing is.
 */
export function readIpv4(
  buf: Uint8Array,
  offset: number,
  length: number,
  out: Ipv4Header,
): Ipv4Malformed | null {
  if (length < 1) return "truncated";
  const first = buf[offset]!;
  if (first >> 4 !== 4) return "not-ipv4";
  if (length < IPV4_HEADER) return "truncated";
  const headerLength = (first & 15) * 4;
  if (headerLength < IPV4_HEADER || headerLength > length) return "bad-header-length";
  const totalLength = readU16(buf, offset + 2);
  if (totalLength < headerLength || totalLength > length) return "bad-total-length";
  // judged by the sum, so that both encodings of zero are right (RFC 1624)
  if (foldSum(sum16(buf, offset, offset + headerLength)) !== 0xffff) return "bad-checksum";
  const fragment = readU16(buf, offset + 6);
  out.headerLength = headerLength;
  out.totalLength = totalLength;
  out.tos = buf[offset + 1]!;
  out.identification = readU16(buf, offset + 4);
  out.dontFragment = (fragment & 0x4000) !== 0;
  out.moreFragments = (fragment & 0x2000) !== 0;
  out.fragmentOffset = (fragment & 0x1fff) * 8;
  out.ttl = buf[offset + 8]!;
  out.protocol = buf[offset + 9]!;
  out.source = ipv4(readI32(buf, offset + 12));
  out.destination = ipv4(readI32(buf, offset + 16));
  out.sourceRoute = false;
  return headerLength === IPV4_HEADER ? null : walkOptions(buf, offset, headerLength, out);
}

/** Unknown options are skipped by their length; one that cannot be skipped spoils the packet (RFC 1122 §3.2.1.8). */
function walkOptions(
  buf: Uint8Array,
  offset: number,
  headerLength: number,
  out: Ipv4Header,
): Ipv4Malformed | null {
  const end = offset + headerLength;
  let at = offset + IPV4_HEADER;
  while (at < end) {
    const kind = buf[at]!;
    if (kind === 0) return null;
    if (kind === 1) {
      at++;
      continue;
    }
    const size = at + 1 < end ? buf[at + 1]! : 0;
    if (size < 2 || at + size > end) {
      out.badOptionAt = at - offset;
      return "bad-ip-option";
    }
    if ((kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) && !out.sourceRoute) {
      out.sourceRoute = true;
      out.sourceRouteAt = at;
    }
    at += size;
  }
  return null;
}

/** Writes a header of 20 bytes, checksum included. */
export function writeIpv4(
  buf: Uint8Array,
  offset: number,
  totalLength: number,
  tos: number,
  identification: number,
  dontFragment: boolean,
  ttl: number,
  protocol: number,
  source: Ipv4Address,
  destination: Ipv4Address,
): void {
  writeU8(buf, offset, 0x45);
  writeU8(buf, offset + 1, tos);
  writeU16(buf, offset + 2, totalLength);
  writeU16(buf, offset + 4, identification);
  writeU16(buf, offset + 6, dontFragment ? 0x4000 : 0);
  writeU8(buf, offset + 8, ttl);
  writeU8(buf, offset + 9, protocol);
  writeU16(buf, offset + 10, 0);
  writeI32(buf, offset + 12, source);
  writeI32(buf, offset + 16, destination);
  writeU16(buf, offset + 10, checksum(buf, offset, offset + IPV4_HEADER));
}

/** Puts `options`, a multiple of 4 bytes, behind a header of 20 bytes that was written at `offset`. */
export function writeIpv4Options(buf: Uint8Array, offset: number, options: Uint8Array): void {
  const headerLength = IPV4_HEADER + options.length;
  writeU8(buf, offset, 0x40 | (headerLength / 4));
  writeU16(buf, offset + 2, readU16(buf, offset + 2) + options.length);
  buf.set(options, offset + IPV4_HEADER);
  writeU16(buf, offset + 10, 0);
  writeU16(buf, offset + 10, checksum(buf, offset, offset + headerLength));
}
