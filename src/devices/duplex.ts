/**
 * Any Node duplex stream whose chunks are IPv4 packets, as a device: the objects of TUN packages on npm,
 * and streams of one's own. Sending is bounded; what the stream does not take in time is dropped.
 */
import type { Duplex } from "node:stream";
import type { Device, DeviceOffload, PacketReceiver } from "../base/device.ts";
import { NO_OFFLOAD } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import { BufferedSender } from "./buffered-sender.ts";

/** How long closing waits for packets that the stream already holds: ample for a TUN, and a stuck stream ends all the same. */
const LAST_WRITES_MS = 100;

/** What a stream does not tell by itself. `mtu` in bytes. */
export interface DuplexOptions {
  readonly name: string;
  readonly mtu: number;
  /** Packets that the stream may hold unwritten. */
  readonly queueLimit?: number;
}

/** Packets of a stream. */
export interface DuplexStats {
  received: number;
  sent: number;
  dropped: number;
}

/** A device over a stream, as {@link duplexDevice} gives it. */
export class DuplexDevice extends BufferedSender implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: DeviceOffload = NO_OFFLOAD;
  readonly stats: DuplexStats = { received: 0, sent: 0, dropped: 0 };

  readonly #stream: Duplex;
  readonly #limit: number;
  #waiting = 0;
  #receiver: PacketReceiver | null = null;
  #lost = false;
  #closed: Promise<void> | null = null;

  constructor(stream: Duplex, options: DuplexOptions) {
    super(
      (buffer, offset, length, needsChecksum, gsoSize) => {
        invariant(!needsChecksum && gsoSize === 0, "a stream device has no offload");
        this.#write(buffer, offset, length);
      },
      () => {},
    );
    this.name = options.name;
    this.mtu = options.mtu;
    this.#stream = stream;
    this.#limit = options.queueLimit ?? 1024;
  }

  /** As of {@link PacketSender}; false while the stream has enough to write, too. */
  override reserve(size: number): boolean {
    return this.#waiting < this.#limit && super.reserve(size);
  }

  start(receiver: PacketReceiver): void {
    invariant(this.#receiver === null, `${this.name} is started once`);
    this.#receiver = receiver;
    this.#stream.on("error", (error: Error) => this.#lose(error));
    this.#stream.on("end", () => this.#lose(new Error(`${this.name}: the stream has ended`)));
    this.#stream.on("close", () => this.#lose(new Error(`${this.name}: the stream was closed`)));
    this.#stream.on("data", (chunk: Uint8Array) => this.#onChunk(receiver, chunk));
  }

  ref(): void {
    this.#call("ref");
  }

  unref(): void {
    this.#call("unref");
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#stream.closed) return resolve();
      // A stream may report why it could not be written to while it is taken down.
      this.#stream.on("error", () => {});
      this.#stream.once("close", () => resolve());
      this.#finish();
    });
    return this.#closed;
  }

  /** What was sent just before, such as the RSTs of a stack that closes, is written first, if the stream does so in time. */
  #finish(): void {
    const stream = this.#stream;
    if (this.#waiting === 0 || !stream.writable) {
      stream.destroy();
      return;
    }
    const timer = setTimeout(() => stream.destroy(), LAST_WRITES_MS);
    stream.end(() => {
      clearTimeout(timer);
      stream.destroy();
    });
  }

  /** Sockets and TUN objects have it, plain streams do not. */
  #call(method: "ref" | "unref"): void {
    const stream = this.#stream as Duplex & { ref?: () => void; unref?: () => void };
    stream[method]?.();
  }

  #onChunk(receiver: PacketReceiver, chunk: Uint8Array): void {
    if (this.#closed !== null) return;
    this.stats.received++;
    receiver.onPacket(chunk, 0, chunk.length, 0);
    receiver.onBatchEnd();
  }

  #write(buffer: Uint8Array, offset: number, length: number): void {
    const unusable = this.#closed !== null || this.#lost || !this.#stream.writable;
    if (unusable || length > this.mtu || this.#waiting >= this.#limit) {
      this.stats.dropped++;
      return;
    }
    this.#waiting++;
    // The stream keeps the chunk, and some packages insist on a Buffer.
    this.#stream.write(Buffer.from(buffer.subarray(offset, offset + length)), (error) => {
      this.#waiting--;
      if (error) this.stats.dropped++;
      else this.stats.sent++;
    });
  }

  #lose(error: Error): void {
    if (this.#lost || this.#closed !== null) return;
    this.#lost = true;
    this.#receiver?.onDeviceLost(error);
  }
}

/** A device over a stream of which each chunk is a packet, such as another package's TUN. */
export function duplexDevice(stream: Duplex, options: DuplexOptions): DuplexDevice {
  return new DuplexDevice(stream, options);
}
