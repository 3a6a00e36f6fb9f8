/** `tuntcp sim` as a command: what it prints and writes, sweeps, shards and their merging, and its mistakes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SimRun } from "../../src/sim/index.ts";
import { COMMAND, type Ended, tuntcp } from "../support/command.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tuntcp-sim-"));
  const scenario = {
    name: "small",
    duration: "1s",
    parameters: { loss: "1%", control: "cubic" },
    links: [{ from: "a", to: "b", rate: "5mbit", delay: "10ms", loss: "$loss" }],
    hosts: { a: { congestionControl: "$control" } },
    flows: [{ from: "a", to: "b", spread: "50ms" }],
  };
  const ends = { from: "a", to: "b" };
  const files: Record<string, unknown> = {
    "small.json": scenario,
    "list.json": [],
    "apart.json": { links: [ends, { from: "c", to: "d" }], flows: [{ from: "a", to: "d" }] },
    "ports.json": { links: [{ ...ends, rate: "1mbit" }], flows: [ends, { ...ends, port: 5001 }] },
    "damaged.json": { format: "tuntcp sim results 1", experiment: {}, shard: null, runs: [{}] },
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), JSON.stringify(content));
  }
  const thrower = `export default { build() { throw new Error("no more of this"); } };`;
  writeFileSync(join(folder, "thrower.mjs"), thrower);
});
afterAll(() => rmSync(folder, { recursive: true }));

const sim = (...args: string[]): Ended => tuntcp(["sim", ...args], { cwd: folder });

const text = (name: string): string => readFileSync(join(folder, name), "utf8");

test("one run prints its seed, a table of flows and one of links, and its digest, the same each time", () => {
  const one = sim("small.json", "--seed", "42");
  expect(one).toMatchObject({ code: 0, err: "" });
  expect(one.out).toMatch(/^small {3}seed 42 {3}1 s of virtual time$/m);
  expect(one.out).toMatch(/^flow1 +a > b +cubic +[\d.]+ Mbit\/s .* running$/m);
  expect(one.out).toMatch(/^a>b +\d+ /m);
  expect(one.out).toMatch(/^digest [0-9a-f]{64}$/m);
  expect(sim("small.json", "--seed", "42").out).toBe(one.out);
  expect(sim("small.json", "--seed", "43").out).not.toContain(/^digest .*$/m.exec(one.out)![0]);
});

test("duration, parameters and settings of the command line are stronger than the scenario's", () => {
  const given = ["--duration", "0.5", "--param", "control=reno", "--set", "tcp_timestamps=0"];
  const { out } = sim("small.json", ...given, "--json");
  const { runs } = JSON.parse(out) as { runs: SimRun[] };
  expect(runs[0]).toMatchObject({ duration: 500, parameters: { loss: "1%", control: "reno" } });
  expect(runs[0]!.flows[0]!.congestionControl).toBe("reno");
  expect(runs[0]!.flows[0]!.series.t.length).toBeGreaterThan(40);
  expect(runs[0]!.digest).not.toBe(
    (JSON.parse(sim("small.json", ...given.slice(0, 4), "--json").out) as { runs: SimRun[] })
      .runs[0]!.digest,
  );
});

test("a congestion control of one's own is found from the working directory, or from the scenario's folder", () => {
  writeFileSync(
    join(folder, "still.ts"),
    `export default class Still {
       readonly name = "still"; readonly ssthresh = 1e9; cwnd: number;
       constructor({ mss }: { mss: number }) { this.cwnd = 2 * mss; }
       onAck() {} onLoss() {} onTimeout() {}
     }`,
  );
  const { out } = sim(
    "small.json",
    "--set",
    "tcp_congestion_control=./still.ts",
    "--param",
    "loss=0",
  );
  expect(out).toMatch(/^flow1 +a > b +still +[89]\d\d\.\d kbit\/s/m);
  const inScenario = sim(
    join(folder, "small.json"),
    "--param",
    "control=./still.ts",
    "--param",
    "loss=0",
  );
  expect(inScenario.out).toMatch(/^flow1 +a > b +still +[89]\d\d\.\d kbit\/s/m);
});

const SWEEP = [
  "--sweep",
  "loss=0,1%,5%",
  "--sweep",
  "control=cubic,reno",
  "--replicates",
  "3",
  "--seed",
  "7",
];

test("results do not depend on how many threads or shards make them: 1, 2 and 5 give the same bytes", () => {
  expect(sim("small.json", ...SWEEP, "--jobs", "1", "--out", "whole.json").err).toBe("");
  const whole = text("whole.json");
  const { runs } = JSON.parse(whole) as { runs: SimRun[] };
  expect(runs).toHaveLength(18);
  expect(new Set(runs.map((r) => r.digest)).size).toBeGreaterThan(14);
  sim("small.json", ...SWEEP, "--jobs", "3", "--out", "threads.json");
  expect(text("threads.json")).toBe(whole);
  for (const shards of [2, 5]) {
    const names = Array.from({ length: shards }, (_, i) => `part${i + 1}of${shards}.json`);
    names.forEach((name, i) => {
      const shard = `${i + 1}/${shards}`;
      sim("small.json", ...SWEEP, "--shard", shard, "--jobs", "1", "--out", name);
    });
    const merged = sim("merge", ...names.toReversed(), "--out", "merged.json");
    expect(merged).toMatchObject({ code: 0, err: "" });
    expect(text("merged.json")).toBe(whole);
    expect(sim("merge", ...names.slice(1))).toMatchObject({
      code: 2,
      err: `tuntcp: shard 1/${shards} is missing\n`,
    });
  }
  expect(sim("merge", "whole.json").out).toBe(sim("small.json", ...SWEEP).out);
});

test("a sweep's table has a part for each combination, with intervals over its replicates; CSV has every figure", () => {
  const { out } = sim("small.json", ...SWEEP, "--csv", "all.csv");
  for (const loss of ["0", "1%", "5%"]) {
    for (const control of ["cubic", "reno"])
      expect(out).toContain(`loss=${loss}  control=${control}`);
  }
  expect(out.match(/^flow1 .* ± .* Mbit\/s/gm)).toHaveLength(6);
  expect(out).toContain("mean ± half of the 95 % confidence interval over 3 replicates");
  const lines = text("all.csv").trimEnd().split("\n");
  expect(lines[0]).toBe("seed,replicate,loss,control,what,name,figure,value,unit");
  expect(lines).toContainEqual(
    expect.stringMatching(/^9,2,5%,reno,flow,flow1,goodput,[\d.]+,bit\/s$/),
  );
  // 18 runs, of the flow's ten figures three are of requests; 15 of each of two links
  expect(lines).toHaveLength(1 + 18 * (7 + 2 * 15));
});

test("a capture has every packet as its receiver saw it, with checksums that hold", () => {
  expect(sim("small.json", "--capture", "run.pcapng").err).toBe("");
  const trace = tuntcp(["trace", "run.pcapng", "--json"], { cwd: folder });
  const piped = spawnSync(process.execPath, [COMMAND, "sim", "small.json", "--capture", "-"], {
    cwd: folder,
    maxBuffer: 1 << 28,
  });
  expect(piped.stdout.equals(readFileSync(join(folder, "run.pcapng")))).toBe(true);
  const [ladder] = JSON.parse(trace.out) as { left: string; right: string }[];
  expect(ladder).toMatchObject({ right: "10.0.0.2:5001" });
  const two = sim("small.json", "--capture", "x.pcapng", "--replicates", "2");
  expect(two).toMatchObject({ code: 2, out: "" });
  expect(two.err).toBe("tuntcp: --capture: is for a single run, and these are 2\n");
});

test.each([
  ["none.ts", "none.ts: there is no such file"],
  ["small.json --param los=1", 'small.json: parameters.los: is not known; did you mean "loss"?'],
  [
    "small.json --param loss=much",
    'small.json: links[0].loss: expected a value such as 1%, found "much"',
  ],
  [
    "small.json --sweep loss=0,much",
    'small.json: links[0].loss: expected a value such as 1%, found "much"',
  ],
  ["small.json --sweep loss", "--sweep loss: expected name=value"],
  ["small.json --sweep loss=1,,2", "--sweep loss=1,,2: expected name=a,b,c"],
  ["small.json --sweep loss=1 --sweep loss=2", "--sweep loss: is given twice"],
  ["small.json --seed -1", "--seed -1: a whole number from 0 to 9007199254740990"],
  ["small.json --duration 0", "--duration 0: seconds, such as 30 or 0.5"],
  ["small.json --replicates 0", "--replicates 0: a whole number from 1 to 10000000"],
  ["small.json --shard 3/2", "--shard 3/2: expected i/n, such as 1/4, the first of four"],
  ["small.json --set tcp_sak=1", '--set no setting "tcp_sak"; did you mean tcp_sack?'],
  ["small.json --set tcp_congestion_control=./none.ts", "none.ts: there is no such file"],
  ["small.json --out /nowhere/at/all.json", "--out /nowhere/at/all.json: ENOENT"],
  ["small.json --sweep loss=1%,0,1%", "--sweep loss=1%,0,1%: has 1% twice"],
  ["small.json --sweep loss=0,1% --param loss=0", "--param loss: is given by --sweep as well"],
  ["small.json --shard 2/2 --capture x.pcapng", "--capture: is for a single run, and these are 0"],
  ["small.json --shard 2/2 --svg x.svg", "--svg: there is no run to draw"],
  [
    "small.json small.json",
    "too many arguments for 'sim'. Expected 1 argument but got 2; see tuntcp",
  ],
  ["small.json --out - --csv -", "--out and --csv: standard output takes one of them"],
  ["small.json --capture - --json", "--capture and --json: standard output takes one of them"],
  ["list.json", "list.json: expected an object, found []"],
  ["thrower.mjs", "thrower.mjs: build: no more of this"],
  ["apart.json", 'apart.json: flows[0].to: no way leads from "a" to "d"; only what routers names'],
  ["ports.json", "ports.json: flow flow2: EADDRINUSE: 0.0.0.0:5001 has a listener already"],
  ["merge damaged.json", "damaged.json: is damaged: something is missing in it"],
  ["merge small.json", "small.json: expected results that tuntcp sim --out wrote"],
  ["merge none.json", "none.json: cannot be read (ENOENT)"],
])("tuntcp sim %s ends with one line", (args, line) => {
  const { code, err } = sim(...args.split(" "));
  expect(err).toContain(line);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
  expect(code).toBeGreaterThan(0);
});

test("shards of different experiments are not put together", () => {
  sim("small.json", "--replicates", "2", "--shard", "1/2", "--out", "one.json");
  sim("small.json", "--replicates", "2", "--seed", "5", "--shard", "2/2", "--out", "two.json");
  expect(sim("merge", "one.json", "two.json").err).toBe(
    "tuntcp: two.json: is of another experiment than one.json\n",
  );
  expect(sim("merge", "one.json", "one.json").err).toBe(
    "tuntcp: one.json: has the same runs as one.json (1/2)\n",
  );
});
