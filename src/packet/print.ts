/**
 * A packet as one line: `192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460>`. A field is said where it differs from what
 * {@link parsePacket} takes without it, so that the exact form gives the same packet again, wrong fields included.
 */
import { formatIpv4, ipv4 } from "../wire/address.ts";
import { ACK, URG } from "../wire/tcp-segment.ts";
import { protocolOf } from "./encode.ts";
import { toHex } from "./hex.ts";
import {
  FRAG_NEEDED,
  hasIdentifier,
  icmpCodeName,
  icmpTypeName,
  quotes,
  UNREACHABLE,
} from "./icmp-words.ts";
import { formatIpOption, formatTcpOptions } from "./option-text.ts";
import {
  DEFAULT_TTL,
  type IcmpFields,
  type IpFields,
  type Packet,
  type TcpFields,
} from "./packet.ts";
import { quotedPacket } from "./quote.ts";
import { formatTcpFlags } from "./tcp-flags.ts";

/** What a line leaves out. */
export interface PrintStyle {
  /** Bytes of payload that are written out: none, the first few, or all of them. */
  readonly data: "none" | "some" | "all";
  /** Whether the IPv4 fields that are as they may be (id, DF, TTL) are written. */
  readonly ip: boolean;
  /** Taken from sequence numbers of the one and acknowledgments of the other, so that they count from 0. */
  readonly seqBase?: number;
  readonly ackBase?: number;
}

/** Nothing left out: parsing the line gives the packet again. */
export const EXACT: PrintStyle = { data: "all", ip: true };
/** For reading: what is wrong is still said. */
export const BRIEF: PrintStyle = { data: "some", ip: false };

const SOME = 32;

/** The packet as a line, in the words that {@link parsePacket} reads. */
export function formatPacket(packet: Packet, style: PrintStyle = EXACT): string {
  const { ip, tcp, icmp, payload } = packet;
  if (ip === null) return `raw ${toHex(payload)}`.trimEnd();
  const from = formatIpv4(ip.source);
  const to = formatIpv4(ip.destination);
  let line: string;
  if (tcp !== null) {
    line = `${from}:${tcp.sourcePort} > ${to}:${tcp.destinationPort} ${formatTcp(tcp, payload.length, style)}`;
  } else if (icmp !== null) {
    line = `${from} > ${to} icmp ${formatIcmp(icmp)} (${payload.length})`;
  } else line = `${from} > ${to} proto ${protocolOf(packet)} (${payload.length})`;
  const quoted = icmp !== null && quotes(icmp.type) ? quotedPacket(payload) : null;
  line += quoted === null ? formatData(payload, style) : ` {${formatPacket(quoted, style)}}`;
  const words = ipWords(packet, ip, style);
  return words.length === 0 ? line : `${line} [${words.join(",")}]`;
}

/** What stands behind the ports: `S 0:0(0) win 65535 <mss 1460>`. */
export function formatTcp(tcp: TcpFields, length: number, style: PrintStyle = EXACT): string {
  const start = (tcp.seq - (style.seqBase ?? 0)) >>> 0;
  let line = `${formatTcpFlags(tcp.flags)} ${start}:${(start + length) >>> 0}(${length})`;
  const hasAck = (tcp.flags & ACK) !== 0;
  if (hasAck || tcp.ack !== 0) {
    line += ` ack ${hasAck ? (tcp.ack - (style.ackBase ?? 0)) >>> 0 : tcp.ack >>> 0}`;
  }
  line += ` win ${tcp.window}`;
  if ((tcp.flags & URG) !== 0 || tcp.urgentPointer !== 0) line += ` urg ${tcp.urgentPointer}`;
  if (tcp.dataOffset !== null) line += ` doff ${tcp.dataOffset}`;
  if (tcp.reserved !== 0) line += ` rsv ${tcp.reserved}`;
  if (tcp.checksum !== null) line += ` sum ${hex4(tcp.checksum)}`;
  if (tcp.options.length > 0) line += ` <${formatTcpOptions(tcp.options)}>`;
  return line;
}

