/** What ICMP errors quote: the IPv4 header and the first bytes behind it of the packet they are about (RFC 792, RFC 1122 §3.2.2). */
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { NO_BYTES, type Packet } from "./packet.ts";
import { IPV4_HEADER, PROTO_TCP } from "../wire/ipv4.ts";
import { TCP_HEADER } from "../wire/tcp.ts";

/** Bytes behind the IPv4 header. */
const QUOTED = 8;

/** As a host quotes it: header and 8 bytes. */
export function quoteOf(packet: Packet): Uint8Array {
  const bytes = encode(packet);
  const header = packet.ip === null ? IPV4_HEADER : (bytes[0]! & 15) * 4;
  return bytes.slice(0, Math.max(header, IPV4_HEADER) + QUOTED);
}

/**
 * A packet whose quote these bytes are, with zeros for what was cut off behind the ports and the sequence number; null where there
 * is none, and then the bytes have to speak for themselves.
 */
export function quotedPacket(bytes: Uint8Array): Packet | null {
  const header = bytes.length < IPV4_HEADER ? 0 : (bytes[0]! & 15) * 4;
  if (header < IPV4_HEADER || bytes.length !== header + QUOTED) return null;
  if (bytes[9] !== PROTO_TCP || (bytes[6]! & 0x1f) !== 0 || bytes[7] !== 0) return null;
  const whole = new Uint8Array(header + TCP_HEADER);
  whole.set(bytes);
  whole[header + 12] = 0x50;
  const packet = decode(whole);
  if (packet.ip === null || packet.tcp === null) return null;
  // the sum was cut off; what is filled in is not quoted
  packet.tcp.checksum = null;
  packet.payload = NO_BYTES;
  const again = quoteOf(packet);
  return again.length === bytes.length && again.every((b, i) => b === bytes[i]) ? packet : null;
}
