/** Streams by purpose out of one seed. */
import { expect, test } from "vitest";
import { exponential, namedRng, uniform } from "../../src/base/rng.ts";

const draws = (seed: number, purpose: string): number[] => {
  const rng = namedRng(seed, purpose);
  return Array.from({ length: 20 }, () => rng.i32());
};

test("a purpose has the same stream each time, and one of its own for each seed and each name", () => {
  const streams = new Set<string>();
  for (const seed of [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1]) {
    for (const purpose of ["a>b/loss", "b>a/loss", "a>b/jitter", "loss/a>b", "", "a"]) {
      streams.add(draws(seed, purpose).join());
      expect(draws(seed, purpose)).toEqual(draws(seed, purpose));
    }
  }
  expect(streams.size).toBe(36);
});

test("the streams of neighbouring names and seeds are even, and have nothing to do with each other", () => {
  const n = 50_000;
  const [a, b, c] = [namedRng(1, "x1"), namedRng(1, "x2"), namedRng(2, "x1")];
  let [sum, ab, ac] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y, z] = [uniform(a) - 0.5, uniform(b) - 0.5, uniform(c) - 0.5];
    sum += x;
    ab += x * y;
    ac += x * z;
  }
  // five standard deviations of each
  expect(Math.abs(sum / n)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
  for (const product of [ab, ac]) expect(Math.abs(product / n)).toBeLessThan(5 / 12 / Math.sqrt(n));
});

test("exponential times are the logarithm of even ones, made by hand", () => {
  const [ours, even] = [namedRng(3, "e"), namedRng(3, "e")];
  let sum = 0;
  for (let i = 0; i < 20_000; i++) {
    const x = exponential(ours);
    expect(x).toBeCloseTo(-Math.log(((even.i32() >>> 0) + 1) / 4294967296), 12);
    sum += x;
  }
  expect(sum / 20_000).toBeGreaterThan(0.96);
  expect(sum / 20_000).toBeLessThan(1.04);
});
