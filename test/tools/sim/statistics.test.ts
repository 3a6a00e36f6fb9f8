/** Intervals by Student's t, and the bar of progress. */
import { expect, test } from "vitest";
import { namedRng, uniform } from "../../../src/base/rng.ts";
import { bar } from "../../../src/cli/progress.ts";
import { estimate, percentile, t975 } from "../../../src/tools/sim/statistics.ts";

test("quantiles of t are those of the tables, inside of ours and beyond", () => {
  expect([1, 2, 10, 30].map(t975)).toEqual([12.7062, 4.3027, 2.2281, 2.0423]);
  expect(t975(40)).toBeCloseTo(2.0211, 3);
  expect(t975(60)).toBeCloseTo(2.0003, 3);
  expect(t975(120)).toBeCloseTo(1.9799, 3);
  expect(t975(1e9)).toBeCloseTo(1.96, 3);
});

test("an estimate of known values", () => {
  const { mean, half, count } = estimate([2, 4, 4, 4, 5, 5, 7, 9]);
  expect([mean, count]).toEqual([5, 8]);
  // the sum of squares is 32, t of seven degrees of freedom 2.3646
  expect(half).toBeCloseTo((2.3646 * Math.sqrt(32 / 7)) / Math.sqrt(8), 4);
  expect(estimate([3]).half).toBeNaN();
});

test("95 of 100 intervals hold the mean", () => {
  const rng = namedRng(1, "intervals");
  let held = 0;
  for (let i = 0; i < 4000; i++) {
    // twelve even numbers are as good as normal
    const values = Array.from({ length: 5 }, () => {
      let sum = -6;
      for (let j = 0; j < 12; j++) sum += uniform(rng);
      return sum;
    });
    const { mean, half } = estimate(values);
    if (Math.abs(mean) <= half) held++;
  }
  // five standard deviations of a binomial
  expect(Math.abs(held - 3800)).toBeLessThan(5 * Math.sqrt(4000 * 0.95 * 0.05));
});

test("a percentile is one of the values", () => {
  const values = [5, 1, 4, 2, 3];
  expect([0, 0.2, 0.5, 0.95, 1].map((share) => percentile(values, share))).toEqual([1, 1, 3, 5, 5]);
  expect(percentile([], 0.5)).toBeNaN();
});

test("the bar tells how far a sweep is and how long it will still take", () => {
  expect(bar(0, 4, 0)).toContain(`[${".".repeat(30)}] 0/4`);
  expect(bar(2, 4, 3000)).toContain(`[${"#".repeat(15)}${".".repeat(15)}] 2/4  3 s left`);
  expect(bar(1, 100, 10_000)).toContain("17 min left");
});
