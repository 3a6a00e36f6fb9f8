/** Sequence numbers: order and distance are those of the circle, wherever zero happens to lie. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  seq,
  seqAdd,
  seqDiff,
  seqGeq,
  seqGt,
  seqInWindow,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
  seqUnsigned,
} from "../../src/wire/seq.ts";
import { anyI32 } from "./support.ts";

/** Starts that put the wrap, and the sign's change, within a few steps, and any other. */
const anyStart = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: 0x7ffffffa, max: 0x80000005 }),
  anyI32,
);
/** Ahead by less than half of the circle, its ends well represented. */
const ahead = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 0x7ffffff0, max: 0x7fffffff }),
  fc.integer({ min: 1, max: 0x7fffffff }),
);

test("what is ahead by less than half of the circle is later, over the wrap too [RFC 9293 §3.4]", () => {
  fc.assert(
    fc.property(anyStart, ahead, (start, step) => {
      const a = seq(start);
      const b = seqAdd(a, step);
      expect([seqLt(a, b), seqLeq(a, b), seqGt(a, b), seqGeq(a, b)]).toEqual([
        true,
        true,
        false,
        false,
      ]);
      expect([seqLt(b, a), seqLeq(b, a), seqGt(b, a), seqGeq(b, a)]).toEqual([
        false,
        false,
        true,
        true,
      ]);
      expect([seqMax(a, b), seqMax(b, a), seqMin(a, b), seqMin(b, a)]).toEqual([b, b, a, a]);
    }),
  );
});

test("a number is neither earlier nor later than itself [RFC 9293 §3.4]", () => {
  fc.assert(
    fc.property(anyStart, (start) => {
      const a = seq(start);
      expect([seqLt(a, a), seqLeq(a, a), seqGt(a, a), seqGeq(a, a)]).toEqual([
        false,
        true,
        false,
        true,
      ]);
      expect([seqMax(a, a), seqMin(a, a), seqDiff(a, a)]).toEqual([a, a, 0]);
    }),
  );
});

test("the difference undoes the addition, forth and back [RFC 9293 §3.4]", () => {
  fc.assert(
    fc.property(anyStart, ahead, (start, step) => {
      const a = seq(start);
      expect(seqDiff(seqAdd(a, step), a)).toBe(step);
      expect(seqDiff(a, seqAdd(a, step))).toBe(-step);
      expect(seqAdd(seqAdd(a, step), -step)).toBe(a);
    }),
  );
});

test("addition is that of 32-bit numbers, as a wide sum has it [RFC 9293 §3.4]", () => {
  fc.assert(
    fc.property(anyStart, anyI32, (start, n) => {
      const want = BigInt.asUintN(32, BigInt(start) + BigInt(n));
      expect(BigInt(seqUnsigned(seqAdd(seq(start), n)))).toBe(want);
    }),
  );
});

test("a window holds its left edge and not its right one, wherever it lies [RFC 9293 §3.4]", () => {
  const size = fc.oneof(fc.nat(9), fc.nat(0x3fffffff));
  fc.assert(
    fc.property(anyStart, size, fc.nat(), (start, width, pick) => {
      const left = seq(start);
      expect(seqInWindow(left, left, width)).toBe(width > 0);
      expect(seqInWindow(seqAdd(left, width), left, width)).toBe(false);
      expect(seqInWindow(seqAdd(left, -1), left, width)).toBe(false);
      if (width === 0) return;
      expect(seqInWindow(seqAdd(left, width - 1), left, width)).toBe(true);
      expect(seqInWindow(seqAdd(left, pick % width), left, width)).toBe(true);
    }),
  );
});

test("people read numbers from 0 to 4294967295, the wrap between the two", () => {
  expect(seqUnsigned(seq(-1))).toBe(4294967295);
  expect(seqUnsigned(seq(0x80000000))).toBe(0x80000000);
  expect(seqUnsigned(seqAdd(seq(0xffffffff), 1))).toBe(0);
  expect(seq(0xfffffff0)).toBe(-16);
});
