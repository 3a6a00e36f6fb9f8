/** Inputs: bytes, steps and words say the same, whatever the bytes are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import {
  CELLS,
  createTarget,
  decode,
  encode,
  fuzzer,
  isPossible,
  minimise,
  piecesOf,
  ROWS,
  TARGETS,
} from "../../src/fuzz/index.ts";

const bytes = fc.uint8Array({ maxLength: 400 });

test("every string of bytes is an input, and what it decodes to is encoded to the same input", () => {
  fc.assert(
    fc.property(bytes, (data) => {
      const input = decode(data);
      expect(decode(encode(input))).toEqual(input);
    }),
  );
});

describe.each(TARGETS)("%s", (name) => {
  const target = createTarget(name);
  const run = (data: Uint8Array): unknown => target.run(data, { trace: true });

  test("any bytes run, and twice the same", () => {
    fc.assert(
      fc.property(bytes, (data) => {
        const outcome = target.run(data, { trace: true });
        expect(outcome.violation).toBe(null);
        expect(outcome.hash).toMatch(/^[0-9a-f]{16}$/);
        expect(run(data)).toEqual(outcome);
      }),
      { numRuns: 60 },
    );
  });

  test("the words of an input give the same run", () => {
    const out = new Uint8Array(target.maxLength);
    for (let seed = 0; seed < 20; seed++) {
      const data = out.slice(0, target.generate(seededRng(seed), out));
      const words = JSON.parse(JSON.stringify(target.toJson(data))) as unknown;
      expect(target.run(target.fromJson(words)).violation).toBe(null);
      if (name !== "codec" && name !== "options")
        expect(target.run(target.fromJson(words), { trace: true }).hash).toBe(
          target.run(data, { trace: true }).hash,
        );
    }
  });

  test("mutants stay within their room and run", () => {
    const rng = seededRng(3);
    const out = new Uint8Array(target.maxLength + 64);
    let length = target.generate(rng, out);
    for (let i = 0; i < 200; i++) {
      const other = out.slice(0, length);
      length = target.mutate(rng, out, length, other);
      expect(length).toBeLessThanOrEqual(target.maxLength);
      expect(target.run(out.subarray(0, length)).violation).toBe(null);
    }
  });

  test("as a function of bytes it throws nothing", () => {
    expect(() => fuzzer(name)(Uint8Array.of(1, 2, 3))).not.toThrow();
  });
});

test("what is minimised still fails in the same way, with nothing in it that is not needed", () => {
  const target = createTarget("connection");
  // a pretended rule: two aborts are too many
  const calls = (data: Uint8Array): number =>
    decode(data).steps.filter((s) => s.op === 1 && (s.flags & 15) === 4).length;
  const pretended = Object.assign(Object.create(target) as typeof target, {
    run: (data: Uint8Array) => ({
      violation:
        calls(data) < 2 ? null : { rule: "I1", step: 49, message: `aborts: ${calls(data)}` },
      hash: "",
      trace: [],
    }),
  });
  const out = new Uint8Array(target.maxLength);
  let data = out;
  for (let seed = 0; calls(data) < 2; seed++)
    data = out.slice(0, target.generate(seededRng(seed), out));
  const { head, unit } = piecesOf("connection");
  const small = decode(minimise(pretended, data, head, unit).data);
  expect(small.steps.length).toBe(2);
  expect(small.head.opening).toBe("listen");
});

test("each class of segment that can be has a row of the table in each state", () => {
  const without = Array.from({ length: CELLS }, (_, i) => i).filter(
    (i) => isPossible(i) && ROWS[i]!.length === 0,
  );
  expect(without).toEqual([]);
});
