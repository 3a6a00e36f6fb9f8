/**
 * A bad network on purpose, around a device: both ways through the models of `src/netem`, with one timer each for what is due
 * next. Cuts count from when the device was made.
 */
import type { Device, PacketReceiver, PacketRemark } from "../base/device.ts";
import { NO_OFFLOAD } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import { type LinkCounters, NetemLink } from "../netem/link.ts";
import type { LinkSpec } from "../netem/link-spec.ts";
import { mtuAt } from "../netem/mtu.ts";
import { type NetemPacket, PacketPool } from "../netem/packet.ts";
import { TOO_BIG_MOST, writeTooBig } from "../wire/too-big.ts";
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

/** One direction at work: the model, and one timer for what is due first. */
class Lane {
  readonly link: NetemLink;
  readonly #pool: PacketPool;
  readonly #clock: Clock;
  readonly #setTimer: SetTimer;
  readonly #batchEnd: () => void;
  readonly #began: number;
  #delivered = 0;
  #cancel: (() => void) | null = null;
  #timerAt = Infinity;
  #closed = false;
  /** Where a message to the sender of what is too large goes. */
  back: Lane | null = null;

  constructor(
    name: string,
    spec: LinkSpec,
    seed: number,
    options: ImpairOptions,
    deliver: (p: NetemPacket) => void,
    batchEnd: () => void,
  ) {
    this.#clock = options.clock;
    this.#setTimer = options.setTimer ?? nodeTimer;
    this.#batchEnd = batchEnd;
    this.#began = options.clock.now();
    const pool = new PacketPool();
    this.#pool = pool;
    this.link = new NetemLink(spec, seed, name, pool, {
      deliver: (p) => {
        if (this.#closed) return; // closed by what was delivered before
        this.#delivered++;
        deliver(p);
        pool.give(p);
      },
      dropped: (p, why) => {
        if (why === "mtu" && !spec.blackHole) this.#tellTooBig(p);
        pool.give(p);
      },
      beforeChange() {}, // without offload nothing is left to a device
    });
  }

  #now(): number {
    return this.#clock.now() - this.#began;
  }

  offer(buffer: Uint8Array, offset: number, length: number, remark: PacketRemark): PacketRemark {
    if (this.#closed) return "dropped: closed";
    const p = this.#pool.take(length);
    p.buffer.set(buffer.subarray(offset, offset + length));
    p.remark = remark;
    const dropped = this.link.offer(p, this.#now());
    return dropped === null ? null : `dropped: impairment (${dropped})`;
  }

  #tellTooBig(p: NetemPacket): void {
    const message = new Uint8Array(TOO_BIG_MOST);
    const mtu = mtuAt(this.link.spec.mtu, this.#now());
    this.back!.offer(message, 0, writeTooBig(message, p.buffer, mtu), null);
    this.back!.#pumpSoon();
  }

  /** Not at once: the one who is told may be sending. */
  #pumpSoon(): void {
    if (this.link.due === Infinity) return;
    this.#cancel?.();
    this.#timerAt = -Infinity;
    this.#cancel = this.#setTimer(() => this.#timerFires(), 0);
  }

  #timerFires(): void {
    this.#cancel = null;
    this.#timerAt = Infinity;
    this.pump();
  }

  /** Delivers what is due and sets the timer for the rest. */
  pump(): void {
    if (!this.#closed) this.link.run(this.#now());
    if (this.#delivered > 0 && !this.#closed) this.#batchEnd();
    this.#delivered = 0;
    const next = this.link.due;
    if (this.#closed || next === this.#timerAt) return;
    this.#cancel?.();
    this.#timerAt = next;
    this.#cancel = null;
    if (next === Infinity) return;
    this.#cancel = this.#setTimer(() => this.#timerFires(), Math.max(0, next - this.#now()));
  }

  close(): void {
    this.#closed = true;
    this.link.clear();
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
      "out",
      spec.out,
      spec.seed,
      options,
      (p) => this.forward(p.buffer, 0, p.length, false, 0, p.remark),
      () => inner.flush(),
    );
    // Nothing vouches for the checksum any more.
    this.#in = new Lane(
      "in",
      spec.in,
      spec.seed,
      options,
      (p) => void this.#receiver?.onPacket(p.buffer, 0, p.length, 0),
      () => this.#receiver?.onBatchEnd(),
    );
    this.#out.back = this.#in;
    this.#in.back = this.#out;
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

  /** Nothing more comes out of it; the device below stays. */
  closeLanes(): void {
    this.#out.close();
    this.#in.close();
  }

  override close(): Promise<void> {
    this.closeLanes();
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
