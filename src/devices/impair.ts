/**
 * A bad network on purpose, around a device: both ways through the model of `impaired-link.ts`, and what waits for its
 * time on one timer each.
 */
import type { Device, PacketReceiver, PacketRemark } from "../base/device.ts";
import { NO_OFFLOAD } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import type { Clock, Instant } from "../base/time.ts";
import { ImpairedLink, type LinkCounters } from "./impaired-link.ts";
import type { ImpairmentSpec } from "./impairment-spec.ts";
import { Middleware } from "./middleware.ts";

/** Runs `fire` after `ms`; the result cancels it. */
export type SetTimer = (fire: () => void, ms: number) => () => void;

export interface ImpairOptions {
  readonly clock: Clock;
  readonly setTimer?: SetTimer;
}

function nodeTimer(fire: () => void, ms: number): () => void {
  const timer = setTimeout(fire, ms);
  return () => clearTimeout(timer);
}

interface Waiting {
  readonly at: Instant;
  readonly bytes: Uint8Array;
  readonly remark: PacketRemark;
}

/** One direction at work: the model, what waits, and one timer for the first of it. */
class Lane {
  readonly link: ImpairedLink;
  readonly #queue: Waiting[] = [];
  readonly #clock: Clock;
  readonly #setTimer: SetTimer;
  readonly #deliver: (packet: Waiting) => void;
  readonly #batchEnd: () => void;
  #cancel: (() => void) | null = null;
  #timerAt = Infinity;
  #closed = false;

  constructor(
    link: ImpairedLink,
    options: ImpairOptions,
    deliver: (packet: Waiting) => void,
    batchEnd: () => void,
  ) {
    this.link = link;
    this.#clock = options.clock;
    this.#setTimer = options.setTimer ?? nodeTimer;
    this.#deliver = deliver;
    this.#batchEnd = batchEnd;
  }

  offer(buffer: Uint8Array, offset: number, length: number, remark: PacketRemark): PacketRemark {
    if (this.#closed) return "dropped: closed";
    const verdict = this.link.offer(length, this.#clock.now());
    if (verdict.dropped !== null) return `dropped: impairment (${verdict.dropped})`;
    const bytes = buffer.slice(offset, offset + length);
    const bit = verdict.corruptBit;
    if (bit >= 0) bytes[bit >>> 3] = bytes[bit >>> 3]! ^ (0x80 >>> (bit & 7));
    this.#insert({ at: verdict.deliverAt, bytes, remark });
    if (verdict.duplicateAt >= 0) this.#insert({ at: verdict.duplicateAt, bytes, remark });
    return null;
  }

  #insert(packet: Waiting): void {
    let i = this.#queue.length;
    while (i > 0 && this.#queue[i - 1]!.at > packet.at) i--;
    this.#queue.splice(i, 0, packet);
  }

  /** Delivers what is due and sets the timer for the rest. */
  pump(): void {
    const now = this.#clock.now();
    let count = 0;
    while (!this.#closed && this.#queue.length > 0 && this.#queue[0]!.at <= now) {
      this.#deliver(this.#queue.shift()!);
      count++;
    }
    if (count > 0 && !this.#closed) this.#batchEnd();
    const next = this.#queue[0]?.at ?? Infinity;
    if (this.#closed || next === this.#timerAt) return;
    this.#cancel?.();
    this.#timerAt = next;
    this.#cancel = null;
    if (next === Infinity) return;
    this.#cancel = this.#setTimer(
      () => {
        this.#cancel = null;
        this.#timerAt = Infinity;
        this.pump();
      },
      Math.max(0, next - this.#clock.now()),
    );
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#cancel?.();
    this.#cancel = null;
  }
}

export class ImpairedDevice extends Middleware {
  readonly counters: { readonly in: LinkCounters; readonly out: LinkCounters };

  readonly #out: Lane;
  readonly #in: Lane;
  #receiver: PacketReceiver | null = null;

  constructor(inner: Device, spec: ImpairmentSpec, options: ImpairOptions) {
    // No offload: a packet must be complete before a bit of it may be flipped.
    super(inner, NO_OFFLOAD);
    this.#out = new Lane(
      new ImpairedLink(spec.out, spec.seed * 2),
      options,
      ({ bytes, remark }) => this.forward(bytes, 0, bytes.length, false, 0, remark),
      () => inner.flush(),
    );
    // Nothing vouches for the checksum any more.
    this.#in = new Lane(
      new ImpairedLink(spec.in, spec.seed * 2 + 1),
      options,
      ({ bytes }) => void this.#receiver?.onPacket(bytes, 0, bytes.length, 0),
      () => this.#receiver?.onBatchEnd(),
    );
    this.counters = { in: this.#in.link.counters, out: this.#out.link.counters };
  }

  protected override outgoing(
    buffer: Uint8Array,
    offset: number,
    length: number,
    needsChecksum: boolean,
    gsoSize: number,
    remark: PacketRemark,
  ): void {
    invariant(!needsChecksum && gsoSize === 0, "an impaired device has no offload");
    this.#out.offer(buffer, offset, length, remark);
  }

  protected override incoming(receiver: PacketReceiver): PacketReceiver {
    this.#receiver = receiver;
    return {
      onPacket: (buffer, offset, length) => this.#in.offer(buffer, offset, length, null),
      onBatchEnd: () => this.#in.pump(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }

  override flush(): void {
    this.#out.pump();
  }

  override close(): Promise<void> {
    this.#out.close();
    this.#in.close();
    return super.close();
  }
}

export function impairDevice(
  device: Device,
  spec: ImpairmentSpec,
  options: ImpairOptions,
): ImpairedDevice {
  return new ImpairedDevice(device, spec, options);
}
