/** The public names of the packet workshop: `import … from "tuntcp/packet"`. */
export { formatIpv4, type Ipv4Address, parseIpv4 } from "../wire/address.ts";
export { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from "../wire/tcp-segment.ts";
export * from "./packet.ts";
export { type IpOption, type RouteKind } from "./ip-option.ts";
export { type TcpOption } from "./tcp-option.ts";
export { encode, encodeInto, packetLength, protocolOf } from "./encode.ts";
export { decode } from "./decode.ts";
export { parseHex, toHex } from "./hex.ts";
export { BRIEF, EXACT, formatPacket, formatTcp, formatTcpFlags, type PrintStyle } from "./print.ts";
export { parsePacket, parseTcpFlags, parseTcpOptions } from "./parse.ts";
export { formatIpOption, formatTcpOption, formatTcpOptions } from "./option-text.ts";
export { quotedPacket, quoteOf } from "./quote.ts";
export { change, fromJson, packet, type PacketInput, toJson } from "./json.ts";
export { fragments } from "./fragments.ts";
