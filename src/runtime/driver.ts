/**
 * Joins a stack, a device and the system's clock: reads the clock once a batch, owns the one real timer, and
 * flushes after every poll. The stack knows none of this.
 */
import { type Device, type PacketReceiver, type PacketRemark } from "../base/device.ts";
import { type Clock, type Instant, NEVER } from "../base/time.ts";
import { Stack } from "../stack/stack.ts";
import type { Settings } from "../tcp/config.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { type Cidr, formatIpv4 } from "../wire/address.ts";
import { ChannelTrace, hasWatchers, tellDrop } from "./channels.ts";
import * as debug from "./debug.ts";
import { systemClock, systemMemory, systemRng } from "./system.ts";

export interface DriverOptions {
  readonly device: Device;
  readonly addresses: readonly Cidr[];
  readonly anyAddress?: boolean;
  readonly settings?: Partial<Settings>;
  readonly trace?: TcpTrace | null;
  readonly congestionControls?: readonly ControllerKind[];
  readonly clock?: Clock;
}

/** A timer this late means that the process was held up: what waits in the device is read before it counts. */
const LATE = 20;
/** Turns of the event loop in which the device is read for that, each up to 512 packets of a TUN. */
const DRAINING_TURNS = 100;
/** setTimeout takes no more than this. */
const LONGEST_SLEEP = 0x7fffffff;

export class Driver implements PacketReceiver {
  readonly stack: Stack;
  readonly device: Device;
  private readonly clock: Clock;
  private timer: NodeJS.Timeout | null = null;
  private armedFor: Instant = NEVER;
  private now: Instant;
  private inBatch = false;
  private scheduled = false;
  private refs = 0;
  private closing: Promise<void> | null = null;
  private lost = false;
  /** Held up: no timer counts until a turn brings no packet. */
  private draining = false;
  private arrived = false;
  private turns = 0;
  /** While a diagnostics channel about connections has a subscriber: ends the watching. */
  private unwatch: (() => void) | null = null;
  /** Of the batch, for NODE_DEBUG. */
  private packets = 0;
  private bytes = 0;
  /** Called once when the device is gone for good. */
  onLost: ((error: Error) => void) | null = null;
  private readonly onTimer = (): void => this.timerDue();
  private readonly onTick = (): void => {
    this.scheduled = false;
    this.turn(this.clock.now());
  };
  private readonly onDrained = (): void => {
    if (this.arrived && this.turns++ < DRAINING_TURNS) {
      this.arrived = false;
      setImmediate(this.onDrained);
      return;
    }
    this.draining = false;
    this.disarm();
    this.poll(this.clock.now());
  };

  constructor(options: DriverOptions) {
    this.device = options.device;
    this.clock = options.clock ?? systemClock;
    this.now = this.clock.now();
    this.stack = new Stack({
      addresses: options.addresses,
      anyAddress: options.anyAddress === true,
      rng: systemRng(),
      now: this.now,
      sender: options.device,
      host: this,
      allocate: systemMemory,
      congestionControls: options.congestionControls ?? [],
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      ...(options.trace === undefined ? {} : { trace: options.trace }),
    });
    if (debug.trace !== null) this.stack.watch(debug.trace);
    if (debug.DEVICE)
      debug.opened(
        this.device,
        options.addresses.map(({ address }) => formatIpv4(address)).join(" "),
      );
    this.lookForWatchers();
    this.device.start(this);
    this.device.unref();
  }

  // --- the device's side ----------------------------------------------------------------------------

  onPacket(buffer: Uint8Array, offset: number, length: number, flags: number): PacketRemark {
    if (!this.inBatch) {
      this.inBatch = true;
      this.now = this.clock.now();
    }
    if (debug.DEVICE) {
      this.packets++;
      this.bytes += length;
    }
    const remark = this.stack.input(buffer, offset, length, flags, this.now);
    if (remark !== null) {
      tellDrop(buffer, offset, length, remark, this.now);
      if (debug.PACKETS) debug.drop(buffer, offset, length, remark);
    }
    return remark;
  }

