/** What the packet workshop costs: a packet built, parsed, printed and read, as `./packet` does it. */
import { decode, encode, formatPacket, type Packet, parsePacket } from "../../packet/index.ts";
import type { PieceSpec } from "./pieces.ts";

const SYN =
  "192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>";
const DATA =
  "192.0.2.1:1234 > 192.0.2.2:80 P. 1:1449(1448) ack 1 win 512 <nop,nop,TS val 100 ecr 99> data a5*1448";

export const PACKET_PIECES: readonly PieceSpec[] = [
  ...forms("a SYN with five options", SYN),
  ...forms("a segment of 1,448 bytes", DATA),
];

function forms(name: string, line: string): PieceSpec[] {
  const packet = parsePacket(line) as Packet;
  const bytes = encode(packet);
  const piece = (what: string, make: () => () => unknown): PieceSpec => ({
    group: "packet",
    name: `${name} ${what}`,
    make,
  });
  return [
    piece("built and parsed", () => () => decode(encode(packet))),
    piece("built", () => () => encode(packet)),
    piece("parsed", () => () => decode(bytes)),
    piece("printed as a line", () => () => formatPacket(packet)),
    piece("read from a line", () => () => parsePacket(line)),
  ];
}
