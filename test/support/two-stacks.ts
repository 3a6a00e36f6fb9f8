/**
 * Two stacks over a wire in virtual time. `story` tells each segment with the state of its sender after it left
 * and of its receiver after it was taken, as the ladders of the text books do:
 * `A SYN-SENT > S 0:0(0) > B SYN-RECEIVED`.
 */
import { seededRng } from "../../src/base/rng.ts";
import { type Instant, instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import type { Endpoint, EndpointOwner } from "../../src/tcp/endpoint.ts";
import type { TcpState } from "../../src/tcp/state.ts";
import { type Ipv4Address, parseIpv4 } from "../../src/wire/address.ts";
import { createIpv4Header, readIpv4 } from "../../src/wire/ipv4.ts";
import { seq, type SeqNum } from "../../src/wire/seq.ts";
import { createTcpSegment, SYN, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { readTcp } from "../../src/wire/tcp.ts";
import { describe, parse } from "./notation.ts";
import { RecordingSender } from "./recording-sender.ts";

export type Name = "A" | "B";

export interface WireOptions {
  readonly settings?: Partial<Settings>;
  /** ms one way. */
  readonly delay?: number;
  /** True: the wire loses it. `n` counts the packets of that side from 0. */
  readonly lose?: (from: Name, segment: TcpSegment, n: number) => boolean;
}

export class Side implements EndpointOwner {
  readonly name: Name;
  readonly address: Ipv4Address;
  readonly sender: RecordingSender = new RecordingSender();
  readonly stack: Stack;
  readonly states: string[] = [];
  listening = false;
  endpoint: Endpoint | null = null;
  events = 0;
  received: number[] = [];
  reads = true;
  isn: SeqNum = seq(0);
  /** State of the connection as packet i left; a packet of no connection is not in it. */
  readonly stateAtSend = new Map<number, TcpState>();
  sentCount = 0;

  constructor(name: Name, address: string, seed: number, settings: Partial<Settings>) {
    this.name = name;
    this.address = parseIpv4(address)!;
    this.stack = new Stack({
      addresses: [{ address: this.address, prefix: 24 }],
      rng: seededRng(seed),
      now: instantOf(0),
      sender: this.sender,
      settings,
      trace: {
        stateChange: (_e, _from, to) => void this.states.push(to),
        segmentReceived: () => {},
        segmentSent: (e) => void this.stateAtSend.set(this.sender.packets.length, e.state),
      },
    });
  }

  listens(port: number): void {
    this.listening = true;
    const owner = {
      onConnection: (listener: { accept(): Endpoint | null }): void => {
        const endpoint = listener.accept();
        if (endpoint === null) return;
        this.endpoint = endpoint;
        endpoint.owner = this;
        this.onEvents(endpoint, 0);
      },
    };
    this.stack.listen({ port, owner });
  }

  connects(to: Side, remotePort: number, localPort: number): void {
    const remoteAddress = to.address;
    this.endpoint = this.stack.connect({ remoteAddress, remotePort, localPort, owner: this });
  }

  onEvents(endpoint: Endpoint, events: number): void {
    this.events |= events;
    if (!this.reads) return;
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) this.received.push(...c);
  }

  /** What a text book would write beside the line. */
  get state(): TcpState {
    const live = this.stack.connections().find((c) => c.state !== "CLOSED");
    return live?.state ?? (this.listening ? "LISTEN" : "CLOSED");
  }
}

interface InFlight {
  readonly at: number;
  readonly to: Side;
  readonly bytes: Uint8Array;
  /** Index of its line in the story. */
  readonly line: number;
}

export class TwoStacks {
  readonly a: Side;
  readonly b: Side;
  readonly story: string[] = [];
  /** When each line's segment left, ms. */
  readonly times: number[] = [];
  delay: number;
  lose: (from: Name, segment: TcpSegment, n: number) => boolean;
  private now: Instant = instantOf(0);
  private flying: InFlight[] = [];

  constructor(options: WireOptions = {}) {
    this.a = new Side("A", "192.0.2.1", 11, options.settings ?? {});
    this.b = new Side("B", "192.0.2.2", 23, options.settings ?? {});
    this.delay = options.delay ?? 10;
    this.lose = options.lose ?? (() => false);
  }

  get time(): number {
    return this.now;
  }

  /** A connection that is established, opened by A; the story begins after it. */
  established(): this {
    this.b.listens(80);
    this.a.connects(this.b, 80, 50000);
    this.runs(100);
    this.story.length = 0;
    this.times.length = 0;
    return this;
  }

  /** Lets `ms` go by. */
  runs(ms: number): this {
    const end = this.now + ms;
    this.settle();
    for (;;) {
      const arrival = this.flying.reduce((m, p) => Math.min(m, p.at), Infinity);
      const timer = Math.min(this.a.stack.nextTimeout(), this.b.stack.nextTimeout());
      const next = Math.min(arrival, timer);
      if (next > end) break;
      this.now = instantOf(Math.max(next, this.now));
      const due = this.flying.filter((p) => p.at <= this.now);
      this.flying = this.flying.filter((p) => p.at > this.now);
      for (const p of due) this.arrive(p);
      this.settle();
    }
    this.now = instantOf(end);
    this.settle();
    return this;
  }

  settle(): void {
    for (const side of [this.a, this.b]) {
      side.stack.poll(this.now);
      this.collect(side);
    }
  }

  private arrive(p: InFlight): void {
    p.to.stack.input(p.bytes, 0, p.bytes.length, 0, this.now);
    this.story[p.line] += ` > ${p.to.name} ${p.to.state}`;
    // each segment by itself: the ladder has a line for each answer
    p.to.stack.poll(this.now);
    this.collect(p.to);
  }

  private collect(side: Side): void {
    const other = side === this.a ? this.b : this.a;
    side.sender.packets.splice(0).forEach(({ bytes }, i) => {
      const s = readSegment(bytes);
      if ((s.flags & SYN) !== 0) side.isn = s.seq;
      const state = side.stateAtSend.get(i) ?? side.state;
      const text = describe(s, side.isn, other.isn, parse("none 0:0(0)"));
      const lost = this.lose(side.name, s, side.sentCount++);
      this.times.push(this.now);
      const line = this.story.push(`${side.name} ${state} > ${text}${lost ? " > lost" : ""}`) - 1;
      if (lost) return;
      this.flying.push({ at: this.now + this.delay, to: other, bytes, line });
    });
    side.stateAtSend.clear();
  }
}

export function readSegment(bytes: Uint8Array): TcpSegment {
  const h = createIpv4Header();
  const s = createTcpSegment();
  const at = readIpv4(bytes, 0, bytes.length, h) ?? h.headerLength;
  if (typeof at === "string") throw new Error(`malformed: ${at}`);
  const size = h.totalLength - h.headerLength;
  const bad = readTcp(bytes, h.headerLength, size, h.source, h.destination, false, s);
  if (bad !== null) throw new Error(`malformed: ${bad}`);
  return s;
}
