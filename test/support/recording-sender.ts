/** The sending half of a device for tests of the core: keeps each packet, whole and with its checksum. */
import { fillTcpChecksum } from "../../src/wire/tcp.ts";
import { readI32 } from "../../src/base/bytes.ts";
import { ipv4 } from "../../src/wire/address.ts";
import { type DeviceOffload, NO_OFFLOAD, type PacketRemark } from "../../src/base/device.ts";

export interface SentPacket {
  readonly bytes: Uint8Array;
  readonly remark: PacketRemark;
  /** Payload bytes at which the device cuts; 0: one packet. */
  readonly gsoSize: number;
}

export class RecordingSender {
  readonly mtu: number;
  readonly offload: DeviceOffload;
  buffer: Uint8Array = new Uint8Array(0);
  readonly offset = 0;
  readonly packets: SentPacket[] = [];
  private parts: Uint8Array[] = [];

  constructor(mtu = 1500, offload: DeviceOffload = NO_OFFLOAD) {
    this.mtu = mtu;
    this.offload = offload;
  }

  reserve(size: number): boolean {
    this.buffer = new Uint8Array(size);
    this.parts = [];
    return true;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.parts.push(chunk.slice(from, to));
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void {
    const bytes = new Uint8Array(used + this.parts.reduce((n, p) => n + p.length, 0));
    bytes.set(this.buffer.subarray(0, used));
    let at = used;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    if (needsChecksum) {
      const [source, destination] = [ipv4(readI32(bytes, 12)), ipv4(readI32(bytes, 16))];
      fillTcpChecksum(bytes, 20, bytes.length - 20, source, destination);
    }
    this.packets.push({ bytes, remark, gsoSize });
  }

  flush(): void {
    // nothing is held back
  }
}
