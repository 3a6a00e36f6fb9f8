/**
 * A bad network on purpose: loss, delay, jitter, reordering, duplication, corruption, a rate and a queue
 * limit. The model is a pure class for virtual time; the middleware applies it to a device both ways.
 */
import type { Device, DeviceOffload, PacketReceiver, PacketRemark } from "../base/device.ts";
import { NO_OFFLOAD } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import { below, seededRng, uniform } from "../base/rng.ts";
import type { Clock, Duration, Instant } from "../base/time.ts";
import { instantOf, milliseconds } from "../base/time.ts";
import { BufferedSender, forwardPacket } from "./buffered-sender.ts";

export interface LinkImpairment {
  /** Probabilities, 0 to 1. */
  loss: number;
  reorder: number;
  duplicate: number;
  corrupt: number;
  delay: Duration;
  /** Delay varies evenly by this much both ways. */
  jitter: Duration;
  /** Bits a second; 0 is no limit. */
  rate: number;
  /** Packets under way at most. */
  limit: number;
}

export interface ImpairmentSpec {
  readonly in: LinkImpairment;
  readonly out: LinkImpairment;
  readonly seed: number;
}

const KEYS = [
  "loss",
  "reorder",
  "duplicate",
  "corrupt",
  "delay",
  "jitter",
  "rate",
  "limit",
] as const;
type Key = (typeof KEYS)[number];

