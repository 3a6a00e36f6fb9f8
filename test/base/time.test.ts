/** Time: one unit, spans that add up, and a never that is later than everything. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { after, elapsed, instantOf, milliseconds, NEVER, seconds } from "../../src/base/time.ts";

test("a span is in milliseconds, whichever unit it was made from", () => {
  expect(seconds(2)).toBe(2000);
  expect(seconds(0.25)).toBe(250);
  expect(milliseconds(2)).toBe(2);
});

test("what was added to an instant is what has elapsed since", () => {
  const anyMs = fc.integer({ min: 0, max: 2 ** 45 });
  fc.assert(
    fc.property(anyMs, anyMs, (start, span) => {
      expect(elapsed(instantOf(start), after(instantOf(start), span))).toBe(span);
    }),
  );
  expect(elapsed(instantOf(5), instantOf(3))).toBe(-2);
});

test("never is later than any instant and stays so, whatever is added", () => {
  expect(instantOf(Number.MAX_VALUE) < NEVER).toBe(true);
  expect(after(NEVER, 1)).toBe(NEVER);
  expect(elapsed(instantOf(1), NEVER)).toBe(Infinity);
});
