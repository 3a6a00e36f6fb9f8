/** A packet of the stack's, taken apart for comparison: every field that a script can name, live numbers. */
import { readI32, readU16 } from "../base/bytes.ts";
import { foldSum, pseudoHeaderSum, sum16 } from "../wire/checksum.ts";
import { createIpv4Header, PROTO_ICMP, PROTO_TCP, readIpv4 } from "../wire/ipv4.ts";
import { type SeqNum, seq } from "../wire/seq.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { readTcpOptionList, type TcpOption, tcpOptionLength } from "../packet/tcp-option.ts";
import type { LivePacket } from "./world.ts";

interface SeenIp {
  readonly at: number;
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly headerLength: number;
  readonly totalLength: number;
  readonly tos: number;
  readonly ttl: number;
  /** What is wrong with the packet as such, "" for nothing. */
  readonly fault: string;
}

export interface SeenTcp extends SeenIp {
  readonly protocol: "tcp";
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** FIN to CWR, AE as 0x100. */
  readonly flags: number;
  readonly seq: SeqNum;
  readonly ack: SeqNum;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
  readonly length: number;
}

export interface SeenIcmp extends SeenIp {
  readonly protocol: "icmp";
  readonly type: number;
  readonly code: number;
  readonly id: number;
  readonly mtu: number;
}

export type SeenPacket = SeenTcp | SeenIcmp;

export function readPacketSeen(packet: LivePacket): SeenPacket {
  const { bytes, at } = packet;
  const h = createIpv4Header();
  const bad = readIpv4(bytes, 0, bytes.length, h);
  const from = h.headerLength;
  const base: SeenIp = {
    at,
    source: h.source,
    destination: h.destination,
    headerLength: from,
    totalLength: h.totalLength,
    tos: h.tos,
    ttl: h.ttl,
    fault: bad ?? (h.totalLength === bytes.length ? "" : "total length is not the packet's"),
  };
  if (h.protocol === PROTO_ICMP) {
    return {
      ...base,
      protocol: "icmp",
      type: bytes[from]!,
      code: bytes[from + 1]!,
      id: readU16(bytes, from + 4),
      mtu: readU16(bytes, from + 6),
    };
  }
  const length = h.totalLength - from;
  const offset = bytes[from + 12]!;
  const header = (offset >> 4) * 4;
  const options = readOptions(bytes, from + 20, from + header);
  const pseudo = pseudoHeaderSum(h.source, h.destination, PROTO_TCP, length);
  const sum = foldSum(sum16(bytes, from, from + length, pseudo));
  let fault = base.fault;
  if (sum !== 0xffff) fault ||= "bad TCP checksum";
  if ((offset & 0x0e) !== 0) fault ||= "reserved bits are set";
  if (!options.every(fits)) fault ||= "options that do not fit their lengths";
  if (!isZero(bytes, from + header, from + length)) fault ||= "payload that is not zero";
  return {
    ...base,
    fault,
    protocol: "tcp",
    sourcePort: readU16(bytes, from),
    destinationPort: readU16(bytes, from + 2),
    flags: bytes[from + 13]! | ((offset & 1) << 8),
    seq: seq(readI32(bytes, from + 4)),
    ack: seq(readI32(bytes, from + 8)),
    window: readU16(bytes, from + 14),
    urgent: readU16(bytes, from + 18),
    options,
    length: length - header,
  };
}

/** What stands at buf[from .. to), to the last zero: a script says these, too. */
function readOptions(buf: Uint8Array, from: number, to: number): TcpOption[] {
  const options = readTcpOptionList(buf, from, to);
  let at = from;
  for (const option of options) at += tcpOptionLength(option);
  for (; at < to; at++) options.push({ kind: "eol" });
  return options;
}

/** Options without a length that leads on, or behind the end of the list, are kept as bytes. */
function fits(option: TcpOption): boolean {
  return option.kind !== "raw" || option.bytes[1] === option.bytes.length;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}
