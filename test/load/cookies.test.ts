/** A flood of SYNs without a device: what each costs of the processor, and that it leaves nothing behind. */
import { expect, test } from "vitest";
import { createSynFlood } from "../../src/tools/bench/syn-flood.ts";
import { memoryUsed } from "../hostile/support/heap.ts";
import { cpuSeconds, figure, FULL } from "../support/full.ts";

const SYNS = FULL ? 2_000_000 : 200_000;

test(`${SYNS} SYNs with cookies leave nothing behind [4987-3.6-COOKIE]`, () => {
  const { stack, syn, answers } = createSynFlood();
  for (let i = 0; i < 100_000; i++) syn(); // what is compiled once is not theirs
  const before = memoryUsed();
  const began = cpuSeconds();
  for (let i = 0; i < SYNS; i++) syn();
  const took = cpuSeconds() - began;
  expect((memoryUsed() - before) / SYNS).toBeLessThan(1);
  expect(answers()).toBe(SYNS + 100_000);
  expect(stack.connections()).toEqual([]);
  expect(stack.nextTimeout()).toBe(Infinity);
  figure("SYNs with cookies in memory", `${Math.round(SYNS / took)} a second a core`);
});
