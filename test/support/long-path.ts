/**
 * Two stacks at the ends of a gigabit path with a delay, for transfers of many packets in virtual time. A sends as much
 * as it may to B, which reads all of it unless told otherwise, and keeps only the count.
 */
import { seededRng } from "../../src/base/rng.ts";
import { after, type Instant, instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { type Ipv4Address, parseIpv4 } from "../../src/wire/address.ts";
import { RecordingSender } from "./recording-sender.ts";

/** Bytes a ms: packets come one after the other, each with an ACK of its own where one is due. */
const SPEED = 125_000;

interface End {
  readonly stack: Stack;
  readonly sender: RecordingSender;
  /** What this end has sent, in order of arrival at the other. */
  flying: { readonly at: number; readonly bytes: Uint8Array }[];
  /** When the last byte sent has left. */
  freeAt: number;
}

export class LongPath {
  readonly a: Endpoint;
  /** B's end of the connection, once it was accepted. */
  b: Endpoint | null = null;
  reads = true;
  /** True: the path loses it. */
  lose: (from: "a" | "b", packet: Uint8Array) => boolean = () => false;
  delivered = 0;
  private readonly ends: readonly [End, End];
  private readonly delay: number;
  private now: Instant = instantOf(0);
  private readonly chunk = new Uint8Array(65_536);

  /** `delay` in ms, one way. */
  constructor(delay: number, settings: Partial<Settings> = {}) {
    this.delay = delay;
    const [from, to] = [parseIpv4("192.0.2.1")!, parseIpv4("192.0.2.2")!];
    this.ends = [this.end(from, 1, settings), this.end(to, 2, settings)];
    this.ends[1].stack.listen({
      port: 80,
      owner: {
        onConnection: (listener): void => {
          this.b = listener.accept();
          if (this.b !== null) this.b.owner = { onEvents: (endpoint) => this.read(endpoint) };
        },
      },
    });
    const owner = { onEvents: (endpoint: Endpoint): void => this.fill(endpoint) };
    this.a = this.ends[0].stack.connect({ remoteAddress: to, remotePort: 80, owner });
  }

  private end(address: Ipv4Address, seed: number, settings: Partial<Settings>): End {
    const sender = new RecordingSender();
    const rng = seededRng(seed);
    const addresses = [{ address, prefix: 24 }];
    const stack = new Stack({ addresses, rng, now: this.now, sender, settings });
    return { stack, sender, flying: [], freeAt: 0 };
  }

  private fill(endpoint: Endpoint): void {
    if (endpoint.state !== "ESTABLISHED") return;
    while (endpoint.sendSpace > 0) endpoint.send(this.chunk);
  }

  private read(endpoint: Endpoint): void {
    if (!this.reads) return;
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) {
      this.delivered += c.length;
    }
  }

  /** Lets `ms` go by; returns the bytes a second that B read. */
  runs(ms: number): number {
    const before = this.delivered;
    const end = after(this.now, ms);
    for (;;) {
      this.settle();
      let next = Infinity;
      for (const { stack, flying } of this.ends) {
        next = Math.min(next, stack.nextTimeout(), flying[0]?.at ?? Infinity);
      }
      if (next > end) break;
      this.now = instantOf(Math.max(next, this.now));
      this.deliver(this.ends[0], this.ends[1]);
      this.deliver(this.ends[1], this.ends[0]);
    }
    this.now = end;
    this.settle();
    return ((this.delivered - before) * 1000) / ms;
  }

  private deliver(from: End, to: End): void {
    let n = 0;
    for (; n < from.flying.length && from.flying[n]!.at <= this.now; n++) {
      const { bytes } = from.flying[n]!;
      to.stack.input(bytes, 0, bytes.length, 0, this.now);
    }
    if (n > 0) from.flying.splice(0, n);
  }

  private settle(): void {
    for (const end of this.ends) {
      end.stack.poll(this.now);
      for (const { bytes } of end.sender.packets.splice(0)) {
        end.freeAt = Math.max(end.freeAt, this.now) + bytes.length / SPEED;
        if (this.lose(end === this.ends[0] ? "a" : "b", bytes)) continue;
        end.flying.push({ at: end.freeAt + this.delay, bytes });
      }
    }
  }
}
