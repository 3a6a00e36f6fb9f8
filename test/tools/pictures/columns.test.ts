/** What is drawn of a long column: as little as pixels can show, with every peak in it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { GridLine, gridTimes } from "../../../src/tools/pictures/page/columns.ts";
import { lowerBound, Pyramid } from "../../../src/tools/pictures/pyramid.ts";
import { thin } from "../../../src/tools/pictures/thin.ts";
import {
  formatTick,
  formatValue,
  niceStep,
  scaleFor,
  ticks,
  timeScale,
  valueRange,
} from "../../../src/tools/pictures/ticks.ts";

const value = fc.oneof(
  { weight: 9, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(NaN) },
);
const samples = fc.array(fc.tuple(fc.integer({ min: 0, max: 1000 }), value), { maxLength: 3000 });

function columns(rows: readonly (readonly [number, number])[]): {
  t: Float64Array;
  v: Float64Array;
} {
  const sorted = rows.toSorted(([a], [b]) => a - b);
  return {
    t: Float64Array.from(sorted, ([t]) => t),
    v: Float64Array.from(sorted, ([, v]) => v),
  };
}

test("a pyramid knows least and greatest of every stretch", () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 2000 }), fc.nat(), fc.nat(), (list, a, b) => {
      const v = Float64Array.from(list);
      const [from, to] = [a % (v.length + 1), b % (v.length + 1)].toSorted((x, y) => x - y);
      const pyramid = new Pyramid(v, v);
      pyramid.query(from!, to!);
      const there = [...v.subarray(from, to)].filter((x) => !Number.isNaN(x));
      expect(pyramid.low).toBe(there.reduce((x, y) => Math.min(x, y), Infinity));
      expect(pyramid.high).toBe(there.reduce((x, y) => Math.max(x, y), -Infinity));
    }),
  );
});

test("every level of a pyramid covers the whole column", () => {
  const from = Float64Array.from({ length: 1001 }, (_, i) => i);
  const to = from.map((x) => x + 5);
  const pyramid = new Pyramid(from, to);
  expect(pyramid.levels.map(({ size }) => size)).toEqual([1, 8, 64, 512]);
  for (const { size, min, max } of pyramid.levels) {
    min.forEach((x, i) => expect(x).toBe(i * size));
    max.forEach((x, i) => expect(x).toBe(Math.min((i + 1) * size, 1001) - 1 + 5));
  }
  expect(pyramid.levelFor(0, 1001, 2000).size).toBe(1);
  expect(pyramid.levelFor(0, 1001, 200).size).toBe(8);
  expect(pyramid.levelFor(500, 520, 20).size).toBe(1);
});

test("a thinned line has at most four points a column, the extremes of all, and never goes back in time", () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 1, max: 40 }), (rows, width) => {
      const { t, v } = columns(rows);
      const thinned = thin(t, v, new Pyramid(v, v), [100, 900], width);
      expect(thinned.t.length).toBeLessThanOrEqual(4 * width + 4);
      for (let i = 1; i < thinned.t.length; i++) {
        expect(thinned.t[i]!).toBeGreaterThanOrEqual(thinned.t[i - 1]!);
      }
      const inside = [...v.subarray(lowerBound(t, 100), lowerBound(t, 900))].filter((x) => x === x);
      const drawn = thinned.v.filter((x) => x === x);
      if (inside.length === 0) return;
      expect(Math.max(...drawn)).toBeGreaterThanOrEqual(Math.max(...inside));
      expect(Math.min(...drawn)).toBeLessThanOrEqual(Math.min(...inside));
    }),
  );
});

test("a line on the grid of the page keeps the extremes of each column in that column", () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 1, max: 50 }), (rows, width) => {
      const { t, v } = columns(rows);
      const line = new GridLine({ owner: 0, quantity: "x", t, v });
      const slots = line.fill([100, 900], width);
      const times = gridTimes([100, 900], width);
      expect(slots).toHaveLength(2 * width + 2);
      expect(times).toHaveLength(2 * width + 2);
      for (let column = 0; column < width; column++) {
        const inColumn = [...v].filter(
          (x, i) => x === x && t[i]! >= 100 && t[i]! < 900 && columnOf(t[i]!, width) === column,
        );
        const drawn = slots
          .slice(1 + 2 * column, 3 + 2 * column)
          .filter((x) => typeof x === "number");
        expect(drawn.length > 0).toBe(inColumn.length > 0);
        if (inColumn.length === 0) continue;
        expect(Math.max(...drawn)).toBe(Math.max(...inColumn));
        expect(Math.min(...drawn)).toBe(Math.min(...inColumn));
      }
    }),
  );
});

function columnOf(t: number, width: number): number {
  return Math.min(width - 1, Math.floor((t - 100) / (800 / width)));
}

test("a line reaches the edges of what is seen, and a gap is one", () => {
  const t = Float64Array.of(0, 100, 200, 300);
  const v = Float64Array.of(0, 10, NaN, 30);
  const slots = new GridLine({ owner: 0, quantity: "x", t, v }).fill([50, 100.5], 4);
  expect(slots[0]).toBe(5);
  expect(slots.at(-1)).toBeUndefined();
  const line = new GridLine({ owner: 0, quantity: "x", t, v });
  expect(line.fill([0, 400], 4)).toContain(null);
  expect(line.at(150)).toBe(10);
  expect(line.at(250)).toBeNaN();
  expect(line.at(300)).toBe(30);
  expect(line.at(-1)).toBeNaN();
});

test("ticks stand at round values, and numbers have the decimals that these ask for", () => {
  expect([niceStep(10, 5), niceStep(90, 5), niceStep(0.7, 5), niceStep(0, 5)]).toEqual([
    2, 20, 0.2, 1,
  ]);
  expect(ticks(0.05, 0.41, 0.1).map((x) => formatTick(x, { divisor: 1, name: "" }, 0.1))).toEqual([
    "0.1",
    "0.2",
    "0.3",
    "0.4",
  ]);
  expect(formatTick(1_234_500, scaleFor("B", 2e6), 500)).toBe("1.2345");
  expect(formatTick(2500, timeScale(5000), 500)).toBe("2.5");
  expect([formatValue(1448, "B"), formatValue(9.96e6, "bit/s"), formatValue(12, "ms")]).toEqual([
    "1.45 kB",
    "9.96 Mbit/s",
    "12 ms",
  ]);
  expect([formatValue(0, "B"), formatValue(NaN, "ms"), formatValue(62_000, "ms")]).toEqual([
    "0 B",
    "–",
    "62.0 s",
  ]);
  expect(valueRange(Infinity, -Infinity, true)).toEqual([0, 1]);
  expect(valueRange(100, 104, false)[0]).toBeGreaterThan(90);
  expect(valueRange(100, 104, true)[0]).toBe(0);
  expect(valueRange(5, 5, false)[1]).toBeGreaterThan(5);
});
