/** What a router says to the sender of a packet that is too large for the next link and forbids to be cut (RFC 1191 §4). */
import { readI32, readU16 } from "../base/bytes.ts";
import { ipv4 } from "./address.ts";
import { writeIcmp } from "./icmpv4.ts";
import { IPV4_HEADER, PROTO_ICMP, writeIpv4 } from "./ipv4.ts";

const UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;
/** Of the text behind the quoted header. */
const QUOTED = 8;

/** Its bytes at most: two IPv4 headers, the quoted one with options, and what is quoted. */
export const TOO_BIG_MOST: number = IPV4_HEADER + 8 + 60 + QUOTED;

/**
 * Writes the whole packet to the beginning of `out` and returns its length. `packet` is what was too large for `mtu`. As a modelled
 * router has no address, the message comes in the name of the packet's destination.
 */
export function writeTooBig(out: Uint8Array, packet: Uint8Array, mtu: number): number {
  const quoted = Math.max(IPV4_HEADER, (packet[0]! & 15) * 4) + QUOTED;
  const [source, destination] = [ipv4(readI32(packet, 12)), ipv4(readI32(packet, 16))];
  const length =
    IPV4_HEADER +
    writeIcmp(out, IPV4_HEADER, UNREACHABLE, FRAGMENTATION_NEEDED, mtu, packet, 0, quoted);
  const id = readU16(packet, 4);
  writeIpv4(out, 0, length, 0, id, true, 64, PROTO_ICMP, destination, source);
  return length;
}
