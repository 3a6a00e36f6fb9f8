/** Memory of received packets that is lent to a user for the length of an event: never longer, and never lost. */
import { expect, test } from "vitest";
import { RX_KEEPABLE, RX_LENDABLE } from "../../src/base/device.ts";
import { instantOf } from "../../src/base/time.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { connection, deliver, LARGE, segment } from "./support/segments.ts";

/** The user takes what it is lent within its event, and remembers the memory. */
function borrower(p: ScriptedPeer): Uint8Array[] {
  const seen: Uint8Array[] = [];
  p.endpoint.lends = true;
  p.endpoint.owner = {
    onEvents(endpoint: Endpoint): void {
      for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) seen.push(c);
    },
  };
  return seen;
}

test("a user who asks is lent the packet's own memory, which is not kept", () => {
  const p = connection();
  const seen = borrower(p);
  const { packet, kept } = deliver(p, 1, RX_LENDABLE | RX_KEEPABLE);
  expect(kept).toBe(0);
  expect(seen).toHaveLength(1);
  expect(seen[0]!.buffer).toBe(packet.buffer);
  expect(seen[0]).toHaveLength(LARGE);
});

test("small segments of a batch are joined, in memory that the next batch is written into", () => {
  const p = connection();
  const seen = borrower(p);
  const now = instantOf(p.time);
  for (let i = 0; i < 3; i++) {
    const packet = segment(p, 1 + 1000 * i, 1000);
    p.stack.input(packet, 0, packet.length, RX_LENDABLE, now);
  }
  p.settle();
  deliver(p, 3001, RX_LENDABLE, 1000);
  expect(seen.map((c) => c.length)).toEqual([3000, 1000]);
  expect(seen[1]!.buffer).toBe(seen[0]!.buffer);
  expect(seen[1]!.byteOffset).toBe(seen[0]!.byteOffset);
});

test("what is not taken within the event is copied before the memory is somebody else's", () => {
  const p = connection();
  p.endpoint.lends = true;
  const large = deliver(p, 1, RX_LENDABLE);
  large.packet.fill(0);
  deliver(p, 1 + LARGE, RX_LENDABLE, 1000).packet.fill(0);
  deliver(p, 1001 + LARGE, RX_LENDABLE, 1000).packet.fill(0);
  p.read();
  expect(p.received).toHaveLength(LARGE + 2000);
  expect(p.received.every((byte) => byte === 7)).toBe(true);
});

test("also where the user's handler throws", () => {
  const p = connection();
  p.endpoint.lends = true;
  p.endpoint.owner = {
    onEvents(): void {
      throw new Error("the program's own");
    },
  };
  expect(() => deliver(p, 1, RX_LENDABLE)).toThrow("the program's own");
  const { packet } = { packet: segment(p, 1 + LARGE, 1000) };
  expect(() => {
    p.stack.input(packet, 0, packet.length, RX_LENDABLE, instantOf(p.time));
    packet.fill(0);
    p.settle();
  }).toThrow("the program's own");
  p.endpoint.owner = p;
  p.read();
  expect(p.received).toHaveLength(LARGE + 1000);
});

test("nothing is lent where the device does not promise that the bytes stay, or the user did not ask", () => {
  const shy = connection();
  const seen = borrower(shy);
  const first = deliver(shy, 1, 0);
  expect(seen[0]!.buffer).not.toBe(first.packet.buffer);

  const plain = connection();
  const second = deliver(plain, 1, RX_LENDABLE);
  expect(plain.endpoint.receive()!.buffer).not.toBe(second.packet.buffer);
});
