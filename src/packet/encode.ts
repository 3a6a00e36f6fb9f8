/** From the record to bytes: what is null is filled in, everything else stands as it was given. Never throws. */
import { writeI32, writeU16 } from "../base/bytes.ts";
import { checksum, pseudoHeaderSum } from "../wire/checksum.ts";
import { IPV4_HEADER, PROTO_ICMP, PROTO_TCP } from "../wire/ipv4.ts";
import { TCP_HEADER } from "../wire/tcp.ts";
import { ipOptionsSize, writeIpOptionList } from "./ip-option.ts";
import {
  AE,
  type IcmpFields,
  type IpFields,
  type Packet,
  PROTOCOL_UNSAID,
  type TcpFields,
} from "./packet.ts";
import { tcpOptionsSize, writeTcpOptionList } from "./tcp-option.ts";

export const ICMP_HEADER = 8;
/** A sum is made of at most so many bytes; no IPv4 packet is longer. */
const MAX_SUM = 65535;

function transportHeader(packet: Packet): number {
  if (packet.tcp !== null) return TCP_HEADER + tcpOptionsSize(packet.tcp.options);
  return packet.icmp === null ? 0 : ICMP_HEADER;
}

/** Bytes it takes, trailer included. */
export function packetLength(packet: Packet): number {
  const { ip, payload, trailer } = packet;
  if (ip === null) return payload.length;
  return (
    IPV4_HEADER +
    ipOptionsSize(ip.options) +
    transportHeader(packet) +
    payload.length +
    trailer.length
  );
}

/** The protocol number that goes out. */
export function protocolOf(packet: Packet): number {
  const given = packet.ip?.protocol ?? null;
  if (given !== null) return given;
  if (packet.tcp !== null) return PROTO_TCP;
  return packet.icmp === null ? PROTOCOL_UNSAID : PROTO_ICMP;
}

/** The packet as bytes; what was null is filled in. */
export function encode(packet: Packet): Uint8Array {
  const bytes = new Uint8Array(packetLength(packet));
  encodeInto(packet, bytes, 0);
  return bytes;
}

/** Writes to `buf`, which has room for {@link packetLength}; returns where the packet ends. */
export function encodeInto(packet: Packet, buf: Uint8Array, offset: number): number {
  const { ip, tcp, icmp, payload, trailer } = packet;
  if (ip === null) {
    buf.set(payload, offset);
    return offset + payload.length;
  }
  const body = writeIpOptionList(buf, offset + IPV4_HEADER, ip.options);
  const data = body + transportHeader(packet);
  const end = data + payload.length;
  buf.set(payload, data);
  buf.set(trailer, end);
  writeIp(buf, offset, ip, body, end, protocolOf(packet));
  if (tcp !== null) writeTcp(buf, body, tcp, ip, end);
  else if (icmp !== null) writeIcmp(buf, body, icmp, end);
  return end + trailer.length;
}

function writeIp(
  buf: Uint8Array,
  at: number,
  ip: IpFields,
  body: number,
  end: number,
  protocol: number,
): void {
  const version = ip.version ?? 4;
  const ihl = ip.ihl ?? (body - at) >>> 2;
  buf[at] = ((version & 15) << 4) | (ihl & 15);
  buf[at + 1] = ip.tos;
  writeU16(buf, at + 2, ip.totalLength ?? end - at);
  writeU16(buf, at + 4, ip.id);
  const flags =
    (ip.reservedFlag ? 0x8000 : 0) |
    (ip.dontFragment ? 0x4000 : 0) |
    (ip.moreFragments ? 0x2000 : 0);
  writeU16(buf, at + 6, flags | ((ip.fragmentOffset >>> 3) & 0x1fff));
  buf[at + 8] = ip.ttl;
  buf[at + 9] = protocol;
  writeU16(buf, at + 10, 0);
  writeI32(buf, at + 12, ip.source);
  writeI32(buf, at + 16, ip.destination);
  writeU16(buf, at + 10, ip.checksum ?? checksum(buf, at, body));
}

function writeTcp(buf: Uint8Array, at: number, tcp: TcpFields, ip: IpFields, end: number): void {
  writeU16(buf, at, tcp.sourcePort);
  writeU16(buf, at + 2, tcp.destinationPort);
  writeI32(buf, at + 4, tcp.seq);
  writeI32(buf, at + 8, tcp.ack);
  const options = writeTcpOptionList(buf, at + TCP_HEADER, tcp.options);
  const dataOffset = tcp.dataOffset ?? (options - at) >>> 2;
  buf[at + 12] =
    ((dataOffset & 15) << 4) | ((tcp.reserved & 7) << 1) | ((tcp.flags & AE) !== 0 ? 1 : 0);
  buf[at + 13] = tcp.flags;
  writeU16(buf, at + 14, tcp.window);
  writeU16(buf, at + 16, 0);
  writeU16(buf, at + 18, tcp.urgentPointer);
  writeU16(buf, at + 16, tcp.checksum ?? tcpChecksum(buf, at, end, ip));
}

/** Of the segment in buf[at .. end), whose checksum field is 0. */
export function tcpChecksum(
  buf: Uint8Array,
  at: number,
  end: number,
  ip: Pick<IpFields, "source" | "destination">,
): number {
  const length = Math.min(end - at, MAX_SUM);
  const pseudo = pseudoHeaderSum(ip.source, ip.destination, PROTO_TCP, length);
  return checksum(buf, at, at + length, pseudo);
}

function writeIcmp(buf: Uint8Array, at: number, icmp: IcmpFields, end: number): void {
  buf[at] = icmp.type;
  buf[at + 1] = icmp.code;
  writeU16(buf, at + 2, 0);
  writeI32(buf, at + 4, icmp.rest);
  writeU16(buf, at + 2, icmp.checksum ?? icmpChecksum(buf, at, end));
}

export function icmpChecksum(buf: Uint8Array, at: number, end: number): number {
  return checksum(buf, at, at + Math.min(end - at, MAX_SUM));
}