function formatIcmp(icmp: IcmpFields): string {
  const { type, code, rest } = icmp;
  let line = icmpTypeName(type);
  if (code !== 0 || type === UNREACHABLE) line += ` ${icmpCodeName(type, code)}`;
  if (hasIdentifier(type)) line += ` id ${rest >>> 16} seq ${rest & 0xffff}`;
  else if (rest !== 0) {
    if (type === UNREACHABLE && code === FRAG_NEEDED && rest <= 0xffff) line += ` mtu ${rest}`;
    else if (type === 5) line += ` gateway ${formatIpv4(ipv4(rest))}`;
    else if (type === 12 && (rest & 0xffffff) === 0) line += ` ptr ${rest >>> 24}`;
    else line += ` rest 0x${(rest >>> 0).toString(16)}`;
  }
  return icmp.checksum === null ? line : `${line} sum ${hex4(icmp.checksum)}`;
}

function hex4(n: number): string {
  return `0x${(n & 0xffff).toString(16).padStart(4, "0")}`;
}

function ipWords(packet: Packet, ip: IpFields, style: PrintStyle): string[] {
  const transport = packet.tcp !== null || packet.icmp !== null;
  const word = (name: string, n: number | null): string[] => (n === null ? [] : [`${name} ${n}`]);
  const words = [
    ...word("version", ip.version),
    ...word("ihl", ip.ihl),
    ...(ip.tos === 0 ? [] : [tosWord(ip.tos)]),
    ...word("length", ip.totalLength),
    ...word("id", style.ip && ip.id !== 0 ? ip.id : null),
    ...fragmentWords(ip, style),
    ...word("ttl", style.ip && ip.ttl !== DEFAULT_TTL ? ip.ttl : null),
    ...word("proto", transport ? ip.protocol : null),
    ...(ip.checksum === null ? [] : [`sum ${hex4(ip.checksum)}`]),
    ...ip.options.map((option) => `opt ${formatIpOption(option)}`),
  ];
  if (packet.trailer.length > 0) words.push(trailerWord(packet.trailer, style));
  return words;
}

function fragmentWords(ip: IpFields, style: PrintStyle): string[] {
  const words: string[] = [];
  if (ip.reservedFlag) words.push("RF");
  if (style.ip && ip.dontFragment) words.push("DF");
  if (ip.moreFragments) words.push("MF");
  if (ip.fragmentOffset !== 0) words.push(`frag ${ip.fragmentOffset}`);
  return words;
}

function trailerWord(trailer: Uint8Array, style: PrintStyle): string {
  return style.data === "all" ? `trailer ${toHex(trailer)}` : `trailer of ${trailer.length}`;
}

function tosWord(tos: number): string {
  return ["", "ect1", "ect0", "ce"][tos] ?? `tos 0x${tos.toString(16).padStart(2, "0")}`;
}

/** Zeros go without saying, as everywhere in packetdrill. */
function formatData(payload: Uint8Array, style: PrintStyle): string {
  if (style.data === "none" || payload.every((b) => b === 0)) return "";
  const first = payload[0]!;
  if (payload.length >= 8 && payload.every((b) => b === first)) {
    return ` data ${toHex(payload.subarray(0, 1))}*${payload.length}`;
  }
  const cut = style.data === "some" && payload.length > SOME;
  const shown = cut ? payload.subarray(0, SOME) : payload;
  return ` data ${shown.every(isText) ? quote(shown) : toHex(shown)}${cut ? "…" : ""}`;
}

function isText(b: number): boolean {
  return (b >= 32 && b < 127) || b === 9 || b === 10 || b === 13;
}

function quote(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) {
    if (b === 34 || b === 92) text += `\\${String.fromCharCode(b)}`;
    else if (b === 9) text += "\\t";
    else if (b === 10) text += "\\n";
    else text += b === 13 ? "\\r" : String.fromCharCode(b);
  }
  return `"${text}"`;
}
