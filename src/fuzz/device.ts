/** The sending half of a device in memory: one packet at a time, shown when it is whole, with its checksum made. */
import { type DeviceOffload, NO_OFFLOAD, type PacketRemark } from "../base/device.ts";
import { broken } from "./broken.ts";
import { get16, pseudoSum, sealTcp } from "./bytes.ts";
import type { Profile } from "./profiles.ts";

export class FuzzDevice {
  mtu = 1500;
  offload: DeviceOffload = NO_OFFLOAD;
  readonly buffer: Uint8Array = new Uint8Array(70_000);
  readonly offset = 0;
  /** Called with each packet; the bytes are lent for the call. */
  onPacket: (bytes: Uint8Array, length: number) => void = () => {};
  /** The memory of the packet that is being delivered was taken. */
  kept = false;
  private full = 0;
  private count = 0;
  private reserved = 0;
  private appended = 0;

  begin({ mtu, offload, full }: Profile): void {
    this.mtu = mtu;
    this.offload = offload;
    this.full = full;
    this.count = 0;
    this.kept = false;
  }

  /** Its queue is full no more. */
  hasRoom(): void {
    this.full = 0;
  }

  reserve(size: number): boolean {
    // after `flush` there is room again every second time
    if (this.full > 0 && ++this.count % this.full < 2) return false;
    if (size > this.buffer.length) broken("I8", "the stack asked for too much room");
    this.reserved = size;
    this.appended = 0;
    return true;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    if (from < 0 || to > chunk.length || from > to) broken("I8", "a piece outside of its memory");
    this.buffer.set(chunk.subarray(from, to), this.reserved + this.appended);
    this.appended += to - from;
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, _remark: PacketRemark): void {
    if (used > this.reserved) broken("I8", "more was written than reserved");
    // what is appended stands behind all that was reserved
    if (this.appended > 0 && used < this.reserved) {
      this.buffer.copyWithin(used, this.reserved, this.reserved + this.appended);
    }
    const length = used + this.appended;
    const headers = 20 + (this.buffer[32]! >> 4) * 4;
    if (gsoSize > 0 && (!this.offload.tso || length - headers <= gsoSize))
      broken("I8", "a segment to be cut that needs no cutting");
    // a probe of the path MTU goes whole
    if (gsoSize === 0 && length > this.mtu) broken("I8", `a packet larger than the device's MTU`);
    if (needsChecksum && get16(this.buffer, 36) !== pseudoSum(this.buffer, length - 20))
      broken("I8", "a checksum to be completed that begins wrong");
    if (needsChecksum) sealTcp(this.buffer, 20, length);
    this.onPacket(this.buffer, length);
  }

  flush(): void {
    // nothing is held back
  }

  keepReceived(): void {
    this.kept = true;
  }
}
