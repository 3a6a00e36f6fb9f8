/**
 * A TUN, from either side. Attached to it, the kernel (or whoever it forwards to) is the stack that answers; from the kernel's side it is
 * whoever is attached.
 */
import { type Device, RX_CHECKSUM_GOOD } from "../../base/device.ts";
import { readI32 } from "../../base/bytes.ts";
import { forwardPacket } from "../../devices/buffered-sender.ts";
import { ipv4, type Ipv4Address } from "../../wire/address.ts";
import { IPV4_HEADER, PROTO_TCP } from "../../wire/ipv4.ts";
import { fillTcpChecksum, TCP_HEADER } from "../../wire/tcp.ts";
import { hostAddressFault, type HostLink } from "./host-address.ts";
import type { Target } from "./wire.ts";

export interface TunTargetOptions {
  readonly device: Device;
  readonly name: string;
  /** Bytes of the largest packet that leaves. */
  readonly mtu: number;
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
        onPacket: (buffer, offset, length, flags) => {
          // the kernel speaks IPv6 on every interface that comes up
          if (length > 0 && buffer[offset]! >> 4 === 4) {
            const bytes = buffer.slice(offset, offset + length);
            if ((flags & RX_CHECKSUM_GOOD) !== 0) completeChecksum(bytes);
            receive(bytes);
          }
          return null;
        },
        onBatchEnd: () => {},
        onDeviceLost: () => {},
      });
    },
    send: (bytes) => {
      const fault = bytes.length < IPV4_HEADER ? null : hostAddressFault(sourceOf(bytes), links);
      if (fault !== null) throw new Error(fault);
      if (bytes.length > options.mtu) {
        throw new Error(
          `a packet of ${bytes.length} bytes does not fit ${device.name}: its MTU is ${options.mtu}`,
        );
      }
      if (!forwardPacket(device, bytes, 0, bytes.length, false, 0, null)) {
        throw new Error(`${device.name} takes no packet now`);
      }
      device.flush();
    },
    close: async () => {
      await device.close();
      options.undo();
    },
  };
}

/** It was left to whoever takes the packet off the TUN, which is a second one here. */
function completeChecksum(bytes: Uint8Array): void {
  const at = (bytes[0]! & 15) * 4;
  if (bytes[9] !== PROTO_TCP || bytes.length < at + TCP_HEADER) return;
  fillTcpChecksum(bytes, at, bytes.length - at, sourceOf(bytes), ipv4(readI32(bytes, 16)));
}

function sourceOf(bytes: Uint8Array): Ipv4Address {
  return ipv4(readI32(bytes, 12));
}
