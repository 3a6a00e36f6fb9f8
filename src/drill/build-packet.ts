/** A packet of the peer's as bytes: what the script says, in live numbers. */
import { writeI32, writeU16 } from "../base/bytes.ts";
import { checksum } from "../wire/checksum.ts";
import { IPV4_HEADER, PROTO_ICMP, PROTO_TCP, writeIpv4 } from "../wire/ipv4.ts";
import { ACK } from "../wire/tcp-segment.ts";
import { fillTcpChecksum, TCP_HEADER } from "../wire/tcp.ts";
import type { EcnWord, IcmpBody, IpInfo, PacketAction, TcpBody, UdpBody } from "./ast.ts";
import { DrillError } from "./failure.ts";
import type { Flow } from "./flow.ts";
import { AE } from "../packet/packet.ts";
import { type TcpOption, tcpOptionsSize, writeTcpOptionList } from "../packet/tcp-option.ts";

const PROTO_UDP = 17;
const TTL = 255;
const ECN_BITS: Readonly<Record<EcnWord, number>> = { noecn: 0, ect1: 1, ect0: 2, ce: 3, ect01: 2 };

export interface BuildOptions {
  readonly flow: Flow;
  /** Unrecorded echoes are counted from the first timestamp. */
  readonly scaledEcho: boolean;
  readonly line: number;
}

export function buildPacket(p: PacketAction, o: BuildOptions): Uint8Array {
  const { body } = p;
  if (body.protocol === "icmp") return ip(p.ip, PROTO_ICMP, icmp(body, o), o.flow);
  if (body.protocol === "udp") return ip(p.ip, PROTO_UDP, udp(body), o.flow);
  const segment = tcp(body, p.ports, o);
  const packet = ip(p.ip, PROTO_TCP, segment, o.flow);
  fillTcpChecksum(packet, IPV4_HEADER, segment.length, o.flow.remote, o.flow.local);
  return packet;
}

function ip(info: IpInfo, protocol: number, payload: Uint8Array, flow: Flow): Uint8Array {
  const packet = new Uint8Array(IPV4_HEADER + payload.length);
  packet.set(payload, IPV4_HEADER);
  const tos = info.tos ?? (info.ecn === null ? 0 : ECN_BITS[info.ecn]);
  const { remote, local } = flow;
  writeIpv4(packet, 0, packet.length, tos, 0, false, info.ttl ?? TTL, protocol, remote, local);
  return packet;
}

function tcp(body: TcpBody, ports: PacketAction["ports"], o: BuildOptions): Uint8Array {
  const { flow } = o;
  const options = (body.options as readonly TcpOption[]).map((option) => live(option, body, o));
  const header = TCP_HEADER + tcpOptionsSize(options);
  const s = new Uint8Array(header + body.length);
  writeU16(s, 0, ports?.source ?? flow.remotePort);
  writeU16(s, 2, ports?.destination ?? flow.localPort);
  writeI32(s, 4, flow.theirSeq(body.seq, body.flags));
  writeI32(s, 8, flow.ackOfPeer(body.ack, body.flags));
  s[12] = ((header / 4) << 4) | ((body.flags & AE) >> 8);
  s[13] = body.flags & 255;
  writeU16(s, 14, body.window!);
  writeU16(s, 18, body.urgent);
  writeTcpOptionList(s, TCP_HEADER, options);
  return s;
}

function live(option: TcpOption, body: TcpBody, o: BuildOptions): TcpOption {
  if (option.kind === "sack") {
    const edge = (n: number): number => o.flow.ourSeq(n, 0) >>> 0;
    return { kind: "sack", blocks: option.blocks.map(([l, r]) => [edge(l), edge(r)] as const) };
  }
  if (option.kind !== "TS" || (body.flags & ACK) === 0) return option;
  const ecr = o.flow.echo(option.ecr, o.scaledEcho);
  if (ecr === null)
    throw new DrillError(
      "script",
      o.line,
      `TS ecr ${option.ecr}: the stack was never expected to send TS val ${option.ecr}`,
    );
  return { ...option, ecr };
}

function udp(body: UdpBody): Uint8Array {
  const d = new Uint8Array(8 + body.length);
  writeU16(d, 4, d.length);
  return d;
}

/** Quoted as a router would: an IP header, and eight bytes behind it. */
function icmp(body: IcmpBody, o: BuildOptions): Uint8Array {
  const { quote } = body;
  const quoted =
    quote.kind === "raw" ? new Uint8Array(Math.max(0, quote.length - 8)) : quoteOf(body, o);
  const message = new Uint8Array(8 + quoted.length);
  message[0] = body.type;
  message[1] = body.code;
  if (body.id !== null) writeU16(message, 4, body.id);
  if (body.mtu !== null) writeU16(message, 6, body.mtu);
  message.set(quoted, 8);
  writeU16(message, 2, checksum(message, 0, message.length));
  return message;
}

/** Echoes and their like quote nothing. */
const ERRORS = new Set([3, 4, 5, 11, 12]);

function quoteOf(body: IcmpBody, o: BuildOptions): Uint8Array {
  const { flow } = o;
  const { quote } = body;
  if (quote.kind === "none" && !ERRORS.has(body.type)) return new Uint8Array(0);
  const quoted = new Uint8Array(IPV4_HEADER + 8);
  const isUdp = quote.kind === "udp";
  const length = quote.kind === "none" ? 0 : quote.length;
  const total = isUdp ? 28 + length : 40 + length;
  const protocol = isUdp ? PROTO_UDP : PROTO_TCP;
  writeIpv4(quoted, 0, total, 0, 0, true, 64, protocol, flow.local, flow.remote);
  writeU16(quoted, 20, flow.localPort);
  writeU16(quoted, 22, flow.remotePort);
  if (isUdp) writeU16(quoted, 24, 8 + length);
  else writeI32(quoted, 24, flow.ourSeq(quote.kind === "tcp" ? quote.seq : 0, 0));
  return quoted;
}
