/**
 * A TUN with several queues (IFF_MULTI_QUEUE): the kernel sends each flow to one queue, by a hash of its addresses and
 * ports. The descriptors are held here for as long as the program runs; who works on a queue gets a descriptor of its own of
 * it. So the number of queues, and with it who gets which flow, stays as it is when a worker ends and another takes its place.
 */
import type { PacketReceiver } from "../base/device.ts";
import { loadNative, type NativeTun } from "./native-binding.ts";
import { openQueue, settleMtu, TunDevice, type TunOptions } from "./tun.ts";

/** One queue, as it can be told to a worker thread. */
export interface TunQueue {
  readonly tun: NativeTun;
  readonly mtu: number;
}

export interface TunQueues {
  readonly name: string;
  readonly queues: readonly TunQueue[];
  /** Gives the queues up; what workers hold of them they close themselves. */
  close(): void;
}

/** Throws what {@link openTun} throws; EINVAL for an existing device that was made without multi_queue. */
export function openTunQueues(options: TunOptions, count: number): TunQueues {
  const native = loadNative();
  const tuns: NativeTun[] = [];
  const close = (): void => {
    for (const tun of tuns.splice(0)) native.closeFd(tun.fd);
  };
  try {
    for (let i = 0; i < count; i++) {
      // a name with %d is made up once
      const name = tuns[0]?.name ?? options.name;
      tuns.push(openQueue(name, options.offload, true));
    }
    const { name } = tuns[0]!;
    const mtu = settleMtu(name, options.mtu);
    return { name, queues: tuns.map((tun) => ({ tun, mtu })), close };
  } catch (error) {
    close();
    throw error;
  }
}

type Wrap = (receiver: PacketReceiver) => PacketReceiver;

class QueueDevice extends TunDevice {
  readonly #wrap: Wrap;

  constructor(tun: NativeTun, mtu: number, wrap: Wrap) {
    super(tun, mtu);
    this.#wrap = wrap;
  }

  override start(receiver: PacketReceiver): void {
    super.start(this.#wrap(receiver));
  }
}

/** A device on one of the queues; `wrap` may put itself before the receiver. */
export function attachQueue(queue: TunQueue, wrap: Wrap = (receiver) => receiver): TunDevice {
  const fd = loadNative().dupFd(queue.tun.fd);
  return new QueueDevice({ ...queue.tun, fd }, queue.mtu, wrap);
}
