/** Through a TUN: craft is what stands at the TUN's end, and the kernel, or whoever it forwards to, is the stack that answers. */
import type { Device } from "../../base/device.ts";
import type { Target } from "./wire.ts";

export interface TunTargetOptions {
  readonly device: Device;
  readonly name: string;
  /** Of the stack that is talked to, and of the peer that is played. */
  readonly address: string;
  readonly peer: string;
  /** Takes back what was configured. */
  readonly undo: () => void;
}

export function tunTarget(options: TunTargetOptions): Target {
  const { device } = options;
  return {
    name: options.name,
    address: options.address,
    peer: options.peer,
    start: (receive) => {
      device.start({
        onPacket: (buffer, offset, length) => {
          // the kernel speaks IPv6 on every interface that comes up
          if (length > 0 && buffer[offset]! >> 4 === 4)
            receive(buffer.slice(offset, offset + length));
          return null;
        },
        onBatchEnd: () => {},
        onDeviceLost: () => {},
      });
    },
    send: (bytes) => {
      if (bytes.length > device.mtu) {
        throw new Error(
          `a packet of ${bytes.length} bytes does not fit ${device.name}: --mtu is ${device.mtu}`,
        );
      }
      if (!device.reserve(bytes.length)) device.flush();
      if (!device.reserve(bytes.length)) throw new Error(`${device.name} takes no packet now`);
      device.buffer.set(bytes, device.offset);
      device.commit(bytes.length, false, 0, null);
      device.flush();
    },
    close: async () => {
      await device.close();
      options.undo();
    },
  };
}
