/**
 * A day of connections, opened, used and ended in every way there is: what they leave behind is nothing. The long gate
 * has a million of them in 24 hours of virtual time.
 */
import { expect, test } from "vitest";
import { uniform } from "../../src/base/rng.ts";
import { seconds } from "../../src/base/time.ts";
import { cpuSeconds, figure, FULL, progress } from "../support/full.ts";
import { heapUse } from "../support/heap-use.ts";
import { LIVE } from "../support/states.ts";
import { KIND_NAMES, life, World } from "./lives.ts";

const DAY = seconds(24 * 3600);
const LIVES = FULL ? 1_000_000 : 4000;
/** Lives until everything has its size, before the heap is looked at. */
const WARM_UP = FULL ? 20_000 : 1000;
/** ms after the last life has begun until the last timer is done: R2 takes 924 s, and more with a closed window before it. */
const TAIL = 3_600_000;
const MIB = 1_048_576;

/** Begins `count` lives within `span` ms, by chance as users come, and lets all of them end. */
function lives(w: World, count: number, span: number): void {
  const every = Math.max(1, Math.floor(count / 50));
  for (let n = 1; n <= count; n++) {
    w.starts(life(w), 0);
    w.runs(w.now - (Math.log(1 - uniform(w.rng)) * span) / count);
    if (n % every === 0)
      progress(
        `${w.begun} lives begun, ${(w.now / seconds(3600)).toFixed(1)} hours, ${w.packets} packets`,
      );
  }
  w.runs(Infinity);
}

test(`${LIVES} lives leave no connection, timer, byte or heap behind`, () => {
  const w = new World(20_251_121);
  // as many a second as the whole has, so that as much stands at once
  const rate = LIVES / (DAY - 2 * TAIL);
  const began = cpuSeconds();
  lives(w, WARM_UP, WARM_UP / rate);
  expect(w.left()).toEqual([]);
  const warm = heapUse();
  lives(w, LIVES - WARM_UP, (LIVES - WARM_UP) / rate);
  expect(w.violations).toEqual([]);
  expect(w.left()).toEqual([]);
  const grown = heapUse() - warm;
  expect(grown).toBeLessThan(0.05 * warm + 5 * MIB);
  expect([w.begun, w.ended]).toEqual([LIVES, LIVES]);
  if (FULL) expect(w.now).toBeLessThan(1.05 * DAY);
  expect([...w.kinds.keys()].toSorted()).toEqual([...KIND_NAMES].toSorted());
  for (const state of LIVE)
    expect(w.abortedIn.get(state) ?? 0, `aborted in ${state}`).toBeGreaterThan(LIVES / 200);
  const { counters: a } = w.a.stack;
  const { counters: b } = w.b.stack;
  expect(b.get("TcpExtSyncookiesRecv")).toBeGreaterThan(LIVES / 4);
  expect(a.get("TcpExtTWRecycled") + b.get("TcpExtTWRecycled")).toBeGreaterThan(LIVES / 50);
  const took = cpuSeconds() - began;
  figure("lives, all ended", `${w.ended} in ${(w.now / seconds(3600)).toFixed(1)} virtual hours`);
  figure("packets", `${w.packets}`);
  figure("bytes moved, all right", `${w.bytes}`);
  figure("heap after warm-up, MB", (warm / 1e6).toFixed(2));
  figure("heap more at the end, MB", (grown / 1e6).toFixed(2));
  figure("CPU seconds", took.toFixed(0));
  for (const name of KIND_NAMES) figure(name, `${w.kinds.get(name)}`);
  for (const state of LIVE) figure(`aborted in ${state}`, `${w.abortedIn.get(state)}`);
});
