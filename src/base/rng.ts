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

/** sfc32 (Doty-Humphrey's): three words of state and a counter, stirred a few times before use. */
function sfc32(first: number, second: number, third: number): Rng {
  let a = first | 0;
  let b = second | 0;
  let c = third | 0;
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

/**
 * A small seeded generator: the same seed gives the same stream on every machine. For
 * simulation and tests; secrets of a live stack come from the system's generator.
 */
export function seededRng(seed: number): Rng {
  return sfc32(0x9e3779b9, 0x243f6a88, seed);
}

/**
 * The stream of one purpose, such as `a>b/loss`, out of the one seed of a run (a whole number below 2^53): what is drawn for one
 * purpose does not move what is drawn for another.
 */
export function namedRng(seed: number, purpose: string): Rng {
  let one = 0x811c9dc5;
  let two = 0x9747b28c;
  for (let i = 0; i < purpose.length; i++) {
    one = Math.imul(one ^ purpose.charCodeAt(i), 0x01000193);
    two = Math.imul(two ^ (one >>> 15), 0x85ebca6b) + purpose.length;
  }
  return sfc32(one ^ Math.floor(seed / 4294967296), two, seed);
}

/**
 * Exponentially distributed with mean 1. The logarithm is made of the four operations, as `Math.log` may differ in its last
 * digit from one engine to the next.
 */
export function exponential(rng: Rng): number {
  let x = ((rng.i32() >>> 0) + 1) / 4294967296;
  let halvings = 0;
  for (; x < 0.70710678; x *= 2) halvings++;
  // ln x = 2 artanh((x - 1) / (x + 1)), whose series gains five binary digits a term here
  const s = (x - 1) / (x + 1);
  let sum = 0;
  for (let k = 21; k > 0; k -= 2) sum = sum * s * s + 1 / k;
  return halvings * 0.6931471805599453 - 2 * s * sum;
}
