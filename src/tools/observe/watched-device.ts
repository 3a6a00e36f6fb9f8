/** A device that shows somebody what passes, in the order in which this end sees it, and may lose it. */
import type { Device, PacketReceiver, PacketRemark } from "../../base/device.ts";
import { Middleware } from "../../devices/middleware.ts";

/** `packet` is lent. True: it is lost after it was seen; one that comes in, before it was. */
export type Watch = (packet: Uint8Array, outgoing: boolean, remark: PacketRemark) => boolean | void;

export class WatchedDevice extends Middleware {
  private readonly watch: Watch;

  constructor(inner: Device, watch: Watch) {
    super(inner);
    this.watch = watch;
  }

  protected override outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    if (this.watch(buffer.subarray(offset, offset + length), true, remark) === true) return;
    this.forward(buffer, offset, length, needsChecksum, gsoSize, remark);
  }

  protected override incoming(receiver: PacketReceiver): PacketReceiver {
    return {
      onPacket: (buffer, offset, length, flags) => {
        if (this.watch(buffer.subarray(offset, offset + length), false, null) === true) return null;
        return receiver.onPacket(buffer, offset, length, flags);
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }
}
