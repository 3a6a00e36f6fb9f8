/** The stack alone in virtual time; every packet is judged by itself, so that its answers can be counted (I4). */
import { seededRng } from "../../../src/base/rng.ts";
import { type Instant, instantOf } from "../../../src/base/time.ts";
import { Stack } from "../../../src/stack/stack.ts";
import type { Settings } from "../../../src/tcp/config.ts";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { RecordingSender } from "../../support/recording-sender.ts";
import { type App, Application } from "./application.ts";
import { isControl, readSent, RST, type Seen, TCP } from "./packet.ts";
import { SLACK, type World } from "./world.ts";

/** No packet may hold the loop longer (I5), ms. */
const BLOCKED = 50;
/** Packets are looked at one by one up to here; beyond it is more of the same. */
const LOOKED_AT = 20000;

export interface MemoryOptions {
  readonly settings?: Partial<Settings>;
  readonly mtu?: number;
  readonly seed?: number;
  readonly backlog?: number;
  /** Instant of the start, ms. */
  readonly startsAt?: number;
}

/** A sender that fails as a device does; false: the packet is dropped. */
export class FailingSender extends RecordingSender {
  takes = (): boolean => true;
  refused = 0;

  override reserve(size: number): boolean {
    if (this.takes()) return super.reserve(size);
    this.refused++;
    return false;
  }
}

export class MemoryWorld implements World {
  readonly virtual = true;
  readonly sender: FailingSender;
  readonly stack: Stack;
  readonly app: App;
  /** The same without promises. */
  readonly program: Application;
  readonly violations: string[] = [];
  inbox: Seen[] = [];
  /** What a test of a flood wants of the answers instead of all of them. */
  onSent: ((s: Seen) => void) | null = null;
  private clock: Instant;
  private readonly start: number;
  /** Time that the stack itself took for packets, ms. */
  spent = 0;
  private packets = 0;
  private slow = 0;
  /** Packets stand somewhere in it, with other bytes before and behind. */
  private readonly lent = new Uint8Array(70000).fill(0xa5);

  constructor(options: MemoryOptions = {}) {
    this.start = options.startsAt ?? 0;
    this.clock = instantOf(this.start);
    this.sender = new FailingSender(options.mtu ?? 1500);
    this.stack = new Stack({
      addresses: [{ address: parseIpv4("192.0.2.2")!, prefix: 24 }],
      rng: seededRng(options.seed ?? 5),
      now: this.clock,
      sender: this.sender,
      settings: options.settings ?? {},
    });
    this.program = new Application(this.stack, options.backlog);
    this.app = new Proxy(this.program as unknown as App, {
      get:
        (_target, name: string) =>
        async (...args: unknown[]) => {
          const method = (this.program as unknown as Record<string, (...a: unknown[]) => unknown>)[
            name
          ]!;
          const result = method.apply(this.program, args);
          await this.settle();
          return result;
        },
    });
  }

  get now(): number {
    return this.clock - this.start;
  }

  put(...packets: Uint8Array[]): void {
    for (const packet of packets) this.putOne(packet);
  }

  private putOne(packet: Uint8Array): void {
    const offset = 64 + (this.packets % 7) * 4;
    const { lent } = this;
    lent.set(packet, offset);
    lent.fill(0xa5, offset + packet.length, offset + packet.length + 64);
    const looked = this.packets++ < LOOKED_AT;
    const counted = looked ? this.drops() : 0;
    const began = performance.now();
    const remark = this.stack.input(lent, offset, packet.length, 0, this.clock);
    this.stack.poll(this.clock);
    const took = performance.now() - began;
    this.spent += took;
    // a pause may be the collector's or another process's
    if (took > BLOCKED && (++this.slow > 2 * SLACK ** 2 || took > 10 * BLOCKED * SLACK)) {
      this.violates(`I5: one packet took ${took.toFixed(0)} ms`);
    }
    if (looked && remark?.startsWith("dropped") === true && this.drops() === counted) {
      this.violates(`I7: "${remark}" is counted nowhere`);
    }
    lent.fill(0x5a, offset, offset + packet.length);
    this.collect(looked ? packet : null);
  }

  /** All counters but those of what came in and went out. */
  private drops(): number {
    let n = 0;
    for (const [name, value] of this.stack.counters.entries()) {
      if (!/InReceives|InSegs|InMsgs|OutRequests|OutSegs/.test(name)) n += value;
    }
    return n;
  }

  private violates(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what);
  }

  private collect(cause: Uint8Array | null): void {
    const { packets } = this.sender;
    if (packets.length === 0) return;
    let controls = 0;
    for (const { bytes } of packets.splice(0)) {
      const s = readSent(bytes, this.now);
      if (isControl(s)) controls++;
      if (cause !== null && (s.flags & RST) !== 0 && isReset(cause)) {
        this.violates("I4: a RST was answered with a RST");
      }
      if (this.onSent !== null) this.onSent(s);
      else this.inbox.push(s);
    }
    if (cause !== null && controls > 1) {
      this.violates(`I4: ${controls} control segments in answer to one packet`);
    }
  }

  settle(): Promise<void> {
    this.stack.poll(this.clock);
    this.collect(null);
    return Promise.resolve();
  }

  waits(ms: number): Promise<void> {
    const end = this.clock + ms;
    for (;;) {
      const due = this.stack.nextTimeout();
      if (due > end) break;
      this.clock = instantOf(Math.max(due, this.clock));
      void this.settle();
      if (this.stack.nextTimeout() <= this.clock) throw new Error("a timer that is due stays due");
    }
    return this.leaps(end - this.clock);
  }

  /** The clock goes on without a look at any timer: the process was stopped. */
  leaps(ms: number): Promise<void> {
    this.clock = instantOf(this.clock + ms);
    return this.settle();
  }

  /** Time goes by and nobody looks. */
  passes(ms: number): void {
    this.clock = instantOf(this.clock + ms);
  }

  /** As a device hands over what has waited in it: all of it, then one poll. */
  batch(packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.stack.input(packet, 0, packet.length, 0, this.clock);
    this.stack.poll(this.clock);
    this.collect(null);
  }

  async windDown(): Promise<void> {
    await this.waits(300_000);
    this.inbox = [];
  }
}

function isReset(packet: Uint8Array): boolean {
  const at = (packet[0]! & 15) * 4;
  return packet[9] === TCP && at + 13 < packet.length && (packet[at + 13]! & RST) !== 0;
}
