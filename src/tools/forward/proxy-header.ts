/** The header of the PROXY protocol (haproxy's proxy-protocol.txt), which tells a server whom a relayed connection comes from. */
import { isIPv4, isIPv6 } from "node:net";

export type ProxyVersion = 1 | 2;

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
/** Version 2, command PROXY. */
const PROXY_V2 = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

export interface Ends {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export function proxyHeader(version: ProxyVersion, ends: Ends): Buffer {
  const addresses = [ends.source, ends.destination];
  const v4 = addresses.every(isIPv4);
  if (!v4 && !addresses.every(isIPv6)) throw new Error("two ends of one address family");
  const ports = [ends.sourcePort, ends.destinationPort];
  if (version === 1) {
    return Buffer.from(
      `PROXY ${v4 ? "TCP4" : "TCP6"} ${addresses.join(" ")} ${ports.join(" ")}\r\n`,
    );
  }
  const raw = addresses.map(v4 ? bytesOfIpv4 : bytesOfIpv6);
  const header = Buffer.alloc(16 + 2 * raw[0]!.length + 4);
  SIGNATURE.copy(header);
  header[12] = PROXY_V2;
  header[13] = v4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
  header.writeUInt16BE(header.length - 16, 14);
  let at = 16;
  for (const address of raw) at += address.copy(header, at);
  for (const port of ports) at = header.writeUInt16BE(port, at);
  return header;
}

function bytesOfIpv4(text: string): Buffer {
  return Buffer.from(text.split(".").map(Number));
}

function bytesOfIpv6(text: string): Buffer {
  const [head = "", tail] = text.replace(/%.*$/, "").split("::");
  const groups = (part: string): number[] =>
    part === ""
      ? []
      : part
          .split(":")
          .flatMap((group) => (group.includes(".") ? pair(group) : [parseInt(group, 16)]));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  const bytes = Buffer.alloc(16);
  all.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
  return bytes;
}

function pair(ipv4: string): number[] {
  const [a, b, c, d] = ipv4.split(".").map(Number) as [number, number, number, number];
  return [(a << 8) | b, (c << 8) | d];
}
