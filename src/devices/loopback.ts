/** A device whose packets come back: one stack talks to itself, as 127.0.0.1 does in a kernel. */
import {
  type Device,
  type DeviceOffload,
  type PacketReceiver,
  RX_CHECKSUM_GOOD,
} from "../base/device.ts";
import { BufferedSender } from "./buffered-sender.ts";

/** Linux's lo has the same. */
const DEFAULT_MTU = 65536 - 1;
/** Packets on their way at most; beyond it they are dropped as by any full queue. */
const QUEUE_LIMIT = 4096;

/** A device whose packets come back: one stack that talks to itself. `mtu` in bytes; 65535. */
export function loopback(options: { readonly mtu?: number; readonly name?: string } = {}): Device {
  return new LoopbackDevice(options.name ?? "loopback", options.mtu ?? DEFAULT_MTU);
}

class LoopbackDevice extends BufferedSender implements Device {
  readonly name: string;
  readonly mtu: number;
  /** Nothing can flip a bit between here and here. */
  readonly offload: DeviceOffload = { checksum: true, tso: false };
  private receiver: PacketReceiver | null = null;
  private queue: Uint8Array[] = [];
  private pending: NodeJS.Immediate | null = null;
  private referenced = true;
  private readonly run = (): void => this.deliver();

  constructor(name: string, mtu: number) {
    super(
      (buffer, offset, length) => {
        if (this.queue.length < QUEUE_LIMIT) this.queue.push(buffer.slice(offset, offset + length));
      },
      () => this.schedule(),
    );
    this.name = name;
    this.mtu = mtu;
  }

  start(receiver: PacketReceiver): void {
    this.receiver = receiver;
  }

  private schedule(): void {
    if (this.queue.length === 0 || this.pending !== null || this.receiver === null) return;
    this.pending = setImmediate(this.run);
    if (!this.referenced) this.pending.unref();
  }

  private deliver(): void {
    this.pending = null;
    const batch = this.queue;
    this.queue = [];
    for (const packet of batch) this.receiver!.onPacket(packet, 0, packet.length, RX_CHECKSUM_GOOD);
    this.receiver!.onBatchEnd();
    this.schedule();
  }

  ref(): void {
    this.referenced = true;
    this.pending?.ref();
  }

  unref(): void {
    this.referenced = false;
    this.pending?.unref();
  }

  close(): Promise<void> {
    if (this.pending !== null) clearImmediate(this.pending);
    this.pending = null;
    this.queue = [];
    return Promise.resolve();
  }
}
