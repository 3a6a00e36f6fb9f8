/** The TUN of the other process, with the judge between it and the stack, and with writes that fail when asked to. */
import type { Device, PacketReceiver, PacketRemark } from "../../../src/base/device.ts";
import { Middleware } from "../../../src/devices/middleware.ts";
import type { Judge } from "./judge.ts";
import type { Takes } from "./world.ts";

export class JudgedDevice extends Middleware {
  takes: Takes = "all";
  /** Set once the stack is there, before the first packet. */
  judge!: Judge;
  private turn = 0;

  constructor(inner: Device) {
    super(inner);
  }

  override reserve(size: number): boolean {
    const takes = this.takes === "all" || (this.takes === "every second" && this.turn++ % 2 === 0);
    return takes && super.reserve(size);
  }

  protected outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    this.judge.leaves(buffer.subarray(offset, offset + length));
    this.forward(buffer, offset, length, needsChecksum, gsoSize, remark);
  }

  /** Each packet is a batch of its own, so that what it draws is known. */
  protected incoming(receiver: PacketReceiver): PacketReceiver {
    return {
      onPacket: (buffer, offset, length, flags) => {
        let remark: PacketRemark = null;
        this.judge.packet(buffer.subarray(offset, offset + length), () => {
          remark = receiver.onPacket(buffer, offset, length, flags);
          receiver.onBatchEnd();
          return remark;
        });
        return remark;
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }
}
