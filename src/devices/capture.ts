/** A middleware device that writes what passes into a pcapng file, as the receiver of each packet sees it. */
import type { Device, PacketReceiver, PacketRemark } from "../base/device.ts";
import type { Clock } from "../base/time.ts";
import { createIpv4Header, PROTO_TCP, readIpv4 } from "../wire/ipv4.ts";
import { fillTcpChecksum } from "../wire/tcp.ts";
import { type Direction, PcapngWriter } from "./pcapng.ts";
import { TappedDevice } from "./tap.ts";

/** ms after which a packet is in the file: whoever looks into it meanwhile, or pipes it on, need not wait for more. */
const FLUSH_AFTER = 200;

export class CapturedDevice extends TappedDevice {
  private readonly writer: PcapngWriter;
  private readonly once: boolean;
  /** ms since 1970 at the clock's zero. */
  private readonly epoch: number;
  private readonly copy: Uint8Array = new Uint8Array(65_600);
  private readonly header = createIpv4Header();
  private flushing: NodeJS.Timeout | null = null;

  /** `once`: what is sent comes back, and is written when it is sent only. */
  constructor(inner: Device, writer: PcapngWriter, clock: Clock, once = false) {
    super(inner, clock, (direction, at, buffer, offset, length, remark, vouched) =>
      this.record(direction, buffer, offset, length, vouched, at, remark),
    );
    this.writer = writer;
    this.once = once;
    this.epoch = Date.now() - clock.now();
    writer.flush(); // without a packet it is a capture, too
  }

  protected override incoming(receiver: PacketReceiver): PacketReceiver {
    return this.once ? receiver : super.incoming(receiver);
  }

  /** With `complete` the TCP checksum is one that the device fills in: the file gets it whole. */
  private record(
    direction: Direction,
    buffer: Uint8Array,
    offset: number,
    length: number,
    complete: boolean,
    at: number,
    remark: PacketRemark,
  ): void {
    this.flushing ??= setTimeout(() => {
      this.flushing = null;
      this.writer.flush();
    }, FLUSH_AFTER).unref();
    const ms = this.epoch + at;
    const h = this.header;
    if (!complete || readIpv4(buffer, offset, length, h) !== null || h.protocol !== PROTO_TCP) {
      this.writer.packet(ms, direction, buffer, offset, length, remark);
      return;
    }
    this.copy.set(buffer.subarray(offset, offset + length));
    const size = h.totalLength - h.headerLength;
    fillTcpChecksum(this.copy, h.headerLength, size, h.source, h.destination);
    this.writer.packet(ms, direction, this.copy, 0, length, remark);
  }

  /** The file is whole when it returns, and takes no more. */
  finish(): void {
    if (this.flushing !== null) clearTimeout(this.flushing);
    this.writer.close();
  }

  override async close(): Promise<void> {
    await this.inner.close();
    this.finish();
  }
}

/** Throws the system's error when the file cannot be made. */
export function captureDevice(
  inner: Device,
  path: string,
  clock: Clock,
  once = false,
): CapturedDevice {
  return new CapturedDevice(inner, new PcapngWriter(path, inner.name), clock, once);
}
