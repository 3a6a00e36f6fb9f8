/** A packet cut for a link with a small MTU (RFC 791 §3.2). */
import { StackError } from "../base/errors.ts";
import { IPV4_HEADER } from "../wire/ipv4.ts";
import { decode } from "./decode.ts";
import { encode, protocolOf } from "./encode.ts";
import { ipOptionsSize } from "./ip-option.ts";
import { type IpFields, NO_BYTES, type Packet } from "./packet.ts";

/**
 * Fragments of at most `mtu` bytes each; the packet alone where it fits. All carry all options. The checksums of the whole are
 * kept, so the first fragment has one that is wrong for itself. Throws a StackError (EINVAL) where no piece would fit.
 */
export function fragments(packet: Packet, mtu: number): Packet[] {
  const { ip } = packet;
  if (ip === null) throw new StackError("EINVAL", "raw bytes have no fragments");
  const bytes = encode(packet);
  if (bytes.length - packet.trailer.length <= mtu) return [packet];
  const header = IPV4_HEADER + ipOptionsSize(ip.options);
  const size = (mtu - header) & ~7;
  if (size <= 0) throw new StackError("EINVAL", `no fragment fits an MTU of ${mtu}`);
  const end = bytes.length - packet.trailer.length;
  const pieces: Packet[] = [];
  for (let at = header; at < end; at += size) {
    const piece = bytes.subarray(at, Math.min(end, at + size));
    pieces.push(pieceOf(packet, ip, at - header, piece, at + size < end));
  }
  return pieces;
}

function pieceOf(
  packet: Packet,
  ip: IpFields,
  offset: number,
  body: Uint8Array,
  more: boolean,
): Packet {
  const fields: IpFields = {
    ...ip,
    totalLength: null,
    checksum: null,
    dontFragment: false,
    moreFragments: more || ip.moreFragments,
    fragmentOffset: ip.fragmentOffset + offset,
    protocol: protocolOf(packet),
  };
  return decode(encode({ ip: fields, tcp: null, icmp: null, payload: body, trailer: NO_BYTES }));
}
