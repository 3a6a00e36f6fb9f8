/** The store of what came before its turn, against a plain map of bytes; and what a piece costs when there are many. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PIECE_COST } from "../../src/tcp/memory.ts";
import { Reassembly } from "../../src/tcp/reassembly.ts";
import { seq, seqAdd } from "../../src/wire/seq.ts";
import { bestOf } from "../support/best-of.ts";

/** So that what comes lies on both sides of the wrap. */
const BASE = seq(-2000);

function counting(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

test("any order of overlapping texts gives each byte once, the first copy of it, and leaves nothing [H120]", () => {
  const text = fc.record({
    at: fc.integer({ min: 1, max: 6000 }),
    length: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 700 })),
    first: fc.nat(255),
  });
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 120 }),
      fc.integer({ min: 1, max: 6000 }),
      (all, to) => {
        const store = new Reassembly();
        const model = new Map<number, number>();
        for (const { at, length, first } of all) {
          const data = counting(length, first);
          expect(store.insert(seqAdd(BASE, at), data, Infinity)).toBe(true);
          data.forEach((byte, i) => {
            if (!model.has(at + i)) model.set(at + i, byte);
          });
          data.fill(0xee); // the device writes its memory again
          expect(store.bytes).toBe(model.size);
          expect(store.cost).toBeGreaterThanOrEqual(store.bytes);
        }
        let next = to;
        for (let more = true; more;) {
          // in whatever was taken out up to there
          const ready = store.takeReady(seqAdd(BASE, next));
          more = ready !== null;
          for (const piece of ready ?? [])
            for (const byte of piece) expect(byte).toBe(model.get(next++));
        }
        expect(model.has(next)).toBe(false);
        for (const at of [...model.keys()].filter((k) => k < next)) model.delete(at);
        expect(store.bytes).toBe(model.size);
        if (model.size === 0) expect([store.cost, store.isEmpty]).toEqual([0, true]);
        store.clear();
        expect([store.bytes, store.cost, store.isEmpty]).toEqual([0, 0, true]);
      },
    ),
  );
});

test("small texts behind each other are joined, and each piece is counted with what surrounds it [H083]", () => {
  const store = new Reassembly();
  for (let n = 0; n < 8000; n++) store.insert(seqAdd(BASE, 10 + n), counting(1, n), Infinity);
  expect(store.cost).toBeLessThan(8000 + 3 * PIECE_COST);
  const alone = new Reassembly();
  for (let n = 0; n < 200; n++) alone.insert(seqAdd(BASE, 10 + 2 * n), counting(1, n), Infinity);
  expect(alone.cost).toBe(200 * (1 + PIECE_COST));
  expect(alone.insert(seqAdd(BASE, 1000), counting(1, 0), alone.cost)).toBe(false);
});

test("no more than 256 islands are kept, and one more byte beside any of them still is [H083]", () => {
  const store = new Reassembly();
  const takes = (at: number): boolean => store.insert(seqAdd(BASE, at), counting(1, at), Infinity);
  for (let n = 0; n < 256; n++) expect(takes(10 + 3 * n)).toBe(true);
  expect(takes(5000)).toBe(false);
  expect(takes(11)).toBe(true);
});

test.each([1, -1])(
  "a segment costs the same beside 16,000 pieces as beside 500, in direction %i [H083]",
  async (direction) => {
    const size = 300;
    const data = counting(size, 0);
    /** ms for each of `count`. */
    const each = (count: number): number => {
      const store = new Reassembly();
      const began = performance.now();
      for (let n = 0; n < count; n++)
        store.insert(seqAdd(BASE, 6_000_000 + direction * n * size), data, Infinity);
      return (performance.now() - began) / count;
    };
    // an array of pieces that is copied for each of them: 30 times as much
    expect(await bestOf(5, 8, () => each(16_000) / each(500))).toBeLessThan(8);
  },
);
