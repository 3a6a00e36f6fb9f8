/**
 * From bytes to the record. Any bytes are a packet, and `encode` gives the same bytes again: a field that is as it should be
 * becomes null, one that is wrong stands with its value, and what is too short for its header is payload. Never throws.
 */
import { readI32, readU16 } from "../base/bytes.ts";
import { ipv4 } from "../wire/address.ts";
import { checksum, pseudoHeaderSum, sum16 } from "../wire/checksum.ts";
import { IPV4_HEADER, PROTO_ICMP, PROTO_TCP } from "../wire/ipv4.ts";
import { TCP_HEADER } from "../wire/tcp.ts";
import { ICMP_HEADER } from "./encode.ts";
import { copyOf } from "./hex.ts";
import { type IpOption, ipOptionsSize, readIpOptionList } from "./ip-option.ts";
import {
  AE,
  type IcmpFields,
  type IpFields,
  NO_BYTES,
  type Packet,
  rawPacket,
  type TcpFields,
} from "./packet.ts";
import { readTcpOptionList, type TcpOption, tcpOptionsSize } from "./tcp-option.ts";

const NO_OPTIONS: readonly never[] = [];
const MAX_SUM = 65535;

/** Decodes bytes[from .. to). The record does not share memory with them. */
export function decode(bytes: Uint8Array, from: number = 0, to: number = bytes.length): Packet {
  const length = to - from;
  if (length < IPV4_HEADER) return rawPacket(copyOf(bytes, from, to));
  const ihl = bytes[from]! & 15;
  const fits = ihl >= 5 && 4 * ihl <= length;
  const body = from + (fits ? 4 * ihl : IPV4_HEADER);
  const fragment = readU16(bytes, from + 6);
  const protocol = (fragment & 0x1fff) !== 0 ? -1 : bytes[from + 9]!;
  const header = transportHeader(bytes, body, to, protocol);

  // a receiver stops at the total length; one that cuts a header off is no end but a wrong field
  const total = readU16(bytes, from + 2);
  const end = total < length && from + total >= body + header ? from + total : to;

  const options: readonly IpOption[] =
    body - from === IPV4_HEADER ? NO_OPTIONS : readIpOptionList(bytes, from + IPV4_HEADER, body);
  const ip = readIp(bytes, from, body, end, options, fits, header);
  let tcp: TcpFields | null = null;
  let icmp: IcmpFields | null = null;
  if (header >= TCP_HEADER) tcp = readTcp(bytes, body, body + header, end, ip);
  else if (header === ICMP_HEADER) icmp = readIcmp(bytes, body, end);
  return {
    ip,
    tcp,
    icmp,
    payload: copyOf(bytes, body + header, end),
    trailer: end === to ? NO_BYTES : copyOf(bytes, end, to),
  };
}

/** Bytes of the header that is there in full, 0 for none. A data offset that leads nowhere counts as no options. */
function transportHeader(bytes: Uint8Array, at: number, to: number, protocol: number): number {
  if (protocol === PROTO_TCP && to - at >= TCP_HEADER) {
    const length = (bytes[at + 12]! >> 4) * 4;
    return length >= TCP_HEADER && length <= to - at ? length : TCP_HEADER;
  }
  return protocol === PROTO_ICMP && to - at >= ICMP_HEADER ? ICMP_HEADER : 0;
}

function readIp(
  bytes: Uint8Array,
  at: number,
  body: number,
  end: number,
  options: readonly IpOption[],
  fits: boolean,
  header: number,
): IpFields {
  const version = bytes[at]! >> 4;
  const ihl = bytes[at]! & 15;
  const total = readU16(bytes, at + 2);
  const fragment = readU16(bytes, at + 6);
  const sum = readU16(bytes, at + 10);
  const size = IPV4_HEADER + (options.length === 0 ? 0 : ipOptionsSize(options));
  return {
    version: version === 4 ? null : version,
    ihl: fits && size === 4 * ihl ? null : ihl,
    tos: bytes[at + 1]!,
    totalLength: total === end - at ? null : total,
    id: readU16(bytes, at + 4),
    reservedFlag: (fragment & 0x8000) !== 0,
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    ttl: bytes[at + 8]!,
    protocol: header === 0 ? bytes[at + 9]! : null,
    checksum: sum === rightSum(bytes, at, at + 10, body) ? null : sum,
    source: ipv4(readI32(bytes, at + 12)),
    destination: ipv4(readI32(bytes, at + 16)),
    options,
  };
}

/** The checksum that belongs at `field` in bytes[at .. end), whatever stands there. */
function rightSum(bytes: Uint8Array, at: number, field: number, end: number, first = 0): number {
  return checksum(bytes, field + 2, end, sum16(bytes, at, field, first));
}

function readTcp(
  bytes: Uint8Array,
  at: number,
  data: number,
  end: number,
  ip: IpFields,
): TcpFields {
  const options: readonly TcpOption[] =
    data - at === TCP_HEADER ? NO_OPTIONS : readTcpOptionList(bytes, at + TCP_HEADER, data);
  const high = bytes[at + 12]!;
  const sum = readU16(bytes, at + 16);
  const length = Math.min(end - at, MAX_SUM);
  const pseudo = pseudoHeaderSum(ip.source, ip.destination, PROTO_TCP, length);
  const size = TCP_HEADER + (options.length === 0 ? 0 : tcpOptionsSize(options));
  return {
    sourcePort: readU16(bytes, at),
    destinationPort: readU16(bytes, at + 2),
    seq: readI32(bytes, at + 4) >>> 0,
    ack: readI32(bytes, at + 8) >>> 0,
    dataOffset: size === 4 * (high >> 4) ? null : high >> 4,
    reserved: (high >> 1) & 7,
    flags: bytes[at + 13]! | ((high & 1) !== 0 ? AE : 0),
    window: readU16(bytes, at + 14),
    checksum: sum === rightSum(bytes, at, at + 16, at + length, pseudo) ? null : sum,
    urgentPointer: readU16(bytes, at + 18),
    options,
  };
}

function readIcmp(bytes: Uint8Array, at: number, end: number): IcmpFields {
  const sum = readU16(bytes, at + 2);
  const length = Math.min(end - at, MAX_SUM);
  return {
    type: bytes[at]!,
    code: bytes[at + 1]!,
    checksum: sum === rightSum(bytes, at, at + 2, at + length) ? null : sum,
    rest: readI32(bytes, at + 4) >>> 0,
  };
}
