/**
 * Two stacks over a wire in virtual time, made for many millions of packets: memory of packets is used again, what is
 * next comes out of a heap, and scripts are generators that yield how long they wait or what they wait for.
 */
import { type DeviceOffload, NO_OFFLOAD } from "../../src/base/device.ts";
import { below, type Rng, seededRng } from "../../src/base/rng.ts";
import { type Instant, instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { type Ipv4Address, parseIpv4 } from "../../src/wire/address.ts";
import { Heap } from "./heap.ts";

/** A condition that a script waits for, at most `ms`; it resumes with whether it came true. */
export interface Until {
  readonly holds: () => boolean;
  readonly ms: number;
}
export type Script = Generator<number | Until, void, boolean>;

/** True: the wire loses it. `flags` are TCP's. */
export type Filter = (from: Side, flags: number) => boolean;

interface Packet {
  at: number;
  order: number;
  to: Side | null;
  bytes: Uint8Array;
  length: number;
}

interface Waiting {
  at: number;
  order: number;
  readonly script: Script;
  /** Null: it only sleeps. */
  until: Until | null;
  /** Resumed already: its deadline means nothing. */
  over: boolean;
}

class Sender {
  readonly mtu: number;
  readonly offload: DeviceOffload = NO_OFFLOAD;
  readonly buffer: Uint8Array;
  readonly offset = 0;
  private readonly carry: (bytes: Uint8Array, length: number) => void;

  constructor(mtu: number, carry: (bytes: Uint8Array, length: number) => void) {
    this.mtu = mtu;
    this.buffer = new Uint8Array(mtu);
    this.carry = carry;
  }

  reserve(): boolean {
    return true;
  }

  append(): void {
    throw new Error("nothing is appended without offload");
  }

  commit(used: number): void {
    this.carry(this.buffer, used);
  }

  flush(): void {}
}

export class Side {
  readonly name: "A" | "B";
  readonly address: Ipv4Address;
  readonly stack: Stack;

  constructor(name: "A" | "B", address: string, stack: (address: Ipv4Address) => Stack) {
    this.name = name;
    this.address = parseIpv4(address)!;
    this.stack = stack(this.address);
  }
}

export interface WireOptions {
  readonly a?: Partial<Settings>;
  readonly b?: Partial<Settings>;
  readonly seed: number;
  /** ms one way; up to as much again is added to a packet in 16 of a connection in `lossy`, so that packets overtake. */
  readonly delay: number;
  readonly mtu?: number;
  readonly start?: number;
}

export class Wire {
  readonly a: Side;
  readonly b: Side;
  readonly rng: Rng;
  /** By ports, see {@link keyOf}. */
  readonly filters = new Map<number, Filter>();
  /** Connections that lose 2 packets of 100 and get 1 of 100 twice. */
  readonly lossy = new Set<number>();
  now: Instant;
  packets = 0;
  private readonly delay: number;
  private readonly mtu: number;
  private readonly flying = new Heap<Packet>();
  private readonly tasks = new Heap<Waiting>();
  private readonly free: Packet[] = [];
  /** Conditions that are looked at after everything that happens. */
  private watched: Waiting[] = [];
  private order = 0;

  constructor(options: WireOptions) {
    this.rng = seededRng(options.seed);
    this.now = instantOf(options.start ?? 0);
    this.delay = options.delay;
    this.mtu = options.mtu ?? 1500;
    this.a = this.side("A", "192.0.2.1", options.a ?? {});
    this.b = this.side("B", "192.0.2.2", options.b ?? {});
  }

  private side(name: "A" | "B", text: string, settings: Partial<Settings>): Side {
    const side: Side = new Side(name, text, (address) => {
      const carry = (bytes: Uint8Array, n: number): void => this.carry(side, bytes, n);
      const rng = seededRng(this.rng.i32());
      const sender = new Sender(this.mtu, carry);
      const addresses = [{ address, prefix: 24 }];
      return new Stack({ addresses, rng, now: this.now, sender, settings });
    });
    return side;
  }

  other(side: Side): Side {
    return side === this.a ? this.b : this.a;
  }

  /** Names a connection by A's port and B's. */
  keyOf(side: Side, port: number, otherPort: number): number {
    return side === this.a ? port * 65_536 + otherPort : otherPort * 65_536 + port;
  }

  private carry(from: Side, bytes: Uint8Array, length: number): void {
    this.packets++;
    let copies = 1;
    let at = this.now + this.delay;
    if (bytes[9] === 6) {
      const source = (bytes[20]! << 8) | bytes[21]!;
      const key = this.keyOf(from, source, (bytes[22]! << 8) | bytes[23]!);
      if (this.filters.get(key)?.(from, bytes[33]!) === true) return;
      if (this.lossy.has(key)) {
        const chance = below(this.rng, 1600);
        if (chance < 32) return;
        if (chance < 48) copies = 2;
        else if (chance < 148) at += (this.delay * (chance - 48)) / 100;
      }
    }
    for (; copies > 0; copies--) {
      const packet = this.free.pop() ?? this.blank();
      packet.at = at;
      packet.order = this.order++;
      packet.to = this.other(from);
      packet.bytes.set(bytes.subarray(0, length));
      packet.length = length;
      this.flying.push(packet);
    }
  }

  private blank(): Packet {
    return { at: 0, order: 0, to: null, bytes: new Uint8Array(this.mtu), length: 0 };
  }

  /** Starts a script after `ms`. */
  starts(script: Script, ms: number): void {
    this.tasks.push({ at: this.now + ms, order: this.order++, script, until: null, over: false });
  }

  /** Lets the world go on until `end` (ms), or with Infinity until nothing is left to happen. */
  runs(end: number): void {
    for (;;) {
      const a = this.a.stack.nextTimeout();
      const b = this.b.stack.nextTimeout();
      const packet = this.flying.first?.at ?? Infinity;
      const task = this.tasks.first?.at ?? Infinity;
      const next = Math.min(a, b, packet, task);
      if (next === Infinity || next > end) break;
      if (next > this.now) this.now = instantOf(next);
      if (task <= next) this.resume(this.tasks.pop()!, false);
      else if (packet <= next) this.arrive(this.flying.pop()!);
      else (a <= next ? this.a : this.b).stack.poll(this.now);
      this.look();
    }
    if (end !== Infinity) this.now = instantOf(Math.max(end, this.now));
  }

  private arrive(packet: Packet): void {
    const { stack } = packet.to!;
    stack.input(packet.bytes, 0, packet.length, 0, this.now);
    stack.poll(this.now);
    packet.to = null;
    this.free.push(packet);
  }

  private look(): void {
    for (let i = 0; i < this.watched.length; i++) {
      const w = this.watched[i]!;
      if (!w.over && w.until!.holds()) this.resume(w, true);
    }
    if (this.watched.some((w) => w.over)) this.watched = this.watched.filter((w) => !w.over);
  }

  /** `came`: what it waited for came true; else its time is up. */
  private resume(w: Waiting, came: boolean): void {
    if (w.over) return;
    w.over = true;
    // a user call goes by the time of the last call from the world
    this.a.stack.poll(this.now);
    this.b.stack.poll(this.now);
    const { value, done } = w.script.next(came);
    this.a.stack.poll(this.now);
    this.b.stack.poll(this.now);
    if (done === true) return;
    const ms = typeof value === "number" ? value : value.ms;
    const until = typeof value === "number" ? null : value;
    const at = this.now + ms;
    const next: Waiting = { at, order: this.order++, script: w.script, until, over: false };
    this.tasks.push(next);
    if (until !== null) this.watched.push(next);
  }
}
