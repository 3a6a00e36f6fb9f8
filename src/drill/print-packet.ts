/** Packets as a script writes them. */
import { ACK } from "../wire/tcp-segment.ts";
import type { IpInfo, PacketAction, TcpBody } from "./ast.ts";
import type { SeqNum } from "../wire/seq.ts";
import type { Flow } from "./flow.ts";
import { icmpCodeName, icmpTypeName } from "../packet/icmp-words.ts";
import { formatTcpOptions } from "../packet/option-text.ts";
import { formatTcpFlags } from "../packet/tcp-flags.ts";
import type { TcpOption } from "../packet/tcp-option.ts";
import type { SeenPacket, SeenTcp } from "./seen-packet.ts";

const ECN = ["noecn", "ect1", "ect0", "ce"];

export function tcpText(body: TcpBody): string {
  const { seq, length, ack, window, urgent, options } = body;
  const parts = [formatTcpFlags(body.flags), `${seq}:${(seq + length) >>> 0}(${length})`];
  if (ack !== null) parts.push(`ack ${ack}`);
  if (window !== null) parts.push(`win ${window}`);
  if (urgent !== 0) parts.push(`urg ${urgent}`);
  if (options === "any") parts.push("<...>");
  else if (options.length > 0) parts.push(`<${formatTcpOptions(options)}>`);
  return parts.join(" ");
}

export function actionText(p: PacketAction): string {
  const { body } = p;
  const parts = [p.inbound ? "<" : ">"];
  const info = infoText(p.ip);
  if (info !== "") parts.push(info);
  if (p.ports !== null) parts.push(`${p.ports.source} > ${p.ports.destination}`);
  if (body.protocol === "tcp") parts.push(tcpText(body));
  else if (body.protocol === "udp") parts.push(`udp (${body.length})`);
  else {
    parts.push("icmp", icmpTypeName(body.type));
    if (body.type === 3 || body.code !== 0) parts.push(icmpCodeName(body.type, body.code));
    if (body.mtu !== null) parts.push(`mtu ${body.mtu}`);
    if (body.id !== null) parts.push(`id ${body.id}`);
    const { quote } = body;
    if (quote.kind === "tcp")
      parts.push(`[${quote.seq}:${(quote.seq + quote.length) >>> 0}(${quote.length})]`);
    else if (quote.kind !== "none") parts.push(`[${quote.kind}(${quote.length})]`);
  }
  return parts.join(" ");
}

function infoText({ ecn, tos, ttl }: IpInfo): string {
  const parts = [];
  if (ecn !== null) parts.push(ecn);
  if (tos !== null) parts.push(`tos 0x${tos.toString(16)}`);
  if (ttl !== null) parts.push(`ttl ${ttl}`);
  return parts.length === 0 ? "" : `[${parts.join(",")}]`;
}

/** What was seen, in the script's numbers, with those parts that `like` has; without it with all. */
export function seenText(seen: SeenPacket, flow: Flow, like: PacketAction | null): string {
  const info: IpInfo = {
    ecn: like === null || like.ip.ecn !== null ? (ECN[seen.tos & 3] as IpInfo["ecn"]) : null,
    tos: like !== null && like.ip.tos !== null ? seen.tos : null,
    ttl: like !== null && like.ip.ttl !== null ? seen.ttl : null,
  };
  const parts = [">"];
  const text = infoText(like === null && (seen.tos & 3) === 0 ? { ...info, ecn: null } : info);
  if (text !== "") parts.push(text);
  if (seen.protocol === "icmp") {
    parts.push("icmp", icmpTypeName(seen.type));
    if (seen.type === 3 || seen.code !== 0) parts.push(icmpCodeName(seen.type, seen.code));
    return parts.join(" ");
  }
  const wanted = like?.body.protocol === "tcp" ? like.body : null;
  parts.push(tcpText(scriptBody(seen, flow, wanted)));
  return parts.join(" ");
}

function scriptBody(seen: SeenTcp, flow: Flow, like: TcpBody | null): TcpBody {
  const anyOptions = like !== null && like.options === "any";
  return {
    protocol: "tcp",
    flags: seen.flags,
    seq: flow.scriptSeq(seen.seq, seen.flags),
    length: seen.length,
    ack: (seen.flags & ACK) === 0 && seen.ack === 0 ? null : flow.scriptAck(seen.ack, seen.flags),
    window: like !== null && like.window === null ? null : seen.window,
    urgent: seen.urgent,
    options: anyOptions ? "any" : scriptOptions(seen.options, flow),
  };
}

/** SACK edges and the stack's timestamp as the script counts them. */
export function scriptOptions(options: readonly TcpOption[], flow: Flow): TcpOption[] {
  return options.map((option) => {
    if (option.kind === "TS") return { ...option, val: flow.scriptTimestamp(option.val) };
    if (option.kind !== "sack") return option;
    const blocks = option.blocks.map(
      ([left, right]) => [flow.scriptEdge(left), flow.scriptEdge(right)] as const,
    );
    return { kind: "sack", blocks };
  });
}

/** A packet of the peer's, its numbers already those of the script. */
export function tcpTextOf(seen: SeenTcp, seq: number, ack: number, flow: Flow): string {
  const hasAck = (seen.flags & ACK) !== 0;
  const options = seen.options.map((option): TcpOption => {
    if (option.kind !== "sack") return option;
    const edge = (live: number): number => flow.scriptSeq(live as SeqNum, 0);
    return { kind: "sack", blocks: option.blocks.map(([l, r]) => [edge(l), edge(r)] as const) };
  });
  const { flags, length, window, urgent } = seen;
  return tcpText({
    protocol: "tcp",
    flags,
    seq,
    length,
    ack: hasAck ? ack : null,
    window,
    urgent,
    options,
  });
}
