/** A middleware device that tells of each packet in one line of text, both ways. */
import type { Device, PacketReceiver, PacketRemark } from "../base/device.ts";
import type { Clock, Instant } from "../base/time.ts";
import { formatPacket } from "../wire/format.ts";
import { Middleware } from "./middleware.ts";

export type TraceLine = (direction: "in" | "out", at: Instant, line: string) => void;

export class TracedDevice extends Middleware {
  private readonly clock: Clock;
  private readonly tell: TraceLine;

  constructor(inner: Device, clock: Clock, tell: TraceLine) {
    super(inner);
    this.clock = clock;
    this.tell = tell;
  }

  protected override outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    this.tell("out", this.clock.now(), formatPacket(buffer, offset, length));
    this.forward(buffer, offset, length, needsChecksum, gsoSize, remark);
  }

  protected override incoming(receiver: PacketReceiver): PacketReceiver {
    return {
      onPacket: (buffer, offset, length, flags) => {
        this.tell("in", this.clock.now(), formatPacket(buffer, offset, length));
        return receiver.onPacket(buffer, offset, length, flags);
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }
}

export function traceDevice(inner: Device, clock: Clock, tell: TraceLine): TracedDevice {
  return new TracedDevice(inner, clock, tell);
}
