/** The packets of a simulated run as pcapng: each as the host that receives it sees it, at its virtual time after 1970. */
import { lineOf } from "../base/errors.ts";
import { RX_CHECKSUM_GOOD } from "../base/device.ts";
import { PcapngWriter } from "../devices/pcapng.ts";
import type { NetemPacket } from "../netem/packet.ts";
import { completeChecksum } from "../sim/checksums.ts";
import type { SimLink } from "../sim/network.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";

export class SimCapture {
  private readonly writer: PcapngWriter;
  private readonly copy: Uint8Array = new Uint8Array(65_600);

  constructor(path: string) {
    try {
      this.writer = new PcapngWriter(path, "sim");
    } catch (error) {
      throw new CommandFailure(EXIT_FAILED, `--capture ${path}: ${lineOf(error)}`);
    }
  }

  /** For `onPacket` of a run. */
  packet(now: number, link: SimLink, p: NetemPacket): void {
    if (!link.toHost) return;
    let bytes = p.buffer;
    if ((p.flags & RX_CHECKSUM_GOOD) !== 0) {
      bytes = this.copy;
      bytes.set(p.buffer.subarray(0, p.length));
      completeChecksum(bytes, p.length);
    }
    this.writer.packet(now, "in", bytes, 0, p.length, p.remark);
  }

  close(): void {
    this.writer.close();
  }
}
