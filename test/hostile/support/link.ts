/** Two stacks over a wire in virtual time that loses, delays, reorders and damages by a seed; ISNs can be forced. */
import { below, type Rng, seededRng, uniform } from "../../../src/base/rng.ts";
import { instantOf } from "../../../src/base/time.ts";
import { Stack } from "../../../src/stack/stack.ts";
import type { Settings } from "../../../src/tcp/config.ts";
import { type Endpoint, type EndpointOwner, EVENT_CLOSED } from "../../../src/tcp/endpoint.ts";
import { parseIpv4 } from "../../../src/wire/address.ts";
import { RecordingSender } from "../../support/recording-sender.ts";
import { get32 } from "./packet.ts";

export interface LinkOptions {
  readonly settings?: Partial<Settings>;
  readonly loss?: number;
  readonly reorder?: number;
  /** Share of packets in which one bit is turned round. */
  readonly corrupt?: number;
  readonly seed?: number;
  /** What each side's clock shows at the start, ms. */
  readonly clocks?: readonly [number, number];
}

export class End implements EndpointOwner {
  readonly stack: Stack;
  readonly sender: RecordingSender = new RecordingSender();
  readonly shift: number;
  endpoint: Endpoint | null = null;
  received: Buffer[] = [];
  events = 0;
  closed = false;
  toSend: Uint8Array = new Uint8Array(0);
  iss = -1;
  /** FIN after what there is to send. */
  ends = true;
  resets = 0;
  private sent = 0;

  constructor(address: string, seed: number, shift: number, settings: Partial<Settings>) {
    this.shift = shift;
    this.stack = new Stack({
      addresses: [{ address: parseIpv4(address)!, prefix: 24 }],
      rng: seededRng(seed),
      now: instantOf(shift),
      sender: this.sender,
      settings,
    });
  }

  onEvents(endpoint: Endpoint, events: number): void {
    this.events |= events;
    if ((events & EVENT_CLOSED) !== 0) this.closed = true;
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive())
      this.received.push(Buffer.from(c));
    this.pump();
  }

  /** Sends what there is to send, then FIN. */
  pump(): void {
    const { endpoint } = this;
    if (endpoint === null || endpoint.state === "CLOSED" || endpoint.state === "SYN-SENT") return;
    while (this.sent < this.toSend.length && endpoint.sendSpace > 0) {
      endpoint.send(this.toSend.subarray(this.sent, (this.sent += 16384)));
    }
    if (this.ends && this.sent >= this.toSend.length) endpoint.shutdown();
  }

  get data(): Buffer {
    return Buffer.concat(this.received);
  }
}

interface Flying {
  readonly at: number;
  readonly to: End;
  readonly bytes: Uint8Array;
}

export class Link {
  readonly a: End;
  readonly b: End;
  now = 0;
  /** Called for each packet before it is on its way. */
  onPacket: ((from: End, bytes: Uint8Array) => void) | null = null;
  private readonly options: LinkOptions;
  private readonly rng: Rng;
  private flying: Flying[] = [];

  constructor(options: LinkOptions = {}) {
    this.options = options;
    this.rng = seededRng(options.seed ?? 1);
    const [first, second] = options.clocks ?? [0, 0];
    this.a = new End("192.0.2.1", 11, first, options.settings ?? {});
    this.b = new End("192.0.2.2", 23, second, options.settings ?? {});
    const owner = {
      onConnection: (l: { accept(): Endpoint | null }): void => {
        for (let e = l.accept(); e !== null; e = l.accept()) {
          this.b.endpoint = e;
          e.owner = this.b;
          this.b.onEvents(e, 0);
        }
      },
    };
    this.b.stack.listen({ port: 80, owner });
  }

  connect(localPort = 50000): void {
    const remoteAddress = parseIpv4("192.0.2.2")!;
    const { a } = this;
    a.endpoint = a.stack.connect({ remoteAddress, remotePort: 80, localPort, owner: a });
  }

  /** Until `done`, at most `ms`; false when the time ran out. */
  runs(ms: number, done: () => boolean = () => false): boolean {
    const end = this.now + ms;
    this.settle();
    while (!done()) {
      let next = this.flying.length === 0 ? Infinity : this.flying[0]!.at;
      for (const side of [this.a, this.b])
        next = Math.min(next, side.stack.nextTimeout() - side.shift);
      if (next > end) {
        this.now = end;
        this.settle();
        return done();
      }
      this.now = Math.max(next, this.now);
      while (this.flying.length > 0 && this.flying[0]!.at <= this.now) {
        const { to, bytes } = this.flying.shift()!;
        to.stack.input(bytes, 0, bytes.length, 0, instantOf(this.now + to.shift));
      }
      this.settle();
    }
    return true;
  }

  settle(): void {
    for (const side of [this.a, this.b]) {
      side.stack.poll(instantOf(this.now + side.shift));
      for (const { bytes } of side.sender.packets.splice(0)) this.leaves(side, bytes);
    }
  }

  private leaves(from: End, bytes: Uint8Array): void {
    if ((bytes[33]! & 2) !== 0) from.iss = get32(bytes, 24);
    if ((bytes[33]! & 4) !== 0) from.resets++;
    this.onPacket?.(from, bytes);
    const { loss = 0, reorder = 0, corrupt = 0 } = this.options;
    if (uniform(this.rng) < loss) return;
    if (uniform(this.rng) < corrupt) {
      const bit = below(this.rng, bytes.length * 8);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    const at = this.now + 10 + (uniform(this.rng) < reorder ? 5 + 10 * uniform(this.rng) : 0);
    const to = from === this.a ? this.b : this.a;
    let i = this.flying.length;
    while (i > 0 && this.flying[i - 1]!.at > at) i--;
    this.flying.splice(i, 0, { at, to, bytes });
  }
}

/** Clocks at which A's SYN and B's SYN-ACK carry these ISNs: an ISN moves by one in 4 us (RFC 6528). */
export function clocksFor(
  iss: number,
  irs: number,
  settings: Partial<Settings> = {},
): [number, number] {
  const trial = new Link({ settings });
  trial.connect();
  trial.runs(10_000, () => trial.b.iss >= 0);
  const ticks = (want: number, have: number): number => ((want - have) >>> 0) * 0.004;
  const first = ticks(iss, trial.a.iss);
  // B's SYN-ACK left when the SYN was there, 10 ms later, on both occasions
  return [first, ticks(irs, trial.b.iss)];
}
