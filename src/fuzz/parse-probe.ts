/**
 * What the parsers of wire make of bytes, as one number. Two buffers that hold the same packet among other bytes must give the
 * same number: else something was read outside of the packet.
 */
import { createIcmpMessage, readIcmp } from "../wire/icmpv4.ts";
import { formatPacket } from "../wire/format.ts";
import { createIpv4Header, PROTO_ICMP, PROTO_TCP, readIpv4 } from "../wire/ipv4.ts";
import { isRouteCompleted, returnRoute } from "../wire/source-route.ts";
import { readTcpOptions, tcpOptionsLength, writeTcpOptions } from "../wire/tcp-options.ts";
import {
  createTcpSegment,
  MAX_COOKIE,
  MAX_SACK_BLOCKS,
  type TcpOptions,
  type TcpSegment,
} from "../wire/tcp-segment.ts";
import { readTcp, tcpHeaderLength, writeTcp } from "../wire/tcp.ts";
import { broken } from "./broken.ts";

const header = createIpv4Header();
const segment: TcpSegment = createTcpSegment();
const again: TcpSegment = createTcpSegment();
const message = createIcmpMessage();
const scratch = new Uint8Array(256);

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193) + (hash >>> 15);
}

/** Of a reason, or null. */
function reason(hash: number, why: string | null): number {
  return why === null ? mix(hash, 1) : mix(hash, why.length * 256 + why.charCodeAt(0));
}

/** A packet at b[at .. at + length); `vouched`: its checksum is not looked at. */
export function probePacket(b: Uint8Array, at: number, length: number, vouched: boolean): number {
  const bad = readIpv4(b, at, length, header);
  let hash = reason(0x811c9dc5, bad);
  if (bad !== null) return bad === "bad-ip-option" ? mix(hash, header.badOptionAt) : hash;
  const { headerLength, totalLength } = header;
  if (headerLength > totalLength || totalLength > length)
    broken("I1", "read outside: an IPv4 header longer than its packet");
  hash = mix(mix(hash, headerLength), totalLength);
  hash = mix(mix(hash, header.source), header.destination);
  hash = mix(mix(hash, header.identification), header.protocol);
  hash = mix(mix(hash, header.fragmentOffset), header.tos * 256 + header.ttl);
  hash = mix(hash, (header.moreFragments ? 1 : 0) + (header.dontFragment ? 2 : 0));
  if (header.sourceRoute) hash = mix(hash, probeRoute(b, at + headerLength));
  const from = at + headerLength;
  const size = totalLength - headerLength;
  if (header.protocol === PROTO_TCP) {
    const wrong = readTcp(b, from, size, header.source, header.destination, vouched, segment);
    hash = reason(hash, wrong);
    return wrong === null || wrong === "bad-option" ? probeSegment(hash, from + size, from) : hash;
  }
  if (header.protocol === PROTO_ICMP) {
    const wrong = readIcmp(b, from, size, message);
    hash = reason(hash, wrong);
    if (wrong !== null) return hash;
    if (message.bodyOffset + message.bodyLength !== from + size)
      broken("I1", "read outside: an ICMP body that is not the packet's");
    hash = mix(mix(hash, message.type * 256 + message.code), message.pointer);
    return mix(mix(hash, message.identifier), message.nextHopMtu);
  }
  return hash;
}

function probeRoute(b: Uint8Array, end: number): number {
  const { sourceRouteAt: at } = header;
  if (at + b[at + 1]! > end) broken("I1", "read outside: a route longer than its header");
  let hash = isRouteCompleted(b, at) ? 1 : 0;
  const route = returnRoute(b, at, header.source);
  if (route === null) return hash;
  if (route.option.length > 40 || route.option.length % 4 !== 0)
    broken("I1", "a route turned round that fits no header");
  hash = mix(hash, route.firstHop);
  for (const byte of route.option) hash = mix(hash, byte);
  return hash;
}

function probeSegment(start: number, end: number, from: number): number {
  const s = segment;
  if (s.payloadOffset < from + 20 || s.payloadOffset + s.payloadLength !== end)
    broken("I1", "read outside: text that is not the packet's");
  let hash = mix(mix(start, s.sourcePort), s.destinationPort);
  hash = mix(mix(mix(hash, s.seq), s.ack), s.flags);
  hash = mix(mix(hash, s.window), s.urgentPointer);
  return mixOptions(hash, s);
}

function mixOptions(start: number, o: TcpOptions): number {
  if (o.sackCount > MAX_SACK_BLOCKS || o.fastOpen > MAX_COOKIE || o.windowScale > 14)
    broken("I1", "options beyond what they may be");
  let hash = mix(mix(start, o.mss), o.windowScale);
  hash = mix(hash, (o.sackPermitted ? 1 : 0) + (o.hasTimestamps ? 2 : 0));
  hash = mix(mix(hash, o.tsVal), o.tsEcr);
  hash = mix(mix(hash, o.userTimeout), o.fastOpen);
  for (let i = 0; i < o.fastOpen; i++) hash = mix(hash, o.cookie[i]!);
  for (let i = 0; i < 2 * o.sackCount; i++) hash = mix(hash, o.sack[i]!);
  return hash;
}

/** TCP options at b[at .. at + length). */
export function probeOptions(b: Uint8Array, at: number, length: number): number {
  return mixOptions(reason(1, readTcpOptions(b, at, at + length, segment)), segment);
}

/** What was read last is written, and read again: it must be the same. */
export function roundTrip(): void {
  const o = segment;
  const length = tcpOptionsLength(o);
  if (length > 60 || length % 4 !== 0) broken("I8", "options of an impossible length");
  const end = writeTcpOptions(scratch, 0, o);
  if (end !== length) broken("I8", "options of another length than was said");
  if (readTcpOptions(scratch, 0, end, again) !== null)
    broken("I8", "options that were written and cannot be read");
  // seconds beyond what fits are told in minutes, rounded up
  const rounded = o.userTimeout > 0x7fff;
  if (rounded && again.userTimeout < o.userTimeout) broken("I8", "a user timeout cut short");
  if (rounded) again.userTimeout = o.userTimeout;
  if (mixOptions(1, again) !== mixOptions(1, o)) broken("I8", "options that changed on their way");
  if (length > 40) return;
  if (tcpHeaderLength(o) !== 20 + length) broken("I8", "a header of another length");
  if (writeTcp(scratch, 0, o) !== 20 + length) broken("I8", "a header of another length");
}

/** The line for people; null where it cannot be said. */
export function probeFormat(b: Uint8Array, at: number, length: number): string {
  return formatPacket(b, at, length);
}
