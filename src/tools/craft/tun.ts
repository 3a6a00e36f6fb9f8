/** Through a TUN: craft is what stands at the TUN's end, and the kernel, or whoever it forwards to, is the stack that answers. */
import type { Device } from "../../base/device.ts";
import { readI32 } from "../../base/bytes.ts";
import { ipv4, type Ipv4Address } from "../../wire/address.ts";
import { IPV4_HEADER } from "../../wire/ipv4.ts";
import { hostAddressFault, type HostLink } from "./host-address.ts";
import type { Target } from "./wire.ts";

export interface TunTargetOptions {
  readonly device: Device;
  readonly name: string;
  /** Of the stack that is talked to, and of the peer that is played. */
  readonly address: string;
  readonly peer: string;
  /** Of this machine: nothing leaves in the name of one of its addresses. */
  readonly links: readonly HostLink[];
  /** Takes back what was configured. */
  readonly undo: () => void;
}

export function tunTarget(options: TunTargetOptions): Target {
  const { device, links } = options;
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
      const fault = bytes.length < IPV4_HEADER ? null : hostAddressFault(sourceOf(bytes), links);
      if (fault !== null) throw new Error(fault);
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

function sourceOf(bytes: Uint8Array): Ipv4Address {
  return ipv4(readI32(bytes, 12));
}