  onBatchEnd(): void {
    this.inBatch = false;
    this.arrived = true;
    if (debug.DEVICE) {
      debug.batch(this.device, this.packets, this.bytes);
      this.packets = 0;
      this.bytes = 0;
    }
    this.turn(this.now);
    if (this.draining) this.stack.keepLent();
  }

  onDeviceLost(error: Error): void {
    if (this.lost) return;
    this.lost = true;
    if (debug.DEVICE) debug.deviceEnd(this.device, error.message);
    this.stack.deviceLost({
      code: "ENETDOWN",
      message: `the device is gone: ${error.message}`,
    });
    this.poll(this.clock.now());
    this.onLost?.(error);
  }

  // --- the stack's side -----------------------------------------------------------------------------

  /** A user call left work: it is done in this tick, after the code that called. */
  requestPoll(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    process.nextTick(this.onTick);
  }

  /** Polls; after a blocked loop or a stopped process only once the device has nothing more that waited in it. */
  private turn(now: Instant): void {
    this.lookForWatchers();
    if (this.draining) return;
    if (now - this.armedFor > LATE) this.drain();
    else this.poll(now);
  }

  /** A channel has got its first subscriber, or lost its last: seen with the next batch, user call or open. */
  private lookForWatchers(): void {
    if (hasWatchers() === (this.unwatch !== null)) return;
    if (this.unwatch === null) this.unwatch = this.stack.watch(new ChannelTrace());
    else {
      this.unwatch();
      this.unwatch = null;
    }
  }

  private drain(): void {
    this.draining = true;
    this.turns = 0;
    setImmediate(this.onDrained);
  }

  private poll(now: Instant): void {
    try {
      this.stack.poll(now);
    } catch (error) {
      // a handler of the user's threw: that is the program's to handle, and the stack goes on
      this.requestPoll();
      process.nextTick(() => {
        throw error;
      });
    }
    this.device.flush();
    this.arm();
  }

  private arm(): void {
    const due = this.stack.nextTimeout();
    if (due === this.armedFor) return;
    if (this.timer !== null) {
      // an earlier timer fires, finds nothing due and arms anew: cheaper than arming each time
      if (due >= this.armedFor) return;
      this.disarm();
    }
    this.armedFor = due;
    if (due === NEVER) return;
    const delay = Math.min(LONGEST_SLEEP, Math.max(0, Math.ceil(due - this.clock.now())));
    this.timer = setTimeout(this.onTimer, delay);
    if (this.refs === 0) this.timer.unref();
  }

  private disarm(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.armedFor = NEVER;
  }

  private timerDue(): void {
    const now = this.clock.now();
    const late = now - this.armedFor > LATE;
    if (late) debug.late(now - this.armedFor);
    this.timer = null;
    this.armedFor = NEVER;
    // answers may wait in the device, and libuv reads only after timers
    if (this.draining) return;
    if (late) this.drain();
    else this.poll(now);
  }

  /** Asked before each open, so that who has just subscribed hears of all of it. */
  time(): Instant {
    this.lookForWatchers();
    return this.clock.now();
  }

  // --- life -----------------------------------------------------------------------------------------

  /** Counted: the process lives while somebody holds a reference. */
  ref(): void {
    if (this.refs++ > 0) return;
    this.device.ref();
    this.timer?.ref();
  }

  unref(): void {
    if (this.refs === 0 || --this.refs > 0) return;
    this.device.unref();
    this.timer?.unref();
  }

  /** RST to every peer that still has a connection, then the device. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    if (!this.lost) {
      this.stack.abortAll();
      this.poll(this.clock.now());
    }
    this.disarm();
    await this.device.close();
    if (debug.DEVICE) debug.deviceEnd(this.device, "closed");
  }
}
