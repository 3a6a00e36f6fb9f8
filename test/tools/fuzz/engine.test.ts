/** Counters in JavaScript, and an engine that follows them. */
import { expect, test } from "vitest";
import { seededRng } from "../../../src/base/rng.ts";
import { countedCode, loadCounted } from "../../../src/tools/fuzz/branches.ts";
import { Engine } from "../../../src/tools/fuzz/engine.ts";
import { COUNTERS, instrument } from "../../../src/tools/fuzz/instrument.ts";

const counters = globalThis as unknown as Record<string, Uint8Array>;

/** What `code` gives as its `out`, and how often each of its branches was taken. */
async function taken(code: string): Promise<{ out: unknown; counts: number[]; kinds: string[] }> {
  const done = instrument(code, 3);
  const own = new Uint8Array(3 + done.branches.length);
  counters[COUNTERS] = own;
  const url = `data:text/javascript;base64,${Buffer.from(done.code).toString("base64")}`;
  const { out } = (await import(url)) as { out: unknown };
  return { out, counts: [...own.subarray(3)], kinds: done.branches.map(({ kind }) => kind) };
}

test("branches are counted, and the code does what it did", async () => {
  const { out, counts, kinds } = await taken(`
    function sign(n) { if (n < 0) return -1; else if (n === 0) return 0; return 1; }
    const pick = (n) => n > 1 ? "many" : "one";
    const object = (n) => ({ n });
    let word = null;
    word ??= "made";
    const letters = [];
    for (const n of [1, 2, 3]) switch (n) { case 1: case 2: letters.push("a"); break; default: letters.push("b"); }
    if (letters.length > 5) letters.pop();
    export const out = [sign(-2), sign(3), pick(2), object(4).n, word, letters.join(""), null ?? "right", 0 || ""];
  `);
  expect(out).toEqual([-1, 1, "many", 4, "made", "aab", "right", ""]);
  const by = (kind: string): number[] => counts.filter((_, i) => kinds[i] === kind);
  expect(by("function")).toEqual([2, 1, 1]);
  expect(by("if")).toEqual([1, 0, 0]);
  expect(by("choice")).toEqual([1, 0]);
  expect(by("loop")).toEqual([3]);
  expect(by("case")).toEqual([2, 1]);
  expect(by("right side")).toEqual([1, 1, 1]);
});

test("an else belongs to its if, with braces and without", async () => {
  const { out } = await taken(`
    const f = (a, b) => { let r = "none"; if (a) if (b) r = "both"; else r = "first"; return r; };
    export const out = [f(1, 1), f(1, 0), f(0, 1)];
  `);
  expect(out).toEqual(["both", "first", "none"]);
});

test("branches have the same numbers each time, and every file of the core is counted", () => {
  const { files, count } = countedCode();
  expect(countedCode().files).toEqual(files);
  expect(count).toBeGreaterThan(3000);
  expect(files.map(({ file }) => file)).toContain("tcp/input/acceptability.js");
});

test("inputs that reach something new are kept, and the same seed keeps the same ones", async () => {
  const counted = await loadCounted();
  const run = (): Engine => {
    const engine = new Engine({
      target: "connection",
      harness: counted.harness,
      counters: counted.counters,
      rng: seededRng(4),
    });
    engine.run(150);
    return engine;
  };
  const [one, other] = [run(), run()];
  expect(one.corpus.length).toBeGreaterThan(20);
  expect(one.features).toBeGreaterThan(2000);
  expect(other.corpus).toEqual(one.corpus);
  // what was known is not new
  const known = new Engine({
    target: "connection",
    harness: counted.harness,
    counters: counted.counters,
    rng: seededRng(5),
  });
  for (const data of one.corpus) known.add(data);
  expect(known.features).toBe(one.features);
});
