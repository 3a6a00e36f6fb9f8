/** Segments of one conversation as a script writes them, numbers counted from each end's ISN: to be sent, and to be expected. */
import { ipv4 } from "../wire/address.ts";
import { formatTcpOption } from "./option-text.ts";
import { createIp, createTcp, type IpFields, type Packet, type PacketError } from "./packet.ts";
import { type SaidSegment, scanSegment } from "./scan-tcp.ts";
import { scan } from "./scanner.ts";
import type { TcpOption } from "./tcp-option.ts";

/**
 * `P. 1:6(5) ack 1 win 500 <nop,nop,TS val 1 ecr 2> [ttl 3]`, each part but the flags optional, and `*` for any flags; never throws.
 */
export function parseSegment(text: string): SaidSegment | PacketError {
  return scan(text, (s) => scanSegment(s, createIp(ipv4(0), ipv4(0)), createTcp(0, 0), true));
}

/** SACK edges shifted: from numbers of a script to those on the wire, or back. */
export function shiftSack(options: readonly TcpOption[], by: number): readonly TcpOption[] {
  if (by === 0 || !options.some((o) => o.kind === "sack")) return options;
  return options.map((o) =>
    o.kind === "sack"
      ? { ...o, blocks: o.blocks.map(([l, r]) => [(l + by) >>> 0, (r + by) >>> 0] as const) }
      : o,
  );
}

/**
 * Whether a segment is as it was said: only what was said is compared. Of options each that was said must be there; `<>` means
 * none. `seqBase` and `ackBase` are what the numbers of the script count from.
 */
export function segmentMatches(
  packet: Packet,
  { packet: like, said }: SaidSegment,
  seqBase: number,
  ackBase: number,
): boolean {
  const { ip, tcp, payload } = packet;
  if (ip === null || tcp === null) return false;
  const compared: readonly (readonly [string, unknown, unknown])[] = [
    ["flags", tcp.flags, like.tcp.flags],
    ["seq", tcp.seq, (like.tcp.seq + seqBase) >>> 0],
    ["length", payload.length, like.payload.length],
    ["ack", tcp.ack, (like.tcp.ack + ackBase) >>> 0],
    ["win", tcp.window, like.tcp.window],
    ["urg", tcp.urgentPointer, like.tcp.urgentPointer],
    ["doff", tcp.dataOffset, like.tcp.dataOffset],
    ["rsv", tcp.reserved, like.tcp.reserved],
    ["sum", tcp.checksum, like.tcp.checksum],
  ];
  return (
    compared.every(([word, a, b]) => !said.has(word) || a === b) &&
    (!said.has("<…>") || hasOptions(tcp.options, shiftSack(like.tcp.options, ackBase))) &&
    (!said.has("data") || sameBytes(payload, like.payload)) &&
    sameIp(ip, like.ip, said)
  );
}

function hasOptions(options: readonly TcpOption[], wanted: readonly TcpOption[]): boolean {
  if (wanted.length === 0) return options.length === 0;
  const words = new Set(options.map(formatTcpOption));
  return wanted.every((o) => words.has(formatTcpOption(o)));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const IP_FIELDS = {
  version: "version",
  ihl: "ihl",
  tos: "tos",
  ect0: "tos",
  ect1: "tos",
  ce: "tos",
  noecn: "tos",
  length: "totalLength",
  id: "id",
  RF: "reservedFlag",
  DF: "dontFragment",
  MF: "moreFragments",
  frag: "fragmentOffset",
  ttl: "ttl",
  proto: "protocol",
  sum: "checksum",
} as const satisfies Record<string, keyof IpFields>;
const ECN_WORDS = ["noecn", "ect1", "ect0", "ce"];

function sameIp(ip: IpFields, like: IpFields, said: ReadonlySet<string>): boolean {
  for (const [word, field] of Object.entries(IP_FIELDS)) {
    if (!said.has(`ip ${word}`)) continue;
    const ecnOnly = ECN_WORDS.includes(word);
    const differs = ecnOnly ? (ip.tos & 3) !== (like.tos & 3) : ip[field] !== like[field];
    if (differs) return false;
  }
  return true;
}
