/**
 * Two devices joined in memory: what one sends, the other receives, on flush and never from within a
 * delivery. Delivery is by the event loop, or by hand for tests and simulations.
 */
import type { Device, DeviceOffload, PacketReceiver } from "../base/device.ts";
import { NO_OFFLOAD, RX_CHECKSUM_GOOD, RX_KEEPABLE } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import { BufferedSender } from "./buffered-sender.ts";

/** Of both ends alike. `mtu` in bytes; 1500. */
export interface PairOptions {
  readonly mtu?: number;
  readonly offload?: DeviceOffload;
  readonly names?: readonly [string, string];
  /** Packets that wait in one direction at most; more are dropped and counted. */
  readonly queueLimit?: number;
  /** Runs a delivery soon, `setImmediate` by default; `"manual"` leaves it to `deliver()`. */
  readonly schedule?: ((deliver: () => void) => void) | "manual";
}

/** Packets that came to one end. */
export interface PairStats {
  delivered: number;
  /** Queue full, larger than the MTU, or no receiver. */
  dropped: number;
}

/** Bytes of a packet from which on the receiver may keep its memory. */
const KEEP_FROM = 32768;

interface Queued {
  bytes: Uint8Array;
  length: number;
  flags: number;
}

/** One end of a pair. */
class PairDevice extends BufferedSender implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: DeviceOffload;
  readonly stats: PairStats = { delivered: 0, dropped: 0 };
  peer: PairDevice | null = null;

  readonly #limit: number;
  readonly #wake: () => void;
  readonly #queue: Queued[] = [];
  readonly #spare: Queued[] = [];
  #flushed = 0;
  #kept = false;
  #receiver: PacketReceiver | null = null;
  #closed = false;

  constructor(name: string, options: PairOptions, wake: () => void) {
    super(
      (buffer, offset, length, needsChecksum, gsoSize) =>
        this.#enqueue(buffer, offset, length, needsChecksum, gsoSize),
      () => this.#onFlush(),
    );
    this.name = name;
    this.mtu = options.mtu ?? 1500;
    this.offload = options.offload ?? NO_OFFLOAD;
    this.#limit = options.queueLimit ?? 4096;
    this.#wake = wake;
  }

  /** Packets that were flushed and wait for delivery. */
  get pending(): number {
    return this.#flushed;
  }

  /** As of {@link PacketSender}; false while the queue is full, too. */
  override reserve(size: number): boolean {
    return this.#queue.length < this.#limit && super.reserve(size);
  }

  keepReceived(): void {
    this.#kept = true;
  }

  start(receiver: PacketReceiver): void {
    invariant(this.#receiver === null, `${this.name} is started once`);
    this.#receiver = receiver;
  }

  /** Only a waiting delivery keeps the process alive, as nothing else can come. */
  ref(): void {}

  unref(): void {}

  close(): Promise<void> {
    this.#closed = true;
    this.#receiver = null;
    return Promise.resolve();
  }

  #enqueue(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
  ): void {
    invariant(!needsChecksum || this.offload.checksum, "checksum offload was granted");
    invariant(gsoSize === 0 || this.offload.tso, "segmentation offload was granted");
    const tooLarge = gsoSize === 0 && length > this.mtu;
    if (this.#closed || tooLarge || this.#queue.length >= this.#limit) {
      this.stats.dropped++;
      return;
    }
    const entry = this.#spare.pop() ?? { bytes: new Uint8Array(2048), length: 0, flags: 0 };
    // not cleared: what is read of it was written before
    if (entry.bytes.length < length)
      entry.bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    entry.bytes.set(buffer.subarray(offset, offset + length));
    entry.length = length;
    // smaller ones are worth more as memory that is used again
    const keepable = length >= KEEP_FROM ? RX_KEEPABLE : 0;
    entry.flags = (needsChecksum ? RX_CHECKSUM_GOOD : 0) | keepable;
    this.#queue.push(entry);
  }

  #onFlush(): void {
    if (this.#queue.length === this.#flushed) return;
    this.#flushed = this.#queue.length;
    this.#wake();
  }

  /** Removes what was flushed. */
  take(): Queued[] {
    const batch = this.#queue.splice(0, this.#flushed);
    this.#flushed = 0;
    return batch;
  }

  /** Delivers what was flushed to the other end. */
  deliverToPeer(batch: readonly Queued[]): number {
    const peer = this.peer!;
    let count = 0;
    for (const entry of batch) {
      const receiver = peer.#receiver;
      if (receiver === null) {
        this.stats.dropped++;
      } else {
        receiver.onPacket(entry.bytes, 0, entry.length, entry.flags);
        this.stats.delivered++;
        count++;
      }
      if (peer.#kept) peer.#kept = false;
      else if (this.#spare.length < 64) this.#spare.push(entry);
    }
    if (count > 0) peer.#receiver?.onBatchEnd();
    return count;
  }
}

/** The two ends, and their delivery by hand. */
export type PacketPair = readonly [PairDevice, PairDevice] & {
  /** One round: delivers what both ends had flushed; returns the number of packets. */
  deliver(): number;
  /** Packets that the next round would deliver. */
  pending(): number;
};

export type { PairDevice };

/** Two devices joined in memory, for two stacks. */
export function createPair(options: PairOptions = {}): PacketPair {
  const schedule = options.schedule ?? ((deliver: () => void): void => void setImmediate(deliver));
  let delivering = false;
  let scheduled = false;
  const pending = (): number => left.pending + right.pending;
  const wake = (): void => {
    if (schedule === "manual" || scheduled || delivering) return;
    scheduled = true;
    schedule(() => {
      scheduled = false;
      deliver();
    });
  };
  const deliver = (): number => {
    if (delivering) return 0;
    delivering = true;
    try {
      // Both taken first, so that an answer within this round waits for the next.
      const leftBatch = left.take();
      const rightBatch = right.take();
      return left.deliverToPeer(leftBatch) + right.deliverToPeer(rightBatch);
    } finally {
      delivering = false;
      if (pending() > 0) wake();
    }
  };
  const [leftName, rightName] = options.names ?? ["pair0", "pair1"];
  const left = new PairDevice(leftName, options, wake);
  const right = new PairDevice(rightName, options, wake);
  left.peer = right;
  right.peer = left;
  return Object.assign([left, right] as const, { deliver, pending });
}
