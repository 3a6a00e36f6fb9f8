/** The stack under test in virtual time: its clock, its timers, and what it sends, stamped. */
import type { DeviceOffload, PacketRemark } from "../base/device.ts";
import { NO_OFFLOAD } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import { namedRng } from "../base/rng.ts";
import { type Instant, instantOf } from "../base/time.ts";
import { Stack } from "../stack/stack.ts";
import type { Settings } from "../tcp/config.ts";
import type { RunSettings } from "./options.ts";

export interface LivePacket {
  readonly bytes: Uint8Array;
  /** Microseconds since the start, fractions count. */
  readonly at: number;
}

/** Every packet, either way, as it passes; `at` in microseconds. */
export type PacketListener = (
  at: number,
  direction: "in" | "out",
  bytes: Uint8Array,
  remark: string | null,
) => void;

class Sender {
  readonly offload: DeviceOffload = NO_OFFLOAD;
  readonly mtu: number;
  readonly offset = 0;
  buffer: Uint8Array = new Uint8Array(0);
  private readonly send: (bytes: Uint8Array, remark: PacketRemark) => void;

  constructor(mtu: number, send: (bytes: Uint8Array, remark: PacketRemark) => void) {
    this.mtu = mtu;
    this.send = send;
  }

  reserve(size: number): boolean {
    this.buffer = new Uint8Array(size);
    return true;
  }

  append(): void {
    invariant(false, "payload by reference is for devices that complete checksums");
  }

  commit(used: number, _needsChecksum: boolean, _gsoSize: number, remark: PacketRemark): void {
    this.send(this.buffer.subarray(0, used), remark);
  }

  flush(): void {
    // nothing is held back
  }
}

export class World {
  readonly stack: Stack;
  /** What was sent and not yet looked at. */
  readonly sent: LivePacket[] = [];
  /** Called when the stack has come to rest, and may have given it work again: then true. */
  onRest: () => boolean = () => false;
  /** A moment at which `onRest` is wanted, beside the stack's timers; microseconds. */
  wakeAt: number = Infinity;
  private clock: Instant = instantOf(0);
  private readonly listener: PacketListener | null;

  constructor(
    run: RunSettings,
    settings: Partial<Settings>,
    seed: number,
    listener: PacketListener | null,
  ) {
    this.listener = listener;
    this.stack = new Stack({
      addresses: [{ address: run.localIp, prefix: 24 }],
      rng: namedRng(seed, "drill"),
      now: this.clock,
      sender: new Sender(run.mtu, (bytes, remark) => {
        this.sent.push({ bytes, at: this.now });
        listener?.(this.now, "out", bytes, remark);
      }),
      settings,
    });
  }

  /** Microseconds since the start. */
  get now(): number {
    return this.clock * 1000;
  }

  /** The clock as the stack counts. */
  get instant(): Instant {
    return this.clock;
  }

  /** From now on, where the stack reads it each time; later connections have it anyway. */
  change(settings: Partial<Settings>): void {
    Object.assign(this.stack.settings, settings);
  }

  inject(bytes: Uint8Array): void {
    this.listener?.(this.now, "in", bytes, null);
    this.stack.input(bytes, 0, bytes.length, 0, this.clock);
    this.rest();
  }

  /** Lets the stack do what is due now, until nothing is. */
  rest(): void {
    do this.stack.poll(this.clock);
    while (this.onRest());
  }

  /** When something will happen by itself; microseconds, Infinity when never. */
  get next(): number {
    return Math.min(this.stack.nextTimeout() * 1000, this.wakeAt);
  }

  /** Runs what is due at `next`. */
  step(): void {
    const before = this.stack.nextTimeout();
    const stackFirst = before * 1000 <= this.wakeAt;
    const due = stackFirst ? before : this.wakeAt / 1000;
    this.clock = instantOf(Math.max(due, this.clock));
    this.rest();
    // the wheel may name a moment at which nothing is due yet, but then it names a later one
    if (stackFirst)
      invariant(this.stack.nextTimeout() > this.clock, "a timer that is due stays due");
  }

  /** Lets time go on to `at`, in microseconds, with every timer that is due before at its moment. */
  advance(at: number): void {
    // a thousandth of a microsecond: sums of floating-point milliseconds
    while (this.next < at - 0.001) this.step();
    this.clock = instantOf(Math.max(this.clock, at / 1000));
  }
}