export function noImpairment(): LinkImpairment {
  const none = milliseconds(0);
  return {
    loss: 0,
    reorder: 0,
    duplicate: 0,
    corrupt: 0,
    delay: none,
    jitter: none,
    rate: 0,
    limit: 1000,
  };
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function nearestKey(text: string): string {
  const known = [...KEYS, "seed"];
  return known.reduce((best, key) => (distance(text, key) < distance(text, best) ? key : best));
}

const UNITS: Record<"share" | "time" | "rate" | "count", Record<string, number>> = {
  share: { "%": 0.01 },
  time: { us: 0.001, ms: 1, s: 1000 },
  rate: { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 },
  count: { "": 1 },
};

const KIND: Record<Key, keyof typeof UNITS> = {
  loss: "share",
  reorder: "share",
  duplicate: "share",
  corrupt: "share",
  delay: "time",
  jitter: "time",
  rate: "rate",
  limit: "count",
};

const EXAMPLE = { share: "1%", time: "20ms", rate: "10mbit", count: "100" } as const;

/** `null` when it is not such a quantity. */
function quantity(text: string, kind: keyof typeof UNITS): number | null {
  const m = /^(\d+(?:\.\d+)?)([a-z%]*)$/.exec(text);
  const unit = m === null ? undefined : UNITS[kind][m[2]!];
  if (m === null || unit === undefined) return null;
  const value = Number(m[1]) * unit;
  if (kind === "share" && value > 1) return null;
  if (kind === "count" && (!Number.isInteger(value) || value < 1)) return null;
  return value;
}

/** The specification, or one line that says what is wrong with it. */
export function parseImpairment(spec: string): ImpairmentSpec | string {
  const links = { in: noImpairment(), out: noImpairment() };
  let seed = 1;
  for (const item of spec.split(",")) {
    const m = /^(?:(in|out)\.)?([^=]*)=(.*)$/.exec(item.trim());
    if (m === null) return `impairment "${item.trim()}": expected key=value, such as loss=1%`;
    const [, side, name, value] = m as unknown as [
      string,
      "in" | "out" | undefined,
      string,
      string,
    ];
    if (name === "seed" && side === undefined) {
      if (!/^\d{1,10}$/.test(value)) return `impairment seed=${value}: expected a whole number`;
      seed = Number(value);
      continue;
    }
    const key = KEYS.find((k) => k === name);
    if (key === undefined) {
      if (name === "seed") return `impairment ${side}.seed: the seed is one for both ways`;
      return `impairment "${name}" is not known; did you mean "${nearestKey(name)}"?`;
    }
    const parsed = quantity(value, KIND[key]);
    if (parsed === null) {
      return `impairment ${key}=${value}: expected a value such as ${EXAMPLE[KIND[key]]}`;
    }
    for (const link of side === undefined ? [links.in, links.out] : [links[side]]) {
      (link as Record<Key, number>)[key] = parsed;
    }
  }
  for (const link of [links.in, links.out]) {
    if (link.reorder > 0 && link.delay === 0) {
      return "impairment reorder: needs a delay, which reordered packets skip";
    }
  }
  return { ...links, seed };
}

/** What becomes of one packet; the record is filled again for each. */
export interface LinkVerdict {
  dropped: "loss" | "limit" | null;
  deliverAt: Instant;
  /** Also delivered a second time, then; -1 for not. */
  duplicateAt: Instant;
  /** Bit to flip, counted from the packet's start; -1 for none. */
  corruptBit: number;
  reordered: boolean;
}

export interface LinkCounters {
  offered: number;
  lost: number;
  overLimit: number;
  duplicated: number;
  corrupted: number;
  reordered: number;
}

/** One direction of the model, in whatever time the caller has. */
export class ImpairedLink {
  readonly counters: LinkCounters = {
    offered: 0,
    lost: 0,
    overLimit: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
  };

  readonly #spec: LinkImpairment;
  readonly #rng: Record<"loss" | "jitter" | "reorder" | "duplicate" | "corrupt", Rng>;
  readonly #verdict: LinkVerdict = {
    dropped: null,
    deliverAt: instantOf(0),
    duplicateAt: instantOf(-1),
    corruptBit: -1,
    reordered: false,
  };
  /** Delivery times of what is under way, ascending. */
  readonly #underWay: number[] = [];
  #busyUntil = -Infinity;
  #lastDelivery = -Infinity;

  constructor(spec: LinkImpairment, seed: number) {
    this.#spec = spec;
    // A stream each, so that switching one impairment on leaves the others' choices as they were.
    const stream = (n: number): Rng => seededRng(Math.imul(seed, 0x9e3779b1) + n);
    this.#rng = {
      loss: stream(1),
      jitter: stream(2),
      reorder: stream(3),
      duplicate: stream(4),
      corrupt: stream(5),
    };
  }

  /** A packet of `length` bytes enters at `now`, which never goes back. */
  offer(length: number, now: Instant): LinkVerdict {
    const { loss, duplicate, corrupt, reorder, limit } = this.#spec;
    const verdict = this.#verdict;
    this.counters.offered++;
    verdict.dropped = null;
    verdict.duplicateAt = instantOf(-1);
    verdict.corruptBit = -1;
    verdict.reordered = false;
    const lost = uniform(this.#rng.loss) < loss;
    const twice = uniform(this.#rng.duplicate) < duplicate;
    const damaged = uniform(this.#rng.corrupt) < corrupt;
    const ahead = uniform(this.#rng.reorder) < reorder;
    while (this.#underWay.length > 0 && this.#underWay[0]! <= now) this.#underWay.shift();
    if (lost || this.#underWay.length >= limit) {
      verdict.dropped = lost ? "loss" : "limit";
      if (lost) this.counters.lost++;
      else this.counters.overLimit++;
      return verdict;
    }
    if (damaged) {
      verdict.corruptBit = below(this.#rng.corrupt, length * 8);
      this.counters.corrupted++;
    }
    if (ahead) this.counters.reordered++;
    verdict.reordered = ahead;
    verdict.deliverAt = this.#schedule(length, now, ahead);
    if (twice && this.#underWay.length < limit) {
      this.counters.duplicated++;
      verdict.duplicateAt = this.#schedule(length, now, ahead);
    }
    return verdict;
  }

  #schedule(length: number, now: Instant, ahead: boolean): Instant {
    const { rate, delay, jitter } = this.#spec;
    let at: number = now;
    if (rate > 0) {
      at = Math.max(now, this.#busyUntil) + (length * 8000) / rate;
      this.#busyUntil = at;
    }
    // A reordered packet skips the delay and so overtakes those that are in it.
    if (ahead) return this.#enter(at);
    const varied = jitter > 0 ? delay + jitter * (2 * uniform(this.#rng.jitter) - 1) : delay;
    at = Math.max(at + Math.max(0, varied), this.#lastDelivery);
    this.#lastDelivery = at;
    return this.#enter(at);
  }

  #enter(at: number): Instant {
    let i = this.#underWay.length;
    while (i > 0 && this.#underWay[i - 1]! > at) i--;
    this.#underWay.splice(i, 0, at);
    return instantOf(at);
  }
}

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

export class ImpairedDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  /** None: a packet must be complete before a bit of it may be flipped. */
  readonly offload: DeviceOffload = NO_OFFLOAD;
  readonly counters: { readonly in: LinkCounters; readonly out: LinkCounters };

  readonly #inner: Device;
  readonly #sender: BufferedSender;
  readonly #out: Lane;
  readonly #in: Lane;
  #receiver: PacketReceiver | null = null;

  constructor(inner: Device, spec: ImpairmentSpec, options: ImpairOptions) {
    this.#inner = inner;
    this.name = inner.name;
    this.mtu = inner.mtu;
    this.#out = new Lane(
      new ImpairedLink(spec.out, spec.seed * 2),
      options,
      ({ bytes, remark }) => forwardPacket(inner, bytes, 0, bytes.length, false, 0, remark),
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
    this.#sender = new BufferedSender(
      (buffer, offset, length, needsChecksum, gsoSize, remark) => {
        invariant(!needsChecksum && gsoSize === 0, "an impaired device has no offload");
        this.#out.offer(buffer, offset, length, remark);
      },
      () => this.#out.pump(),
    );
  }

  get buffer(): Uint8Array {
    return this.#sender.buffer;
  }

  get offset(): number {
    return this.#sender.offset;
  }

  reserve(size: number): boolean {
    return this.#sender.reserve(size);
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.#sender.append(chunk, from, to);
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void {
    this.#sender.commit(used, needsChecksum, gsoSize, remark);
  }

  flush(): void {
    this.#sender.flush();
  }

  start(receiver: PacketReceiver): void {
    this.#receiver = receiver;
    this.#inner.start({
      onPacket: (buffer, offset, length) => this.#in.offer(buffer, offset, length, null),
      onBatchEnd: () => this.#in.pump(),
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
    this.#out.close();
    this.#in.close();
    return this.#inner.close();
  }
}

export function impairDevice(
  device: Device,
  spec: ImpairmentSpec,
  options: ImpairOptions,
): ImpairedDevice {
  return new ImpairedDevice(device, spec, options);
}
