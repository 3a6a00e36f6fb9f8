/** A host of the simulated network: a stack, the sending half of its device, and its timers as one source of events. */
import { type DeviceOffload, RX_CHECKSUM_GOOD, RX_LENDABLE } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import { namedRng } from "../base/rng.ts";
import { instantOf } from "../base/time.ts";
import { type NetemPacket, PacketPool } from "../netem/packet.ts";
import { Stack } from "../stack/stack.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { Settings } from "../tcp/config.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { EventHandle, EventQueue, EventSource } from "./event-queue.ts";

/** Checksums of what is damaged are made before the damage; all others would be made only to be found right. */
const OFFLOAD: DeviceOffload = { checksum: true, tso: false };

export interface HostOptions {
  readonly name: string;
  readonly address: Ipv4Address;
  readonly mtu: number;
  readonly settings: Partial<Settings>;
  /** Congestion controls beside those that a stack has. */
  readonly controllers: readonly ControllerKind[];
  readonly seed: number;
  readonly events: EventQueue;
  readonly pool: PacketPool;
  readonly trace: TcpTrace | null;
  /** Takes a packet that the host sends. */
  readonly send: (p: NetemPacket, now: number) => void;
  /** A user call from outside of an event left work: `turn` is to be called. */
  readonly asked: () => void;
}

class HostSender {
  readonly offload: DeviceOffload = OFFLOAD;
  readonly offset = 0;
  readonly mtu: number;
  buffer: Uint8Array = new Uint8Array(0);
  now = 0;
  private readonly pool: PacketPool;
  private readonly send: (p: NetemPacket, now: number) => void;
  private packet: NetemPacket | null = null;
  private length = 0;

  constructor(options: HostOptions) {
    this.mtu = options.mtu;
    this.pool = options.pool;
    this.send = options.send;
  }

  reserve(size: number): boolean {
    const p = this.pool.take(Math.max(size, this.mtu));
    this.packet = p;
    this.buffer = p.buffer;
    this.length = size;
    return true;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.buffer.set(chunk.subarray(from, to), this.length);
    this.length += to - from;
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: string | null): void {
    const p = this.packet!;
    invariant(gsoSize === 0 && used <= this.length, "a simulated device cuts nothing");
    p.length = this.length;
    p.flags = needsChecksum ? RX_CHECKSUM_GOOD | RX_LENDABLE : RX_LENDABLE;
    p.remark = remark;
    this.packet = null;
    this.send(p, this.now);
  }

  /** What is committed has left. */
  flush(): void {}
}

export class SimHost implements EventSource {
  readonly name: string;
  readonly address: Ipv4Address;
  readonly stack: Stack;
  private readonly sender: HostSender;
  private readonly events: EventQueue;
  private readonly pool: PacketPool;
  private readonly timers: EventHandle;

  constructor(options: HostOptions) {
    this.name = options.name;
    this.address = options.address;
    this.events = options.events;
    this.pool = options.pool;
    this.sender = new HostSender(options);
    this.stack = new Stack({
      addresses: [{ address: options.address, prefix: 32 }],
      rng: namedRng(options.seed, `${options.name}/stack`),
      now: instantOf(0),
      sender: this.sender,
      settings: options.settings,
      congestionControls: options.controllers,
      trace: options.trace,
      host: { requestPoll: options.asked },
    });
    this.timers = options.events.add(this, this.stack.nextTimeout());
  }

  /** A packet arrives, is processed and answered; it goes back to the pool. */
  receive(p: NetemPacket, now: number): void {
    this.sender.now = now;
    this.stack.input(p.buffer, 0, p.length, p.flags, instantOf(now));
    this.turn(now);
    this.pool.give(p);
  }

  /** Timers that are due. */
  fire(now: number): void {
    this.turn(now);
  }

  /** Brings the stack to `now`, and lets it send what user calls left. */
  turn(now: number): void {
    this.sender.now = now;
    this.stack.poll(instantOf(now));
    this.events.moved(this.timers, this.stack.nextTimeout());
  }
}
