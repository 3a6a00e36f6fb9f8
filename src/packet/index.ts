/**
 * The public names of the packet workshop: `import … from "tuntcp/packet"`.
 *
 * @module tuntcp/packet
 */
export { formatIpv4, type Ipv4Address, parseIpv4 } from "../wire/address.ts";
export { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from "../wire/tcp-segment.ts";
export * from "./packet.ts";
export type { EndOrNop, RawOption } from "./option-list.ts";
export { type IpOption, type RouteKind } from "./ip-option.ts";
export { type TcpOption } from "./tcp-option.ts";
export { encode, encodeInto, packetLength, protocolOf } from "./encode.ts";
export { decode } from "./decode.ts";
export { parseHex, toHex } from "./hex.ts";
export { BRIEF, EXACT, formatPacket, formatTcp, type PrintStyle } from "./print.ts";
export { parsePacket, parseTcpOptions } from "./parse.ts";
export { formatTcpFlags, parseTcpFlags } from "./tcp-flags.ts";
export { formatIpOption, formatTcpOption, formatTcpOptions } from "./option-text.ts";
export { quotedPacket, quoteOf } from "./quote.ts";
export { change, fromJson, packet, type PacketInput, toJson } from "./json.ts";
export { fragments } from "./fragments.ts";
export { parseSegment, segmentMatches } from "./segment.ts";
export { type SaidSegment } from "./scan-tcp.ts";
export { Peer, type PeerOptions } from "./peer.ts";
export type { PeerHost } from "./arrivals.ts";
export { Conversation, type ConversationOptions } from "./conversation.ts";
export { PeerError } from "./peer-error.ts";
