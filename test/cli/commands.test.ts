/** `tuntcp doctor` and `tuntcp bench` as commands: what they print, and with which code they end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PIECES } from "../../src/tools/bench/pieces.ts";
import { median } from "../../src/tools/bench/plan.ts";
import { obstacle, World } from "../interop/support/world.ts";
import { type Ended, tuntcp as run } from "../support/command.ts";

const tuntcp = (...args: string[]): Ended => run(args);

test("doctor says of each thing whether it is there, and ends with 3 where no TUN can be had", () => {
  const { code, out } = tuntcp("doctor");
  expect(out).toMatch(/^(ok|no) +native layer/m);
  expect(out).toMatch(/^(ok|no) +\/dev\/net\/tun/m);
  expect(out).toMatch(/^(ok|no) +CAP_NET_ADMIN/m);
  const { usable } = JSON.parse(tuntcp("doctor", "--json").out) as { usable: boolean };
  expect(code).toBe(usable ? 0 : 3);
});

test("the median of runs is one of them, the lower middle of an even number", () => {
  const run = (rate: number): { rate: number; failures: number; cpu: number } => ({
    rate,
    failures: 0,
    cpu: 1,
  });
  expect(median([run(3), run(1), run(2)]).rate).toBe(2);
  expect(median([run(4), run(1), run(3), run(2)]).rate).toBe(2);
});

test.each([
  "--metrics speed",
  "--metrics mem@0",
  "--metrics idle@99999",
  "--metrics pair@2",
  "--seconds 0",
  "--runs x",
  "--pieces --runs 0",
  "--history /nowhere/at/all.json",
  "--history /",
  "--history package.json",
  "--with /nowhere/at/all.json",
  "--history",
])("bench refuses %s in one line", (options) => {
  const { code, out, err } = tuntcp("bench", ...options.split(" "));
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err).toMatch(/^tuntcp: .*\n$/);
});

interface Report {
  readonly tun: { readonly largestRead: number; readonly tso: boolean } | null;
  readonly runs: number | null;
  readonly rows: readonly {
    readonly metric: string;
    readonly unit: string;
    readonly ours: { readonly rate: number; readonly failures: number; readonly heap?: number };
    readonly kernel: { readonly rate: number } | null;
    readonly earlier: number | null;
  }[];
}

test("bench measures two stacks in memory without any device", () => {
  const metrics = ["--metrics", "pair1500", "--seconds", "0.2", "--runs", "1"];
  const { code, out } = tuntcp("bench", ...metrics, "--json");
  expect(code).toBe(0);
  const { rows, tun, runs } = JSON.parse(out) as Report;
  expect(rows).toMatchObject([{ metric: "pair1500", unit: "Gbit/s", kernel: null, earlier: null }]);
  expect(rows[0]!.ours.rate).toBeGreaterThan(0);
  expect([tun, runs]).toEqual([null, null]);
});

test("bench keeps its figures in a history and tells how they compare with those before", () => {
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-bench-"));
  try {
    const file = join(folder, "history.json");
    const added = join(folder, "added.json");
    writeFileSync(added, '{"piece":7}');
    const args = ["--metrics", "heap-ack", "--runs", "1", "--history", file, "--with", added];
    expect(tuntcp("bench", ...args).out).not.toContain("earlier x");
    const second = tuntcp("bench", ...args);
    expect(second).toMatchObject({ code: 0, err: "" });
    expect(second.out).toMatch(
      /^heap-ack +\d+ B +earlier x \d+\.\d\d {2}heap for a pure ACK taken$/m,
    );
    expect(second.out).toContain("the median of 1 runs");
    const other = JSON.parse(tuntcp("bench", ...args, "--mtu", "9000", "--json").out) as Report;
    expect(other).toMatchObject({ runs: 2, rows: [{ metric: "heap-ack", earlier: null }] });
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const figures = lines.map((line) => (JSON.parse(line) as { figures: object }).figures);
    expect(figures).toEqual([
      { piece: 7, "heap-ack": expect.any(Number) as number },
      { piece: 7, "heap-ack": expect.any(Number) as number },
      { piece: 7, "heap-ack mtu=9000": expect.any(Number) as number },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bench measures the small pieces", () => {
  const { code, out } = tuntcp("bench", "--pieces", "--json");
  expect(code).toBe(0);
  const { pieces } = JSON.parse(out) as { pieces: { name: string; ns: number }[] };
  expect(pieces.map(({ name }) => name)).toEqual(PIECES.map(({ name }) => name));
  for (const { name, ns } of pieces) expect(ns, name).toBeGreaterThan(0);
});

const why = obstacle("ip");
describe.skipIf(why !== null)("bench through a TUN", () => {
  test("no load fails, and one read brings more than a segment", async () => {
    const world = new World();
    try {
      const metrics = [
        "--metrics",
        "up1,rr,cps32,http,minimal,piped",
        "--seconds",
        "0.3",
        "--runs",
        "1",
      ];
      const outcome = await world.tuntcp(["bench", ...metrics, "--json"]).outcome;
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      const report = JSON.parse(outcome.stdout) as Report;
      for (const { metric, ours } of report.rows) {
        expect(ours.failures, metric).toBe(0);
        expect(ours.rate, metric).toBeGreaterThan(0);
      }
      // more than the MTU, where the kernel grants segmentation offload
      expect(report.tun!.largestRead > 1500).toBe(report.tun!.tso);
    } finally {
      await world.remove();
    }
  });

  test("idle connections are counted by what they hold and cost, ours and the kernel's", async () => {
    const world = new World();
    try {
      // a load between them: the TUN is opened by one process after the other
      const metrics = ["--metrics", "mem@300,rr,idle@300", "--seconds", "0.3", "--runs", "1"];
      const outcome = await world.tuntcp(["bench", ...metrics, "--json"]).outcome;
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      const { rows } = JSON.parse(outcome.stdout) as Report;
      expect(rows.map(({ metric, unit }) => `${metric} ${unit}`)).toEqual([
        "mem@300 B",
        "rr 1/s",
        "idle@300 %",
      ]);
      // more than the least that a socket and its connection can be, less than a buffer for each
      const [memory, , idle] = rows;
      expect(memory!.ours.heap).toBeGreaterThan(500);
      expect(memory!.ours.heap).toBeLessThan(16384);
      expect(memory!.kernel).not.toBeNull();
      for (const { rate } of [idle!.ours, idle!.kernel!]) {
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThan(50);
      }
    } finally {
      await world.remove();
    }
  });
});
