/** An expected packet against a seen one, field by field, in the order that the language gives. */
import { ACK, PSH } from "../wire/tcp-segment.ts";
import type { EcnWord, IcmpBody, PacketAction, TcpBody } from "./ast.ts";
import { formatTcpOption, formatTcpOptions } from "../packet/option-text.ts";
import { AE } from "../packet/packet.ts";
import { type TcpOption, tcpOptionsSize } from "../packet/tcp-option.ts";
import type { FieldDifference } from "./failure.ts";
import type { Flow } from "./flow.ts";
import { scriptOptions } from "./print-packet.ts";
import type { SeenIcmp, SeenPacket, SeenTcp } from "./seen-packet.ts";

export interface CompareOptions {
  readonly flow: Flow;
  readonly ignorePsh: boolean;
  readonly ignoreEcr: boolean;
  /** Microseconds of a tick of the stack's timestamps, 0: they are free; and by how much they may be off. */
  readonly tick: number;
  readonly timestampTolerance: number;
}

const ECN_WORDS = ["noecn", "ect1", "ect0", "ce"];
/** Names as in the comparison; the bit of each. */
const FLAGS: readonly (readonly [string, number])[] = [
  ["FIN", 0x01],
  ["SYN", 0x02],
  ["RST", 0x04],
  ["PSH", PSH],
  ["ACK", ACK],
  ["URG", 0x20],
  ["ECE", 0x40],
  ["CWR", 0x80],
  ["AE", AE],
];

export function compare(
  expected: PacketAction,
  seen: SeenPacket,
  options: CompareOptions,
): FieldDifference[] {
  const differences: FieldDifference[] = [];
  const differ = (field: string, want: string | number, is: string | number): void => {
    if (want !== is) differences.push({ field, expected: String(want), seen: String(is) });
  };
  const { body } = expected;
  differ("protocol", body.protocol, seen.protocol);
  if (seen.fault !== "") differ("form", "a sound packet", seen.fault);
  if (differences.length > 0) return differences;
  differ("ip header length", 20, seen.headerLength);
  compareIp(expected, seen, differ);
  if (body.protocol === "tcp") compareTcp(body, seen as SeenTcp, options, differ);
  else if (body.protocol === "icmp") compareIcmp(body, seen as SeenIcmp, differ);
  return differences;
}

type Differ = (field: string, want: string | number, is: string | number) => void;

function compareIp({ ip }: PacketAction, seen: SeenPacket, differ: Differ): void {
  if (ip.tos !== null) differ("tos", hex(ip.tos), hex(seen.tos));
  if (ip.ecn !== null && !matchesEcn(ip.ecn, seen.tos))
    differ("ecn", ip.ecn, ECN_WORDS[seen.tos & 3]!);
  if (ip.ttl !== null) differ("ttl", ip.ttl, seen.ttl);
}

function matchesEcn(word: EcnWord, tos: number): boolean {
  const is = ECN_WORDS[tos & 3]!;
  return word === "ect01" ? is === "ect0" || is === "ect1" : word === is;
}

function hex(n: number): string {
  return `0x${n.toString(16).padStart(2, "0")}`;
}

function compareTcp(want: TcpBody, seen: SeenTcp, o: CompareOptions, differ: Differ): void {
  const { flow } = o;
  const options = want.options === "any" ? null : want.options;
  if (options !== null) {
    const header = 20 + tcpOptionsSize(options);
    const is = 20 + tcpOptionsSize(seen.options);
    differ("total length", 20 + header + want.length, 20 + is + seen.length);
    differ("data offset", header / 4, is / 4);
  }
  for (const [name, bit] of FLAGS) {
    if (bit === PSH && o.ignorePsh) continue;
    differ(name, (want.flags & bit) === 0 ? 0 : 1, (seen.flags & bit) === 0 ? 0 : 1);
  }
  if (flow.ourSeq(want.seq, want.flags) !== seen.seq)
    differ("seq", want.seq, flow.scriptSeq(seen.seq, want.flags));
  if (flow.ackOfStack(want.ack, want.flags) !== seen.ack)
    differ("ack", want.ack ?? 0, flow.scriptAck(seen.ack, seen.flags & want.flags));
  if (want.window !== null) differ("window", want.window, seen.window);
  differ("urgent pointer", want.urgent, seen.urgent);
  if (options !== null) compareOptions(options, seen.options, o, differ);
  differ("payload length", want.length, seen.length);
}

function compareOptions(
  want: readonly TcpOption[],
  seen: readonly TcpOption[],
  o: CompareOptions,
  differ: Differ,
): void {
  const is = scriptOptions(seen, o.flow);
  const kinds = (all: readonly TcpOption[]): string => all.map((x) => x.kind).join(",") || "none";
  if (kinds(want) !== kinds(is)) {
    const text = (all: readonly TcpOption[]): string => `<${formatTcpOptions(all)}>`;
    return differ("options", text(want), text(is));
  }
  want.forEach((option, i) => {
    const other = is[i]!;
    if (option.kind !== "TS" || other.kind !== "TS")
      return differ(`option ${option.kind}`, formatTcpOption(option), formatTcpOption(other));
    const live = (seen[i] as { readonly val: number }).val;
    const off = o.flow.seeTimestamp(option.val, live);
    if (o.tick > 0 && Math.abs(off) * o.tick > o.timestampTolerance)
      differ("TS val", option.val, o.flow.scriptTimestamp(live));
    if (!o.ignoreEcr) differ("TS ecr", option.ecr, other.ecr);
  });
}

function compareIcmp(want: IcmpBody, seen: SeenIcmp, differ: Differ): void {
  differ("icmp type", want.type, seen.type);
  differ("icmp code", want.code, seen.code);
  if (want.mtu !== null) differ("mtu", want.mtu, seen.mtu);
  if (want.id !== null) differ("id", want.id, seen.id);
}
