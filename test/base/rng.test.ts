/** The seeded generator: reproducible, and spread as randomness should be. */
import { expect, test } from "vitest";
import { below, type Rng, seededRng, uniform } from "../../src/base/rng.ts";

/** Always these bits. */
const stuck = (bits: number): Rng => ({ i32: () => bits | 0 });

function take(seed: number, count: number): number[] {
  const rng = seededRng(seed);
  return Array.from({ length: count }, () => rng.i32());
}

test("a seed gives one stream on every machine, another seed another", () => {
  expect(take(1, 4)).toEqual(take(1, 4));
  expect(take(1, 4)).not.toEqual(take(2, 4));
  expect(take(0, 4)).not.toEqual([0, 0, 0, 0]);
  expect(take(-1, 4)).toEqual(take(0xffffffff, 4));
});

test("the stream is that of sfc32, the seed as its third word and twelve values left out", () => {
  expect(take(1, 3)).toEqual([-935131326, 1182520828, -27088767]);
});

test("two generators of one seed do not share their state", () => {
  const a = seededRng(7);
  const b = seededRng(7);
  const first = [a.i32(), a.i32(), a.i32()];
  expect([b.i32(), b.i32(), b.i32()]).toEqual(first);
});

test("every bit of a value is set about half of the time", () => {
  const count = 20_000;
  const values = take(42, count);
  for (let bit = 0; bit < 32; bit++) {
    const ones = values.filter((v) => (v >>> bit) & 1).length;
    // six standard deviations, and the seed is fixed
    expect(Math.abs(ones - count / 2), `bit ${bit}`).toBeLessThan(425);
  }
});

test("values are int32, and none comes twice in a short stream", () => {
  const values = take(3, 1000);
  expect(values.every((v) => v === (v | 0))).toBe(true);
  expect(values.some((v) => v < 0)).toBe(true);
  expect(new Set(values).size).toBe(1000);
});

test("a real is at least 0 and below 1, at both ends of the bits", () => {
  expect(uniform(stuck(0))).toBe(0);
  expect(uniform(stuck(0x80000000))).toBe(0.5);
  expect(uniform(stuck(-1))).toBeLessThan(1);
  expect(uniform(stuck(-1))).toBeGreaterThan(0.999999999);
});

test("an integer below a bound reaches 0 and the bound less one, and never the bound", () => {
  for (const bound of [1, 2, 3, 6, 1000, 65536, 2 ** 32]) {
    expect(below(stuck(0), bound)).toBe(0);
    expect(below(stuck(-1), bound)).toBe(bound - 1);
  }
});

test("the faces of a die come about equally often", () => {
  const rng = seededRng(5);
  const faces = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 60_000; i++) faces[below(rng, 6)]!++;
  for (const face of faces) expect(Math.abs(face - 10_000)).toBeLessThan(550);
});
