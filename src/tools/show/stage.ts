/**
 * Two stacks and the wire between them, in virtual time: what a scene plays on. Each segment is kept with the moments at which
 * it left and arrived, and the state of its sender as it left and of its receiver once it was taken.
 */
import { NO_OFFLOAD } from "../../base/device.ts";
import { type Instant, instantOf } from "../../base/time.ts";
import { BufferedSender } from "../../devices/buffered-sender.ts";
import type { Settings } from "../../tcp/config.ts";
import { createIpv4Header, PROTO_TCP, readIpv4 } from "../../wire/ipv4.ts";
import { createTcpSegment, type TcpSegment } from "../../wire/tcp-segment.ts";
import { fillTcpChecksum, readTcp } from "../../wire/tcp.ts";
import { SeqBook } from "./seq-book.ts";
import { type Name, Player } from "./player.ts";
import type { SceneSegment, StateSpan } from "./record.ts";

export interface StageOptions {
  readonly settings?: Partial<Settings>;
  /** ms one way. */
  readonly delay?: number;
  readonly seed?: number;
}

export type Fate = "lost" | number;

interface Flying {
  readonly at: number;
  readonly to: Player;
  readonly bytes: Uint8Array;
  readonly segment: SceneSegment;
}

export class Stage {
  readonly a: Player;
  readonly b: Player;
  /** In the order in which they left. */
  readonly segments: SceneSegment[] = [];
  /** What is to become of a segment: lost, or so many ms on its way. Undefined: `delay`. */
  fate: (segment: SceneSegment) => Fate | undefined = () => undefined;
  readonly delay: number;
  private readonly book = new SeqBook();
  private now: Instant = instantOf(0);
  private flying: Flying[] = [];

  constructor(options: StageOptions = {}) {
    this.delay = options.delay ?? 10;
    const { settings = {}, seed = 1 } = options;
    const sender = (name: Name): BufferedSender =>
      new BufferedSender(
        (buffer, offset, length, _needs, _gso, remark) =>
          this.leaves(name, buffer.slice(offset, offset + length), remark ?? ""),
        () => {},
      );
    const make = (name: Name, address: string): Player =>
      new Player({
        name,
        address,
        seed: seed + (name === "A" ? 10 : 20),
        settings,
        sender: Object.assign(sender(name), { mtu: 1500, offload: NO_OFFLOAD }),
        time: () => this.now,
      });
    this.a = make("A", "192.0.2.1");
    this.b = make("B", "192.0.2.2");
  }

  get time(): number {
    return this.now;
  }

  /** Lets `ms` go by, each event at its moment. */
  runs(ms: number): this {
    const end = this.now + ms;
    this.settle();
    for (let next = this.nextEvent(); next <= end; next = this.nextEvent()) {
      this.now = instantOf(Math.max(next, this.now));
      const due = this.flying.filter((p) => p.at <= this.now);
      this.flying = this.flying.filter((p) => p.at > this.now);
      for (const p of due) this.arrives(p);
      this.settle();
    }
    this.now = instantOf(end);
    this.settle();
    return this;
  }

  private nextEvent(): number {
    const arrival = this.flying.reduce((m, p) => Math.min(m, p.at), Infinity);
    return Math.min(arrival, this.a.stack.nextTimeout(), this.b.stack.nextTimeout());
  }

  /** What users called leaves. */
  settle(): void {
    for (const player of [this.a, this.b]) player.poll(this.now);
  }

  /** A packet made by hand arrives at B as if from A, `delay` from now. */
  injects(bytes: Uint8Array, remark: string): void {
    this.leaves("A", bytes, remark);
  }

  private leaves(from: Name, bytes: Uint8Array, remark: string): void {
    const s = read(bytes);
    if (s === null) return; // ICMP has no place in a ladder
    if (bytes[36] === 0 && bytes[37] === 0)
      fillTcpChecksum(bytes, 20, bytes.length - 20, s.source, s.destination);
    const [sender, to] = from === "A" ? [this.a, this.b] : [this.b, this.a];
    const segment: SceneSegment = {
      sent: this.now,
      arrived: null,
      from,
      ...this.book.describe(s),
      fromState: sender.stateOf(s, true),
      toState: null,
      remark,
      notes: [],
    };
    this.segments.push(segment);
    const fate = this.fate(segment);
    if (fate === "lost") segment.remark = remark === "" ? "lost" : `${remark}, lost`;
    else this.flying.push({ at: this.now + (fate ?? this.delay), to, bytes, segment });
  }

  private arrives({ to, bytes, segment }: Flying): void {
    const verdict = to.stack.input(bytes, 0, bytes.length, 0, this.now);
    segment.arrived = this.now;
    const s = read(bytes)!;
    segment.toState = to.stateOf(s, false);
    if (verdict !== null && segment.remark === "") segment.remark = verdict;
    // each segment by itself, so that the ladder has a line for each answer
    to.poll(this.now);
  }

  /** States of A's and of B's end over time, from the first on. */
  states(): Readonly<Record<Name, readonly StateSpan[]>> {
    return { A: this.a.spans, B: this.b.spans };
  }
}

function read(bytes: Uint8Array): TcpSegment | null {
  const h = createIpv4Header();
  if (readIpv4(bytes, 0, bytes.length, h) !== null || h.protocol !== PROTO_TCP) return null;
  const s = createTcpSegment();
  const size = h.totalLength - h.headerLength;
  if (readTcp(bytes, h.headerLength, size, h.source, h.destination, true, s) !== null) return null;
  return s;
}
