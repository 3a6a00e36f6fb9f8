/** In steady state the stack makes next to no garbage: V8's heap for a segment, counted in a process of its own. */
import { beforeAll, expect, test } from "vitest";
import type { Allocations, AllocationOp } from "../../../src/tools/bench/allocations.ts";
import { CONTROL_BYTES } from "../../../src/tools/bench/allocations.ts";
import { requireBuild } from "../../interop/support/world.ts";

beforeAll(requireBuild);

async function count(op: AllocationOp): Promise<number> {
  // what is built, as node runs it: the test's own transformed sources would be others
  const url = new URL("../../../dist/tools/bench/allocations.js", import.meta.url);
  const built = (await import(url.href)) as {
    countAllocations(op: AllocationOp): Promise<Allocations>;
  };
  const { bytes, collections } = await built.countAllocations(op);
  expect(collections).toBe(0);
  return bytes;
}

/** A view of a typed array: JavaScript has no other way to copy a part of one into another. */
const VIEW = 96;
/** Moments, fractions, as they are handed from call to call at 16 bytes each, and what V8 does at its own discretion. */
const SOME = 80;

test("an object made for each operation is counted", async () => {
  const counted = await count("control");
  // a busy machine adds what V8 does beside it
  expect(counted).toBeGreaterThan(0.9 * CONTROL_BYTES);
  expect(counted).toBeLessThan(2 * CONTROL_BYTES);
});

test("an ACK makes no object", async () => {
  expect(await count("ack")).toBeLessThan(SOME);
});

test("an ACK and the segment that it lets go make a view to copy by, and no object", async () => {
  expect(await count("send")).toBeLessThan(VIEW + SOME);
});

test("a SYN that is answered with a cookie makes no object", async () => {
  expect(await count("syn")).toBeLessThan(SOME);
});

test("a segment of data makes two views, one of them the user's, and its place in the queue", async () => {
  expect(await count("data")).toBeLessThan(2 * VIEW + 48 + SOME);
});
