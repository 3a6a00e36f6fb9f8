/** The file of earlier runs: a line a run, the median of those before, and a file that is something else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { History } from "../../../src/tools/bench/history.ts";

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tuntcp-history-"));
  file = join(folder, "history.json");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("a first run has nothing to be compared with, and is a line of its own", () => {
  const history = new History(file);
  expect(history.runs).toBe(0);
  expect(history.ratio("rr", 5)).toBeNull();
  history.append({ rr: 5 });
  history.append({ rr: 6 });
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0]!)).toEqual({
    date: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    commit: expect.toSatisfy((c) => c === null || typeof c === "string") as string | null,
    machine: {
      cpu: expect.any(String) as string,
      cores: expect.any(Number) as number,
      kernel: expect.any(String) as string,
      node: process.version,
    },
    figures: { rr: 5 },
  });
});

test("a figure is compared with the median of the runs that have it, and not with its own run", () => {
  for (const figures of [{ rr: 10 }, { rr: 40 }, { rr: 20 }, { other: 1 }]) {
    new History(file).append(figures);
  }
  const history = new History(file);
  expect(history.runs).toBe(4);
  expect(history.ratio("rr", 30)).toBe(1.5);
  expect(history.ratio("other", 3)).toBe(3);
  expect(history.ratio("never seen", 3)).toBeNull();
  history.append({ rr: 1000 });
  expect(history.ratio("rr", 30)).toBe(1.5);
  // of an even number the middle between both
  expect(new History(file).ratio("rr", 30)).toBe(1);
});

test("a file that holds something else is refused with the line, and stays as it is", () => {
  const texts = ["hello\n", '{"figures":{"rr":1}}\n[]\n', '{"figures":null}\n', "null\n"];
  for (const [i, text] of texts.entries()) {
    writeFileSync(file, text);
    expect(() => new History(file)).toThrow(`line ${i === 1 ? 2 : 1} is not a run of bench`);
    expect(readFileSync(file, "utf8")).toBe(text);
  }
});

test("a file that cannot be written is refused before anything is measured", () => {
  expect(() => new History(join(folder, "missing", "history.json"))).toThrow("ENOENT");
  expect(() => new History(folder)).toThrow("EISDIR");
});
