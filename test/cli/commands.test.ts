/** `tuntcp doctor` and `tuntcp bench` as commands: what they print, and with which code they end. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { median } from "../../src/tools/bench/plan.ts";
import { obstacle, World } from "../interop/support/world.ts";

const COMMAND = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

function tuntcp(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, out: stdout, err: stderr };
}

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

test("bench refuses what it does not know in one line", () => {
  for (const args of [
    ["--metrics", "speed"],
    ["--seconds", "0"],
    ["--runs", "x"],
  ]) {
    const { code, out, err } = tuntcp("bench", ...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(/^tuntcp: .*\n$/);
  }
});

test("bench measures two stacks in memory without any device", () => {
  const metrics = ["--metrics", "pair1500", "--seconds", "0.2", "--runs", "1"];
  const { code, out } = tuntcp("bench", ...metrics, "--json");
  expect(code).toBe(0);
  const { rows } = JSON.parse(out) as { rows: { ours: { rate: number } }[] };
  expect(rows).toHaveLength(1);
  expect(rows[0]!.ours.rate).toBeGreaterThan(0);
});

const why = obstacle("ip");
describe.skipIf(why !== null)("bench through a TUN", () => {
  test("no load fails, and one read brings more than a segment", async () => {
    const world = new World();
    try {
      const metrics = ["--metrics", "up1,rr,cps32,http", "--seconds", "0.3", "--runs", "1"];
      const outcome = await world.tuntcp(["bench", ...metrics, "--json"]).outcome;
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      const report = JSON.parse(outcome.stdout) as {
        tun: { largestRead: number; tso: boolean };
        rows: { metric: string; ours: { rate: number; failures: number } }[];
      };
      for (const { metric, ours } of report.rows) {
        expect(ours.failures, metric).toBe(0);
        expect(ours.rate, metric).toBeGreaterThan(0);
      }
      // more than the MTU, where the kernel grants segmentation offload
      expect(report.tun.largestRead > 1500).toBe(report.tun.tso);
    } finally {
      await world.remove();
    }
  });
});
