/** Long runs of the command: a hundred million inputs through the parsers and a million sequences in the gate, few every day. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tuntcp } from "../support/command.ts";
import { figure, FULL } from "../support/full.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-fuzz-long-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly target: string;
  readonly executions: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly cells: { readonly hit: number; readonly possible: number } | null;
  readonly findings: readonly { readonly rule: string; readonly message: string }[];
}

function fuzz(target: string, runs: number, ...more: string[]): Report {
  const args = [
    "fuzz",
    target,
    "--runs",
    String(runs),
    "--jobs",
    "2",
    "--corpus",
    folder,
    "--json",
  ];
  const { out, err } = tuntcp([...args, ...more], { timeout: 0 });
  const [report] = JSON.parse(out === "" ? "[]" : out) as Report[];
  if (report === undefined) throw new Error(err);
  figure(`fuzz ${target}, inputs`, String(report.executions));
  figure(`fuzz ${target}, inputs/s`, String(report.perSecond));
  expect(report.findings).toEqual([]);
  expect(report.executions).toBeGreaterThanOrEqual(runs);
  return report;
}

test.each([
  ["codec", 70_000_000],
  ["options", 30_000_000],
])("nothing is thrown, hangs or is read outside in the parsers: %s", (target, full) => {
  fuzz(target, FULL ? full : 300_000, "--random");
});

test("pieces are put together as a plain memory does", () => {
  fuzz("reassembly", FULL ? 1_000_000 : 10_000, "--random");
});

/** By seed, so that the gate's days differ only where somebody wants them to. */
const SEED = process.env["FUZZ_SEED"] ?? "1";

test.each([
  ["connection", 400_000, 0.9],
  ["listener", 300_000, 0],
  ["stack", 300_000, 0],
])("sequences of 50 steps break no rule and leave nothing: %s", (target, full, least) => {
  const { cells } = fuzz(target, FULL ? full : 600, "--random", "--seed", SEED);
  const share = cells!.hit / cells!.possible;
  figure(`fuzz ${target}, cells of the model, %`, (100 * share).toFixed(1));
  expect(share).toBeGreaterThanOrEqual(FULL ? least : least * 0.8);
});

test("following branches breaks no rule either", () => {
  for (const target of FULL ? ["connection", "listener", "stack"] : ["stack"]) {
    fuzz(target, FULL ? 30_000 : 300, "--seed", SEED);
  }
});
