/** The one-line form of a packet read. The words behind the numbers may stand in any order; what is not said is filled in. */
import { scanAddress, scanTcpOptions } from "./option-text.ts";
import {
  createIp,
  createTcp,
  type IpFields,
  NO_BYTES,
  type Packet,
  type PacketError,
  rawPacket,
} from "./packet.ts";
import { scanIcmp } from "./scan-icmp.ts";
import { atEnd, fitting, Once, scanData, scanIpWords, scanLength, wordOf } from "./scan-parts.ts";
import { scanTcp } from "./scan-tcp.ts";
import { scan, type Scanner } from "./scanner.ts";
import type { TcpOption } from "./tcp-option.ts";

const U8 = 255;
const U16 = 65535;

/** `192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460>`; never throws. */
export function parsePacket(text: string): Packet | PacketError {
  return scan(text, (s) => scanPacket(s, 0));
}

/** `mss 1460,nop,wscale 7`, without brackets; never throws. */
export function parseTcpOptions(text: string): TcpOption[] | PacketError {
  return scan(text, (s) => (s.done ? [] : scanTcpOptions(s)));
}

function scanPacket(s: Scanner, depth: number): Packet {
  if (s.takeIf("raw")) return rawPacket(s.hex("raw"));
  const source = scanAddress(s);
  const sourcePort = s.take(":") ? s.number("a port", U16) : null;
  s.need(">", "between source and destination");
  const destination = scanAddress(s);
  const destinationPort = s.take(":") ? s.number("a port", U16) : null;
  const ip = createIp(source, destination);
  if (sourcePort !== null && destinationPort !== null) {
    return scanTcp(s, ip, createTcp(sourcePort, destinationPort));
  }
  if (sourcePort !== null || destinationPort !== null) {
    s.fail("a port at one end only: TCP needs both, as 192.0.2.1:1234 > 192.0.2.2:80");
  }
  if (s.takeIf("icmp")) {
    return scanIcmp(s, ip, depth > 0 ? null : (inner) => scanPacket(inner, depth + 1));
  }
  if (s.takeIf("proto")) {
    ip.protocol = s.number("proto", U8);
    return scanOther(s, ip);
  }
  return s.fail(`expected ports behind the addresses, "icmp" or "proto N", not ${s.here()}`);
}

function scanOther(s: Scanner, ip: IpFields): Packet {
  const packet: Packet = { ip, tcp: null, icmp: null, payload: NO_BYTES, trailer: NO_BYTES };
  const once = new Once(s);
  const length = scanLength(s);
  let data: Uint8Array | null = null;
  while (!atEnd(s)) {
    if (s.take("[")) scanIpWords(s, once, packet, ip);
    else {
      wordOf(s, once, ["data"]);
      data = scanData(s);
    }
  }
  packet.payload = fitting(s, length, data);
  return packet;
}
