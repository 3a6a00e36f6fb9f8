/** What a script's host gives it, and the queue of packets that have come. */
import type { Packet } from "./packet.ts";
import { PeerError } from "./peer-error.ts";

/** What a peer needs of its host. */
export interface PeerHost {
  /** Sends what is `packet` in words. */
  send(packet: Packet, bytes: Uint8Array): void;
  /** ms. */
  now(): number;
  /** Calls once after so many ms; what it returns takes that back. */
  after(ms: number, call: () => void): () => void;
}

/** What waits for a packet. */
interface Waiter {
  readonly take: (packet: Packet | null) => void;
  readonly cancel: () => void;
}

/** Packets that nobody has asked for yet, and who asks. */
export class Arrivals {
  readonly #host: PeerHost;
  readonly #packets: Packet[] = [];
  #waiter: Waiter | null = null;

  constructor(host: PeerHost) {
    this.#host = host;
  }

  push(packet: Packet): void {
    const waiter = this.#waiter;
    if (waiter === null) {
      this.#packets.push(packet);
      return;
    }
    this.#waiter = null;
    waiter.cancel();
    waiter.take(packet);
  }

  /** The next packet, or null where none has come within so many ms. One call at a time. */
  next(within: number): Promise<Packet | null> {
    const first = this.#packets.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#waiter !== null)
      throw new PeerError("two waits for a packet at the same time", false);
    return new Promise((resolve) => {
      const cancel = this.#host.after(within, () => {
        this.#waiter = null;
        resolve(null);
      });
      this.#waiter = { take: resolve, cancel };
    });
  }
}
