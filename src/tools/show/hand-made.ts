/** Packets that no stack would send now. */
import { type Ipv4Address } from "../../wire/address.ts";
import { IPV4_HEADER, PROTO_TCP, writeIpv4 } from "../../wire/ipv4.ts";
import { seq } from "../../wire/seq.ts";
import { createTcpSegment, SYN } from "../../wire/tcp-segment.ts";
import { fillTcpChecksum, writeTcp } from "../../wire/tcp.ts";

/** A SYN with a number of long ago, or of somebody who has no stack. */
export function oldSyn(
  from: Ipv4Address,
  to: Ipv4Address,
  fromPort: number,
  toPort: number,
  number = 90_000,
): Uint8Array {
  const s = createTcpSegment();
  s.sourcePort = fromPort;
  s.destinationPort = toPort;
  s.seq = seq(number);
  s.flags = SYN;
  s.window = 65535;
  s.mss = 1460;
  const packet = new Uint8Array(IPV4_HEADER + 60);
  const length = writeTcp(packet, IPV4_HEADER, s);
  const total = IPV4_HEADER + length;
  writeIpv4(packet, 0, total, 0, 1, true, 64, PROTO_TCP, from, to);
  fillTcpChecksum(packet, IPV4_HEADER, length, from, to);
  return packet.subarray(0, total);
}
