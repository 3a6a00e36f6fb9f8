/**
 * A middleware device that undoes offload on the way in: large TCP packets are cut as the sender's device would have cut them
 * for this MTU, and checksums that were left open are filled in. What comes after it sees packets as they are on a wire.
 */
import {
  type Device,
  type PacketReceiver,
  type PacketRemark,
  RX_CHECKSUM_GOOD,
} from "../base/device.ts";
import { readI32, readU16, writeI32, writeU16 } from "../base/bytes.ts";
import { checksum } from "../wire/checksum.ts";
import { createIpv4Header, PROTO_TCP, readIpv4 } from "../wire/ipv4.ts";
import { CWR, FIN, PSH } from "../wire/tcp-segment.ts";
import { fillTcpChecksum, TCP_HEADER } from "../wire/tcp.ts";
import { LARGEST_PACKET } from "./buffered-sender.ts";
import { Middleware } from "./middleware.ts";

export class CutReceived extends Middleware {
  readonly #header = createIpv4Header();
  readonly #piece = new Uint8Array(LARGEST_PACKET);

  constructor(inner: Device) {
    super(inner);
  }

  protected override outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    this.forward(buffer, offset, length, needsChecksum, gsoSize, remark);
  }

  protected override incoming(receiver: PacketReceiver): PacketReceiver {
    return {
      onPacket: (buffer, offset, length, flags) => {
        const open = (flags & RX_CHECKSUM_GOOD) !== 0;
        const cut = open || length > this.mtu;
        if (cut && this.#isTcp(buffer, offset, length)) return this.#cut(receiver, buffer, offset);
        return receiver.onPacket(buffer, offset, length, flags & RX_CHECKSUM_GOOD);
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }

  #isTcp(buffer: Uint8Array, offset: number, length: number): boolean {
    const h = this.#header;
    if (readIpv4(buffer, offset, length, h) !== null || h.protocol !== PROTO_TCP) return false;
    if (h.moreFragments || h.fragmentOffset > 0) return false;
    const room = h.totalLength - h.headerLength;
    return room >= TCP_HEADER && room >= tcpHeaderAt(buffer, offset + h.headerLength);
  }

  #cut(receiver: PacketReceiver, buffer: Uint8Array, offset: number): PacketRemark {
    const { headerLength: ip, totalLength, identification, source, destination } = this.#header;
    const headers = ip + tcpHeaderAt(buffer, offset + ip);
    const payload = totalLength - headers;
    const step = Math.max(1, this.mtu - headers);
    const number = readI32(buffer, offset + ip + 4);
    const flags = buffer[offset + ip + 13]!;
    const p = this.#piece;
    let remark: PacketRemark = null;
    for (let at = 0; at === 0 || at < payload; at += step) {
      const size = Math.min(step, payload - at);
      p.set(buffer.subarray(offset, offset + headers));
      p.set(buffer.subarray(offset + headers + at, offset + headers + at + size), headers);
      writeU16(p, 2, headers + size);
      writeU16(p, 4, (identification + at / step) & 0xffff);
      writeU16(p, 10, 0);
      writeU16(p, 10, checksum(p, 0, ip));
      writeI32(p, ip + 4, (number + at) | 0);
      const middle = at + size < payload ? flags & ~(FIN | PSH) : flags;
      p[ip + 13] = at > 0 ? middle & ~CWR : middle;
      fillTcpChecksum(p, ip, headers - ip + size, source, destination);
      remark = receiver.onPacket(p, 0, headers + size, 0);
    }
    return remark;
  }
}

/** Bytes of the TCP header at `at`; the checksum field is not looked at. */
function tcpHeaderAt(buffer: Uint8Array, at: number): number {
  return (readU16(buffer, at + 12) >> 12) * 4;
}
