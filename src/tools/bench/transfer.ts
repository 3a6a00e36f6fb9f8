/** Two core stacks joined by their senders, without device or event loop: one call carries 64 KiB from one to the other. */
import { NO_OFFLOAD } from "../../base/device.ts";
import { seededRng } from "../../base/rng.ts";
import { instantOf } from "../../base/time.ts";
import { Stack } from "../../stack/stack.ts";
import type { Endpoint, EndpointOwner } from "../../tcp/endpoint.ts";
import { ipv4 } from "../../wire/address.ts";

const LEFT = ipv4(0xc0000201 | 0);
const RIGHT = ipv4(0xc0000202 | 0);
const BLOCK = 65536;
/** Packets on their way in one direction; the windows keep them far below. */
const SLOTS = 2048;

/** A queue of packets in memory that is used again. */
class Wire {
  readonly mtu: number;
  readonly offload = NO_OFFLOAD;
  readonly offset = 0;
  private readonly slots: Uint8Array[];
  private readonly lengths = new Int32Array(SLOTS);
  private sent = 0;
  private taken = 0;

  constructor(mtu: number) {
    this.mtu = mtu;
    this.slots = Array.from({ length: SLOTS }, () => new Uint8Array(mtu));
  }

  get buffer(): Uint8Array {
    return this.slots[this.sent % SLOTS]!;
  }

  reserve(): boolean {
    return this.sent - this.taken < SLOTS;
  }

  append(): void {}

  commit(used: number): void {
    this.lengths[this.sent++ % SLOTS] = used;
  }

  flush(): void {}

  /** How many were delivered. */
  deliver(to: Stack, now: number): number {
    const count = this.sent - this.taken;
    for (let i = 0; i < count; i++, this.taken++) {
      const at = this.taken % SLOTS;
      to.input(this.slots[at]!, 0, this.lengths[at]!, 0, instantOf(now));
    }
    return count;
  }
}

/** Each call sends 64 KiB and returns when they have arrived and are acknowledged. */
export function createTransfer(mtu: number): () => void {
  const there = new Wire(mtu);
  const back = new Wire(mtu);
  let now = 1;
  const stack = (address: typeof LEFT, sender: Wire, seed: number): Stack =>
    new Stack({
      addresses: [{ address, prefix: 24 }],
      rng: seededRng(seed),
      now: instantOf(now),
      sender,
    });
  const left = stack(LEFT, there, 1);
  const right = stack(RIGHT, back, 2);
  const reader: EndpointOwner = {
    onEvents(endpoint: Endpoint): void {
      while (endpoint.receive() !== null);
    },
  };
  const onConnection = (listener: { accept(): Endpoint | null }): void => {
    listener.accept()!.owner = reader;
  };
  right.listen({ port: 80, owner: { onConnection } });
  const client = left.connect({ remoteAddress: RIGHT, remotePort: 80, owner: null });
  const settle = (): void => {
    do {
      now += 0.01;
      left.poll(instantOf(now));
      const moved = there.deliver(right, now);
      right.poll(instantOf(now));
      // all quiet, and the last segment waits for its delayed ACK
      if (moved + back.deliver(left, now) === 0) now = right.nextTimeout();
    } while (client.sendQueued > 0 || client.state !== "ESTABLISHED");
  };
  settle();
  const block = new Uint8Array(BLOCK).fill(0x5a);
  return () => {
    client.send(block);
    settle();
  };
}
