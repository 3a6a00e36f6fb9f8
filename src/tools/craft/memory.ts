/** The stack in memory: our own, with services that answer, and no device, no root and no kernel anywhere. */
import type { Device, PacketReceiver } from "../../base/device.ts";
import { NO_OFFLOAD } from "../../base/device.ts";
import { BufferedSender } from "../../devices/buffered-sender.ts";
import { createStack } from "../../sockets/create-stack.ts";
import type { TcpServer } from "../../sockets/tcp-server.ts";
import type { Settings } from "../../tcp/config.ts";
import { type NetLike, parseService } from "../services/index.ts";
import type { Target } from "./wire.ts";

/** Its far end is a function. Packets that are put in may be larger than the MTU, as after the kernel's reassembly. */
class OpenEnd extends BufferedSender implements Device {
  readonly name = "craft";
  readonly mtu: number;
  readonly offload: typeof NO_OFFLOAD = NO_OFFLOAD;
  readonly #waiting: Uint8Array[] = [];
  #receiver: PacketReceiver | null = null;
  #out: (bytes: Uint8Array) => void = () => {};
  #delivering = false;

  constructor(mtu: number) {
    super(
      (buffer, offset, length) => this.#out(buffer.slice(offset, offset + length)),
      () => {},
    );
    this.mtu = mtu;
  }

  set onSent(out: (bytes: Uint8Array) => void) {
    this.#out = out;
  }

  start(receiver: PacketReceiver): void {
    this.#receiver = receiver;
  }

  /** Never from within what the stack is doing. */
  put(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (this.#delivering) return;
    this.#delivering = true;
    setImmediate(() => {
      this.#delivering = false;
      const batch = this.#waiting.splice(0);
      for (const packet of batch) this.#receiver?.onPacket(packet, 0, packet.length, 0);
      this.#receiver?.onBatchEnd();
    });
  }

  ref(): void {}

  unref(): void {}

  close(): Promise<void> {
    this.#receiver = null;
    return Promise.resolve();
  }
}

export interface MemoryOptions {
  /** Of the stack, with its prefix length. */
  readonly address: string;
  readonly peer: string;
  readonly mtu: number;
  readonly settings: Partial<Settings>;
  /** `echo:7` and the like. */
  readonly services: readonly string[];
  /** What stands between: a bad network. */
  readonly wrap?: (device: Device) => Device;
}

/** Throws an Error with one line for a service that is none. */
export async function memoryTarget(options: MemoryOptions): Promise<Target> {
  const open = new OpenEnd(options.mtu);
  const device = options.wrap?.(open) ?? open;
  const stack = createStack({ device, address: options.address, settings: options.settings });
  for (const text of options.services) {
    const request = parseService(text);
    if (typeof request === "string") throw new Error(request);
    const { server } = request.start(stack.net as unknown as NetLike);
    await new Promise<void>((resolve, reject) => {
      (server as unknown as TcpServer).once("error", reject);
      server.listen(request.port, resolve);
    });
  }
  return {
    name: "the stack in memory",
    address: options.address.split("/")[0]!,
    peer: options.peer,
    start: (receive) => {
      open.onSent = receive;
    },
    send: (bytes) => open.put(bytes),
    close: async () => {
      open.onSent = () => {};
      await stack.close();
    },
  };
}
