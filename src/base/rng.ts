/** Randomness as the core sees it: a stream handed in at construction. */

export interface Rng {
  /** 32 uniformly distributed bits, as an int32. */
  i32(): number;
}

/** A real in [0, 1) with 32 bits of resolution. */
export function uniform(rng: Rng): number {
  return (rng.i32() >>> 0) / 4294967296;
}

/** An integer in [0, bound), `bound` at most 2^32; unbiased enough for bound far below 2^32. */
export function below(rng: Rng, bound: number): number {
  return Math.floor(uniform(rng) * bound);
}

/**
 * A small seeded generator (sfc32): the same seed gives the same stream on every machine. For
 * simulation and tests; secrets of a live stack come from the system's generator.
 */
export function seededRng(seed: number): Rng {
  let a = 0x9e3779b9 | 0;
  let b = 0x243f6a88 | 0;
  let c = seed | 0;
  let counter = 1;
  const rng: Rng = {
    i32(): number {
      const sum = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      return sum;
    },
  };
  for (let i = 0; i < 12; i++) rng.i32();
  return rng;
}
