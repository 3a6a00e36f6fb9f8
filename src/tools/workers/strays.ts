/**
 * ICMP errors that come to the wrong worker: the kernel hashes them by the router's address, not by the connection that they
 * quote. Each is passed on to the other workers once, within a limit, as anybody can make them up.
 */
import type { PacketReceiver } from "../../base/device.ts";
import { NOBODYS_ERROR } from "../../stack/icmp.ts";

const REMARK = `dropped: ${NOBODYS_ERROR}`;
const MOST_PER_SECOND = 100;

export class Strays {
  readonly #passOn: (packet: Uint8Array) => void;
  #receiver: PacketReceiver | null = null;
  #began = 0;
  #count = 0;

  constructor(passOn: (packet: Uint8Array) => void) {
    this.#passOn = passOn;
  }

  /** Stands before the stack of this worker. */
  watch(receiver: PacketReceiver): PacketReceiver {
    this.#receiver = receiver;
    return {
      onPacket: (buffer, offset, length, flags) => {
        const remark = receiver.onPacket(buffer, offset, length, flags);
        if (remark === REMARK && this.#mayPass())
          this.#passOn(buffer.slice(offset, offset + length));
        return remark;
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }

  /** One that came to another worker. */
  take(packet: Uint8Array): void {
    this.#receiver?.onPacket(packet, 0, packet.length, 0);
    this.#receiver?.onBatchEnd();
  }

  #mayPass(): boolean {
    const now = performance.now();
    if (now - this.#began >= 1000) {
      this.#began = now;
      this.#count = 0;
    }
    return this.#count++ < MOST_PER_SECOND;
  }
}
