/**
 * A device whose link may be made bad and good again, and whose packets may be watched, while it runs. As long as nobody asks,
 * nothing stands between: calls go straight to the device within.
 */
import {
  type Device,
  type DeviceOffload,
  NO_OFFLOAD,
  type PacketReceiver,
  type PacketRemark,
} from "../base/device.ts";
import type { Clock } from "../base/time.ts";
import { CutReceived } from "./cut-received.ts";
import { ImpairedDevice, type SetTimer } from "./impair.ts";
import type { ImpairmentSpec } from "./impairment-spec.ts";
import { type PacketTap, TappedDevice } from "./tap.ts";

export interface LiveLinkOptions {
  readonly clock: Clock;
  readonly setTimer?: SetTimer;
}

/** The device within as what stands above it sees it: started as often as the way is built, and closed by its owner only. */
class Port implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: DeviceOffload;
  readonly #inner: Device;
  readonly #started: (receiver: PacketReceiver) => void;

  constructor(inner: Device, started: (receiver: PacketReceiver) => void) {
    this.name = inner.name;
    this.mtu = inner.mtu;
    this.offload = inner.offload;
    this.#inner = inner;
    this.#started = started;
  }

  get buffer(): Uint8Array {
    return this.#inner.buffer;
  }

  get offset(): number {
    return this.#inner.offset;
  }

  reserve(size: number): boolean {
    return this.#inner.reserve(size);
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.#inner.append(chunk, from, to);
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void {
    this.#inner.commit(used, needsChecksum, gsoSize, remark);
  }

  flush(): void {
    this.#inner.flush();
  }

  keepReceived(): void {
    this.#inner.keepReceived?.();
  }

  start(receiver: PacketReceiver): void {
    this.#started(receiver);
  }

  ref(): void {}

  unref(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class LiveLink implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly #inner: Device;
  readonly #port: Port;
  readonly #options: LiveLinkOptions;
  /** What the stack sends into. */
  #way: Device;
  /** What the device within delivers to. */
  #up: PacketReceiver | null = null;
  #stack: PacketReceiver | null = null;
  #impaired: ImpairedDevice | null = null;
  /** It still delivers what was under way when it was replaced. */
  #former: ImpairedDevice | null = null;
  #tap: PacketTap | null = null;

  constructor(inner: Device, options: LiveLinkOptions) {
    this.name = inner.name;
    this.mtu = inner.mtu;
    this.#inner = inner;
    this.#options = options;
    this.#way = inner;
    this.#port = new Port(inner, (receiver) => {
      this.#up = receiver;
    });
  }

  /** Of a bad link packets must be complete before a bit of one may be flipped. */
  get offload(): DeviceOffload {
    return this.#impaired === null ? this.#inner.offload : NO_OFFLOAD;
  }

  /** What the impairment in force did so far; null without one. */
  get impairment(): Pick<ImpairedDevice, "counters"> | null {
    return this.#impaired;
  }

  get isWatched(): boolean {
    return this.#tap !== null;
  }

  /** From now on; null: the link as it is. What is under way arrives as it would have. */
  impair(spec: ImpairmentSpec | null): void {
    this.#former?.closeLanes();
    this.#former = this.#impaired;
    this.#impaired =
      spec === null ? null : new ImpairedDevice(new CutReceived(this.#port), spec, this.#options);
    this.#build();
  }

  /** Shows every packet to `tap` from now on; null: to nobody. */
  watch(tap: PacketTap | null): void {
    this.#tap = tap;
    this.#build();
  }

  #build(): void {
    this.#way.flush();
    const below = this.#impaired ?? (this.#tap === null ? this.#inner : this.#port);
    this.#way =
      this.#tap === null ? below : new TappedDevice(below, this.#options.clock, this.#tap);
    if (this.#stack === null) return;
    if (this.#way === this.#inner) this.#up = this.#stack;
    else this.#way.start(this.#stack);
  }

  get buffer(): Uint8Array {
    return this.#way.buffer;
  }

  get offset(): number {
    return this.#way.offset;
  }

  reserve(size: number): boolean {
    return this.#way.reserve(size);
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.#way.append(chunk, from, to);
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void {
    this.#way.commit(used, needsChecksum, gsoSize, remark);
  }

  flush(): void {
    this.#way.flush();
  }

  keepReceived(): void {
    this.#way.keepReceived?.();
  }

  start(receiver: PacketReceiver): void {
    this.#stack = receiver;
    this.#build();
    this.#inner.start({
      onPacket: (buffer, offset, length, flags) =>
        this.#up!.onPacket(buffer, offset, length, flags),
      onBatchEnd: () => this.#up!.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    });
  }

  ref(): void {
    this.#inner.ref();
  }

  unref(): void {
    this.#inner.unref();
  }

  close(): Promise<void> {
    this.#former?.closeLanes();
    this.#impaired?.closeLanes();
    return this.#inner.close();
  }
}
