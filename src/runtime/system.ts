/** The live stack's clock and randomness. */
import { randomFillSync } from "node:crypto";
import type { Rng } from "../base/rng.ts";
import { type Clock, type Instant, instantOf } from "../base/time.ts";

/** CLOCK_MONOTONIC in ms: the wall clock may jump, and nothing of ours follows it. */
export const systemClock: Clock = {
  now(): Instant {
    return instantOf(performance.now());
  },
};

/** The system's generator, drawn in pages: a call costs nanoseconds, not a system call. */
export function systemRng(): Rng {
  const page = new Int32Array(1024);
  let at = page.length;
  return {
    i32(): number {
      if (at === page.length) {
        randomFillSync(page);
        at = 0;
      }
      return page[at++]!;
    },
  };
}

/** Memory as it comes, not cleared: clearing 64 KiB costs as much as the copy into it. */
export function systemMemory(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
