/** The receive queue: whose memory a chunk is, and what it costs. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PIECE_COST } from "../../src/tcp/memory.ts";
import { ReceiveArena, ReceiveQueue } from "../../src/tcp/receive-queue.ts";

const arena = (): ReceiveArena => new ReceiveArena((size) => new Uint8Array(size));

function all(queue: ReceiveQueue): number[] {
  const bytes: number[] = [];
  for (let c = queue.shift(); c !== null; c = queue.shift()) bytes.push(...c);
  return bytes;
}

test("queues that share an arena never write over each other, and cost nothing once they are empty", () => {
  const step = fc.record({
    to: fc.constantFrom(0, 1),
    size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(255, 256, 2000, 5000)),
    take: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const shared = arena();
      const queues = [new ReceiveQueue(), new ReceiveQueue()];
      const expected: number[][] = [[], []];
      const seen: number[][] = [[], []];
      const taken: [Uint8Array, number[]][] = [];
      let next = 0;
      for (const { to, size, take } of steps) {
        const bytes = Uint8Array.from({ length: size + 2 }, () => next++ & 0xff);
        queues[to]!.pushCopy(shared, bytes, 1, size);
        expected[to]!.push(...bytes.subarray(1, size + 1));
        bytes.fill(0); // what is lent is written over
        const chunk = take ? queues[to]!.shift()! : null;
        if (chunk === null) continue;
        seen[to]!.push(...chunk);
        taken.push([chunk, [...chunk]]);
      }
      for (const i of [0, 1]) {
        expect(queues[i]!.cost >= queues[i]!.length).toBe(true);
        expect([...seen[i]!, ...all(queues[i]!)]).toEqual(expected[i]);
        expect([queues[i]!.length, queues[i]!.cost]).toEqual([0, 0]);
      }
      // what the user has is the user's for good
      for (const [chunk, copy] of taken) expect([...chunk]).toEqual(copy);
    }),
  );
});

test("bytes that come one by one cost less than three times themselves", () => {
  const queue = new ReceiveQueue();
  const shared = arena();
  for (let n = 0; n < 100_000; n++) queue.pushCopy(shared, Uint8Array.of(n & 0xff), 0, 1);
  expect(queue.cost).toBeLessThan(300_000);
  expect(all(queue).every((byte, n) => byte === (n & 0xff))).toBe(true);
});

test("a chunk that holds down a packet's memory costs all of that", () => {
  const queue = new ReceiveQueue();
  queue.push(new Uint8Array(65_600).subarray(60, 40_000), 65_600);
  expect([queue.length, queue.cost]).toEqual([39_940, 65_600 + PIECE_COST]);
  queue.clear();
  expect([queue.length, queue.cost]).toEqual([0, 0]);
});
