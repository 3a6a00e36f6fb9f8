/** A device around a device: what capture, tracing and impairment have in common. Whole packets go through its hands. */
import type { Device, DeviceOffload, PacketReceiver, PacketRemark } from "../base/device.ts";
import { BufferedSender, forwardPacket } from "./buffered-sender.ts";

export abstract class Middleware extends BufferedSender implements Device {
  readonly name: string;
  readonly mtu: number;
  protected readonly inner: Device;
  /** Packets that the inner device had no room for. */
  refused: number = 0;
  private readonly ownOffload: DeviceOffload | null;

  /** `offload`: what it can do; null for what the inner device can at the time. */
  constructor(inner: Device, offload: DeviceOffload | null = null) {
    super(
      (buffer, offset, length, needsChecksum, gsoSize, remark) =>
        this.outgoing(buffer, offset, length, needsChecksum, gsoSize, remark),
      () => inner.flush(),
    );
    this.inner = inner;
    this.name = inner.name;
    this.mtu = inner.mtu;
    this.ownOffload = offload;
  }

  get offload(): DeviceOffload {
    return this.ownOffload ?? this.inner.offload;
  }

  /** A packet on its way out; the bytes are lent. */
  protected abstract outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void;

  /** What stands between the inner device and the receiver. */
  protected abstract incoming(receiver: PacketReceiver): PacketReceiver;

  protected forward(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    if (!forwardPacket(this.inner, buffer, offset, length, needsChecksum, gsoSize, remark)) {
      this.refused++;
    }
  }

  start(receiver: PacketReceiver): void {
    this.inner.start(this.incoming(receiver));
  }

  /** The packet under way is the inner device's. */
  keepReceived(): void {
    this.inner.keepReceived?.();
  }

  ref(): void {
    this.inner.ref();
  }

  unref(): void {
    this.inner.unref();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
