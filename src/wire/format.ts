/** One line a packet, as tcpdump and packetdrill users read it. Never throws, whatever the bytes. */
import { formatIpv4 } from "./address.ts";
import { createIcmpMessage, readIcmp } from "./icmpv4.ts";
import { createIpv4Header, PROTO_ICMP, PROTO_TCP, readIpv4 } from "./ipv4.ts";
import { type SeqNum, seqUnsigned } from "./seq.ts";
import {
  ACK,
  createTcpSegment,
  CWR,
  ECE,
  FIN,
  PSH,
  RST,
  SYN,
  type TcpSegment,
  URG,
} from "./tcp-segment.ts";
import { readTcp } from "./tcp.ts";

/** SYN, FIN, RST, PSH, ACK (a dot), URG, ECE, CWR: `S.`, `FP.`; `none` for no flag at all. */
export function formatFlags(flags: number): string {
  const letters =
    (flags & SYN ? "S" : "") +
    (flags & FIN ? "F" : "") +
    (flags & RST ? "R" : "") +
    (flags & PSH ? "P" : "") +
    (flags & ACK ? "." : "") +
    (flags & URG ? "U" : "") +
    (flags & ECE ? "E" : "") +
    (flags & CWR ? "W" : "");
  return letters === "" ? "none" : letters;
}

function formatOptions(s: TcpSegment): string {
  const parts: string[] = [];
  if (s.mss > 0) parts.push(`mss ${s.mss}`);
  if (s.sackPermitted) parts.push("sackOK");
  if (s.hasTimestamps) parts.push(`TS val ${s.tsVal >>> 0} ecr ${s.tsEcr >>> 0}`);
  if (s.windowScale >= 0) parts.push(`wscale ${s.windowScale}`);
  if (s.sackCount > 0) {
    const blocks: string[] = [];
    for (let i = 0; i < s.sackCount; i++) {
      blocks.push(`${s.sack[2 * i]! >>> 0}:${s.sack[2 * i + 1]! >>> 0}`);
    }
    parts.push(`sack ${blocks.join(" ")}`);
  }
  return parts.length === 0 ? "" : ` <${parts.join(",")}>`;
}

/** `S. 100:100(0) ack 8 win 65535 <mss 1460>`; sequence numbers as they are. */
export function formatSegment(s: TcpSegment): string {
  const start = seqUnsigned(s.seq);
  const end = seqUnsigned(((s.seq + s.payloadLength) | 0) as SeqNum);
  const ack = s.flags & ACK ? ` ack ${seqUnsigned(s.ack)}` : "";
  const urgent = s.flags & URG ? ` urg ${s.urgentPointer}` : "";
  return `${formatFlags(s.flags)} ${start}:${end}(${s.payloadLength})${ack} win ${s.window}${urgent}${formatOptions(s)}`;
}

export function formatPacket(buf: Uint8Array, offset: number, length: number): string {
  const h = createIpv4Header();
  const bad = readIpv4(buf, offset, length, h);
  if (bad !== null) return `${length} bytes, malformed: ${bad}`;
  const from = formatIpv4(h.source);
  const to = formatIpv4(h.destination);
  const at = offset + h.headerLength;
  const size = h.totalLength - h.headerLength;
  if (h.fragmentOffset > 0 || h.moreFragments) {
    const range = `${h.fragmentOffset}:${h.fragmentOffset + size}${h.moreFragments ? "+" : ""}`;
    return `${from} > ${to} fragment ${range} id ${h.identification} proto ${h.protocol}`;
  }
  if (h.protocol === PROTO_TCP) {
    const s = createTcpSegment();
    const wrong = readTcp(buf, at, size, h.source, h.destination, true, s);
    if (wrong !== null && wrong !== "bad-option") return `${from} > ${to} TCP, malformed: ${wrong}`;
    return `${from}:${s.sourcePort} > ${to}:${s.destinationPort} ${formatSegment(s)}`;
  }
  if (h.protocol === PROTO_ICMP) {
    const m = createIcmpMessage();
    const wrong = readIcmp(buf, at, size, m);
    if (wrong !== null) return `${from} > ${to} ICMP, malformed: ${wrong}`;
    return `${from} > ${to} icmp type ${m.type} code ${m.code} (${m.bodyLength})`;
  }
  return `${from} > ${to} proto ${h.protocol} (${size})`;
}
