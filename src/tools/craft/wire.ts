/** Both ends of what craft sends and hears: a target takes bytes, and everything that passes is told with its time. */
import { decode, encode, type Packet, type PeerHost } from "../../packet/index.ts";

/** Where packets go, and where they come from. */
export interface Target {
  /** What a person reads: `the stack in memory`. */
  readonly name: string;
  /** The address that packets go to, and the one of the peer that craft plays. */
  readonly address: string;
  readonly peer: string;
  /** Called once before the first packet is sent. */
  start(receive: (bytes: Uint8Array) => void): void;
  send(bytes: Uint8Array): void;
  close(): Promise<void>;
}

export type Direction = "sent" | "got";

export interface Passed {
  /** ms since the first packet that was sent, or since the start while there is none. */
  readonly time: number;
  readonly direction: Direction;
  readonly packet: Packet;
  readonly bytes: Uint8Array;
}

export interface WireOptions {
  /** ms on a clock that only goes forward. */
  readonly now: () => number;
  readonly passed: (passed: Passed) => void;
}

/** A target with a clock, and whoever listens to it. */
export class Wire implements PeerHost {
  readonly target: Target;
  #receive: (packet: Packet, bytes: Uint8Array) => void = () => {};
  readonly #options: WireOptions;
  readonly #pending = new Set<NodeJS.Timeout>();
  readonly #began: number;
  #first: number | null = null;

  constructor(target: Target, options: WireOptions) {
    this.target = target;
    this.#options = options;
    this.#began = options.now();
    target.start((bytes) => this.#got(bytes));
  }

  /** Who hears what comes, from now on. */
  set onHeard(receive: (packet: Packet, bytes: Uint8Array) => void) {
    this.#receive = receive;
  }

  now(): number {
    return this.#options.now() - this.#began;
  }

  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      call();
    }, ms);
    this.#pending.add(timer);
    return () => {
      clearTimeout(timer);
      this.#pending.delete(timer);
    };
  }

  send(packet: Packet, bytes: Uint8Array = encode(packet)): void {
    const now = this.now();
    this.#first ??= now;
    this.target.send(bytes);
    this.#tell("sent", now, packet, bytes);
  }

  #got(bytes: Uint8Array): void {
    const packet = decode(bytes);
    this.#tell("got", this.now(), packet, bytes);
    this.#receive(packet, bytes);
  }

  #tell(direction: Direction, now: number, packet: Packet, bytes: Uint8Array): void {
    this.#options.passed({ time: now - (this.#first ?? 0), direction, packet, bytes });
  }

  async close(): Promise<void> {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
    await this.target.close();
  }
}
