/** The stack alone in virtual time. */
import type { PacketRemark } from "../../../src/base/device.ts";
import { seededRng } from "../../../src/base/rng.ts";
import { type Instant, instantOf } from "../../../src/base/time.ts";
import { Stack } from "../../../src/stack/stack.ts";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { RecordingSender } from "../../support/recording-sender.ts";
import { type App, Application } from "./application.ts";
import { memoryUsed } from "./heap.ts";
import { Judge } from "./judge.ts";
import { readSent, type Seen } from "./packet.ts";
import type { Report, Takes, World, WorldOptions } from "./world.ts";

/** A sender that fails as a device does: what it does not take is dropped. */
class FailingSender extends RecordingSender {
  takes: Takes = "all";
  private turn = 0;

  override reserve(size: number): boolean {
    const takes = this.takes === "all" || (this.takes === "every second" && this.turn++ % 2 === 0);
    return takes && super.reserve(size);
  }
}

export class MemoryWorld implements World {
  readonly inMemory = true;
  readonly app: App;
  readonly violations: string[] = [];
  inbox: Seen[] = [];
  onSettle: (() => Promise<void>) | null = null;
  private readonly options: WorldOptions;
  private seed = 5;
  private sender!: FailingSender;
  private stack!: Stack;
  private program!: Application;
  private judge!: Judge;
  private clock: Instant;
  private readonly start: number;
  private packets = 0;
  private isUp = true;
  private largest = 65535;
  /** Packets stand somewhere in it, with other bytes before and behind. */
  private readonly lent = new Uint8Array(70000).fill(0xa5);

  constructor(options: WorldOptions = {}) {
    this.options = options;
    this.start = options.startsAt ?? 0;
    this.clock = instantOf(this.start);
    this.begin();
    this.app = new Proxy({} as App, {
      get:
        (_target, name: string) =>
        async (...args: unknown[]) => {
          const { program } = this;
          const methods = program as unknown as Record<string, (...a: unknown[]) => unknown>;
          const result = methods[name]!.apply(program, args);
          this.poll();
          await Promise.resolve();
          return result;
        },
    });
  }

  private begin(): void {
    this.sender = new FailingSender(1500);
    this.stack = new Stack({
      addresses: [{ address: parseIpv4("192.0.2.2")!, prefix: 24 }],
      rng: seededRng(this.seed++),
      now: this.clock,
      sender: this.sender,
      settings: this.options.settings ?? {},
    });
    this.judge = new Judge(this.stack.counters);
    this.program = new Application(this.stack, this.options.backlog);
  }

  get now(): number {
    return this.clock - this.start;
  }

  get elapsed(): number {
    return this.now;
  }

  put(...packets: Uint8Array[]): void {
    for (const packet of packets)
      if (this.isUp && packet.length <= this.largest) this.putOne(packet);
  }

  private putOne(packet: Uint8Array): void {
    const offset = 64 + (this.packets++ % 7) * 4;
    const { lent } = this;
    lent.set(packet, offset);
    lent.fill(0xa5, offset + packet.length, offset + packet.length + 64);
    const run = (): PacketRemark => {
      const remark = this.stack.input(lent, offset, packet.length, 0, this.clock);
      this.stack.poll(this.clock);
      return remark;
    };
    this.judge.packet(packet, run, () => {
      for (const { bytes } of this.sender.packets) this.judge.leaves(bytes);
    });
    lent.fill(0x5a, offset, offset + packet.length);
    this.collect(false);
  }

  private collect(byItself = true): void {
    for (const { bytes } of this.sender.packets.splice(0)) {
      if (byItself) this.judge.leaves(bytes);
      if (!this.isUp || bytes.length > this.largest) continue;
      this.inbox.push(readSent(bytes, this.now));
    }
  }

  private poll(): void {
    this.stack.poll(this.clock);
    this.collect();
  }

  async settle(): Promise<void> {
    this.poll();
    await this.onSettle?.();
  }

  waits(ms: number): Promise<void> {
    const end = this.clock + ms;
    for (;;) {
      const due = this.stack.nextTimeout();
      if (due > end) break;
      this.clock = instantOf(Math.max(due, this.clock));
      this.poll();
      if (this.stack.nextTimeout() <= this.clock) throw new Error("a timer that is due stays due");
    }
    this.clock = instantOf(end);
    this.poll();
    return Promise.resolve();
  }

  /** As a device hands over what has waited in it: all of it, then one poll. */
  sleeps(ms: number, ...meanwhile: Uint8Array[]): Promise<void> {
    this.clock = instantOf(this.clock + ms);
    for (const packet of meanwhile) this.stack.input(packet, 0, packet.length, 0, this.clock);
    this.poll();
    return Promise.resolve();
  }

  report(): Promise<Report> {
    return Promise.resolve({ ...this.judge.tally, residue: this.program.residue() });
  }

  memory(): Promise<number> {
    return Promise.resolve(memoryUsed());
  }

  cpu(): Promise<number> {
    const { user, system } = process.cpuUsage();
    return Promise.resolve((user + system) / 1000);
  }

  another(options: WorldOptions): Promise<World> {
    return Promise.resolve(new MemoryWorld(options));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  link(up: boolean): Promise<void> {
    this.isUp = up;
    return Promise.resolve();
  }

  mtu(bytes: number): Promise<void> {
    this.largest = bytes;
    return Promise.resolve();
  }

  takes(what: Takes): Promise<void> {
    this.sender.takes = what;
    return Promise.resolve();
  }

  restarts(): Promise<void> {
    this.violations.push(...this.judge.tally.violations);
    this.begin();
    return Promise.resolve();
  }

  losesDevice(): Promise<number> {
    this.stack.deviceLost({ code: "ENETDOWN", message: "the device is gone" });
    this.poll();
    return Promise.resolve(1);
  }
}
