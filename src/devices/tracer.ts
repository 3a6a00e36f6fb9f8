/** A middleware device that tells of each packet in one line of text, both ways. */
import type { Device, DeviceOffload, PacketReceiver, PacketRemark } from "../base/device.ts";
import type { Clock, Instant } from "../base/time.ts";
import { formatPacket } from "../wire/format.ts";
import { BufferedSender, forwardPacket } from "./buffered-sender.ts";

export type TraceLine = (direction: "in" | "out", at: Instant, line: string) => void;

export class TracedDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: DeviceOffload;

  readonly #inner: Device;
  readonly #clock: Clock;
  readonly #tell: TraceLine;
  readonly #sender: BufferedSender;

  constructor(inner: Device, clock: Clock, tell: TraceLine) {
    this.name = inner.name;
    this.mtu = inner.mtu;
    this.offload = inner.offload;
    this.#inner = inner;
    this.#clock = clock;
    this.#tell = tell;
    this.#sender = new BufferedSender(
      (buffer, offset, length, needsChecksum, gsoSize, remark) => {
        this.#tell("out", this.#clock.now(), formatPacket(buffer, offset, length));
        forwardPacket(inner, buffer, offset, length, needsChecksum, gsoSize, remark);
      },
      () => inner.flush(),
    );
  }

  get buffer(): Uint8Array {
    return this.#sender.buffer;
  }

  get offset(): number {
    return this.#sender.offset;
  }

  reserve(size: number): boolean {
    return this.#sender.reserve(size);
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.#sender.append(chunk, from, to);
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void {
    this.#sender.commit(used, needsChecksum, gsoSize, remark);
  }

  flush(): void {
    this.#sender.flush();
  }

  start(receiver: PacketReceiver): void {
    this.#inner.start({
      onPacket: (buffer, offset, length, flags) => {
        this.#tell("in", this.#clock.now(), formatPacket(buffer, offset, length));
        return receiver.onPacket(buffer, offset, length, flags);
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    });
  }

  ref(): void {
    this.#inner.ref();
  }

  unref(): void {
    this.#inner.unref();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

export function traceDevice(device: Device, clock: Clock, tell: TraceLine): TracedDevice {
  return new TracedDevice(device, clock, tell);
}
