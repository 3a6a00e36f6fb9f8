/** A middleware device that shows every packet to a watcher, as the stack sends and receives it. */
import {
  type Device,
  type PacketReceiver,
  type PacketRemark,
  RX_CHECKSUM_GOOD,
} from "../base/device.ts";
import type { Clock, Instant } from "../base/time.ts";
import { Middleware } from "./middleware.ts";

/**
 * The bytes are lent for the call. `remark`: what a capture would say of the packet; `vouched`: the device below answers for its TCP
 * checksum, which need not be whole.
 */
export type PacketTap = (
  direction: "in" | "out",
  at: Instant,
  buffer: Uint8Array,
  offset: number,
  length: number,
  remark: PacketRemark,
  vouched: boolean,
) => void;

export class TappedDevice extends Middleware {
  private readonly clock: Clock;
  private readonly tap: PacketTap;
  /** Answers given while a packet is delivered: they are shown behind what they answer. */
  private held: (() => void)[] | null = null;

  constructor(inner: Device, clock: Clock, tap: PacketTap) {
    super(inner);
    this.clock = clock;
    this.tap = tap;
  }

  protected override outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    const at = this.clock.now();
    if (this.held === null) this.tap("out", at, buffer, offset, length, remark, needsChecksum);
    else {
      const copy = buffer.slice(offset, offset + length);
      this.held.push(() => this.tap("out", at, copy, 0, length, remark, needsChecksum));
    }
    this.forward(buffer, offset, length, needsChecksum, gsoSize, remark);
  }

  protected override incoming(receiver: PacketReceiver): PacketReceiver {
    return {
      onPacket: (buffer, offset, length, flags) => {
        const at = this.clock.now();
        const answers: (() => void)[] = [];
        this.held = answers;
        const remark = receiver.onPacket(buffer, offset, length, flags);
        this.held = null;
        this.tap("in", at, buffer, offset, length, remark, (flags & RX_CHECKSUM_GOOD) !== 0);
        for (const show of answers) show();
        return remark;
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }
}
