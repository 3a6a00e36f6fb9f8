/** ICMP errors that a router sends about packets of the stack under test. */
import { instantOf } from "../../src/base/time.ts";
import { writeU16, writeI32 } from "../../src/base/bytes.ts";
import { writeIcmp } from "../../src/wire/icmpv4.ts";
import { PROTO_ICMP, PROTO_TCP, writeIpv4 } from "../../src/wire/ipv4.ts";
import type { Stack } from "../../src/stack/stack.ts";
import type { SeqNum } from "../../src/wire/seq.ts";
import { OURS, PEER } from "./scripted-peer.ts";

/** Whose connection an error is about. */
export interface Target {
  readonly stack: Stack;
  readonly ourPort: number;
  readonly peerPort: number;
  /** ms. */
  readonly time: number;
  ourSeq(relative: number): SeqNum;
  settle(): unknown;
}

export interface Quote {
  /** Relative to our ISN. */
  readonly seq: number;
  /** Total length of the packet quoted. */
  readonly size?: number;
  readonly ourPort?: number;
  readonly peerPort?: number;
}

/** An error that quotes header and 8 bytes of a packet of ours; what the stack makes of it. */
export function icmpError(
  p: Target,
  type: number,
  code: number,
  rest: number,
  quote: Quote,
): string | null {
  const quoted = new Uint8Array(28);
  writeIpv4(quoted, 0, quote.size ?? 1500, 0, 0, true, 63, PROTO_TCP, OURS, PEER);
  writeU16(quoted, 20, quote.ourPort ?? p.ourPort);
  writeU16(quoted, 22, quote.peerPort ?? p.peerPort);
  writeI32(quoted, 24, p.ourSeq(quote.seq));
  const packet = new Uint8Array(20 + 8 + 28);
  const size = writeIcmp(packet, 20, type, code, rest, quoted, 0, 28);
  writeIpv4(packet, 0, 20 + size, 0, 2, false, 64, PROTO_ICMP, PEER, OURS);
  const remark = p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
  p.settle();
  return remark;
}

/** Fragmentation needed and DF set, with that next-hop MTU. */
export function tooBig(p: Target, mtu: number, quote: Quote): string | null {
  return icmpError(p, 3, 4, mtu, quote);
}
