/**
 * Sweeps through a queue, with a real broker and real workers that are killed: the same bytes as without a queue, nothing lost,
 * nothing counted twice. Skipped where there is no redis-server.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CommandFailure } from "../../../src/cli/failure.ts";
import { registerSim } from "../../../src/cli/sim.ts";
import type { SimRun } from "../../../src/sim/index.ts";
import type { Job } from "../../../src/tools/sim/job.ts";
import { jobId, loadPackages, parseAddress } from "../../../src/tools/sim/queue/broker.ts";
import {
  layOut,
  openParcel,
  packScenario,
  type Parcel,
} from "../../../src/tools/sim/queue/parcel.ts";
import { work } from "../../../src/tools/sim/queue/work.ts";
import { fullDigest, loadScenario } from "../../../src/tools/sim/scenario-file.ts";
import { COMMAND } from "../../support/command.ts";
import { FULL } from "../../support/full.ts";
import { Broker, hasRedis } from "./support/redis.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-queue-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A scenario of two files, as the user's are. */
put("one/links.ts", `export const RATE: string = "20mbit";\n`);
const LOSSY = put(
  "one/scenarios/lossy.ts",
  `import { RATE } from "../links.ts";
   export default {
     duration: "2s",
     parameters: { queue: 20, loss: 0.01 },
     links: [{ from: "a", to: "b", rate: RATE, delay: "10ms", loss: "$loss", queue: "$queue" }],
     flows: [{ from: "a", to: "b" }],
   };\n`,
);

const job: Job = {
  code: "c0de",
  scenario: "5ce9a",
  parameters: { a: 1, b: "x" },
  settings: {},
  duration: null,
  replicate: 0,
  seed: 7,
  series: false,
};

test("the id of a job is the same for equal jobs, whatever the order of names, and else another", () => {
  const id = jobId(job);
  expect(id).toMatch(/^[\da-f]{64}$/);
  expect(jobId({ ...job, parameters: { b: "x", a: 1 } })).toBe(id);
  const others: Job[] = [
    { ...job, code: "c0df" },
    { ...job, scenario: "x" },
    { ...job, parameters: { a: 2, b: "x" } },
    { ...job, settings: { tcp_sack: 0 } },
    { ...job, duration: 5 },
    { ...job, replicate: 1 },
    { ...job, seed: 8 },
    { ...job, series: true },
  ];
  expect(new Set([id, ...others.map(jobId)]).size).toBe(9);
});

test("an address is read, shown without its password, and a wrong one is named", () => {
  const { shown, options } = parseAddress("redis://me:s%40cret@example:7000/3");
  expect(shown).toBe("redis://example:7000/3");
  expect(options).toMatchObject({ host: "example", port: 7000, db: 3, password: "s@cret" });
  expect(parseAddress("redis://[::1]").options).toMatchObject({ host: "::1", port: 6379, db: 0 });
  for (const wrong of ["example:1", "http://example/0", "redis://example/zero", "redis:///1", ""]) {
    expect(() => parseAddress(wrong), wrong).toThrow(/^--queue .*: /);
  }
  expect(() => parseAddress("http://me:secret@example")).toThrow("http://me:***@example");
});

test("without the packages one line says what to install", async () => {
  const missing = Object.assign(new Error("not here"), { code: "ERR_MODULE_NOT_FOUND" });
  await expect(loadPackages(() => Promise.reject(missing))).rejects.toThrow(
    /^--queue needs two packages.*npm install bullmq@6\.7\.0 ioredis@6\.0\.0$/,
  );
});

test("a scenario is sent with all it imports", () => {
  const scenario = { file: LOSSY, input: {}, digest: "" };
  const parcel = JSON.parse(JSON.stringify(packScenario(scenario, []))) as Parcel;
  expect(parcel.entry).toBe("scenarios/lossy.ts");
  expect(parcel.files.map(({ path }) => path)).toEqual(["scenarios/lossy.ts", "links.ts"]);
  const there = join(folder, "there");
  layOut(parcel, there);
  for (const name of ["scenarios/lossy.ts", "links.ts"]) {
    expect(readFileSync(join(there, name), "utf8")).toBe(
      readFileSync(join(folder, "one", name), "utf8"),
    );
  }
  const again = { file: join(there, "scenarios/lossy.ts"), input: {}, digest: "" };
  expect(fullDigest(again, ["../links.ts"])).toBe(fullDigest(scenario, ["../links.ts"]));
});

test("a scenario is opened only if it is what the job names", async () => {
  const scenario = await loadScenario(put("plain/x.json", `{ "duration": "1s" }`));
  const parcel = packScenario(scenario, []);
  const there = join(folder, "plain-there");
  layOut(parcel, there);
  expect((await openParcel(parcel, there, scenario.digest)).input).toEqual({ duration: "1s" });
  writeFileSync(join(there, "x.json"), `{ "duration": "2s" }`);
  await expect(openParcel(parcel, there, scenario.digest)).rejects.toThrow(
    "x.json: is not the scenario that the job names",
  );
});

test.each(["../x.js", "/etc/x.js", "a/../../x.js", "a\\..\\x.js", ""])(
  "a parcel with the path %j writes nothing outside of its folder",
  (path) => {
    const parcel = { format: 1, entry: path, files: [{ path, text: "" }], modules: [], places: {} };
    expect(() => layOut(parcel as Parcel, join(folder, "jail"))).toThrow("is no path inside");
  },
);

const broken = hasRedis() ? null : "no redis-server";
if (broken !== null) console.log(`${broken}: sweeps through a queue are not tried`);

// a real redis-server, started by the tests; without it what a broker does cannot be seen
describe.skipIf(broken !== null)("with a broker", () => {
  let broker: Broker;
  const children: Child[] = [];

  beforeAll(async () => {
    broker = await Broker.start();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.kill("SIGKILL");
    await broker.client.flushdb();
  });
  afterAll(() => broker.stop());

  class Child {
    out = "";
    err = "";
    readonly exit: Promise<number | null>;
    private readonly process: ChildProcess;

    constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
      this.process = spawn(process.execPath, [COMMAND, "sim", ...args], {
        stdio: ["ignore", "pipe", "pipe"],
        cwd: folder,
        env: { ...process.env, ...env },
      });
      this.process.stdout!.on("data", (chunk) => (this.out += String(chunk)));
      this.process.stderr!.on("data", (chunk) => (this.err += String(chunk)));
      this.exit = once(this.process, "close").then(([code]) => code as number | null);
      children.push(this);
    }

    async kill(signal: NodeJS.Signals): Promise<number | null> {
      this.process.kill(signal);
      return this.exit;
    }

    says(what: string): Promise<void> {
      return until(() => expect(this.err).toContain(what));
    }
  }

  function until(check: () => unknown): Promise<void> {
    return vi.waitFor(async () => void (await check()), { timeout: 30_000, interval: 20 });
  }

  const worker = (...args: string[]): Child =>
    new Child(["worker", "--queue", broker.url, "--lost-after", "1", ...args]);
  const sweep = (...args: string[]): Child => new Child([LOSSY, ...args]);
  const queued = (...args: string[]): Child => sweep("--queue", broker.url, ...args);

  async function results(): Promise<SimRun[]> {
    const keys = await broker.client.keys("tuntcp-sim:result:*");
    const packed = await Promise.all(keys.map((key) => broker.client.getBuffer(key)));
    return packed.map((p) => JSON.parse(gunzipSync(p!).toString("utf8")) as SimRun);
  }

  test("the output is byte for byte that of a run without a queue, and what is known is not run again", async () => {
    const args = ["--sweep", "queue=10,40", "--replicates", "2", "--series"];
    const local = sweep(...args, "--out", join(folder, "local.json"));
    const first = worker("--concurrency", "2");
    const far = queued(...args, "--out", join(folder, "far.json"));
    expect([await far.exit, await local.exit]).toEqual([0, 0]);
    expect(far.out).toBe(local.out);
    const [a, b] = ["local.json", "far.json"].map((name) => readFileSync(join(folder, name)));
    expect(b!.length).toBeGreaterThan(10_000);
    expect(b!.equals(a!)).toBe(true);
    expect(await results()).toHaveLength(4);
    expect(await first.kill("SIGTERM")).toBe(0);
    // nobody works any more, and more is asked for than before
    const again = queued(...args, "--csv", "-");
    expect(await again.exit).toBe(0);
    expect(again.err).toBe("");
  });

  test("a congestion control of the user's goes along, by a relative and by an absolute path", async () => {
    const control = put(
      "one/mine.ts",
      `import { STEP } from "./step.ts";
       export default class {
         name: string = "mine"; cwnd: number; ssthresh: number; mss: number;
         constructor(o: { cwnd: number; ssthresh: number; mss: number }) {
           this.cwnd = o.cwnd; this.ssthresh = o.ssthresh; this.mss = o.mss;
         }
         onAck(): void { this.cwnd += STEP; }
         onLoss(flight: number): void { this.ssthresh = this.cwnd = Math.max(flight >> 1, 2 * this.mss); }
         onTimeout(flight: number): void { this.onLoss(flight); }
       }\n`,
    );
    put("one/step.ts", `export const STEP: number = 7;\n`);
    const mixed = put(
      "one/scenarios/mixed.json",
      JSON.stringify({
        duration: "1s",
        links: [{ from: "a", to: "b", rate: "20mbit", delay: "5ms", loss: "1%" }],
        flows: [
          { from: "a", to: "b", congestionControl: "../mine.ts" },
          { from: "b", to: "a" },
        ],
      }),
    );
    const args = [mixed, "--set", `tcp_congestion_control=${control}`, "--json"];
    const local = new Child(args);
    worker("--concurrency", "1");
    const far = new Child([...args, "--queue", broker.url]);
    const codes = [await local.exit, await far.exit];
    expect(far.err).toBe(local.err);
    expect(codes).toEqual([0, 0]);
    expect(far.out).toBe(local.out);
    const { runs } = JSON.parse(far.out) as { runs: SimRun[] };
    expect(runs[0]!.flows.map((flow) => flow.congestionControl)).toEqual(["mine", "mine"]);
  });

  test("killed workers and a broker that dies in the middle lose nothing and count nothing twice", async () => {
    const count = FULL ? 400 : 40;
    const args = ["--sweep", "queue=10,40", "--replicates", String(count / 2)];
    const [first, second] = [worker("--concurrency", "1"), worker("--concurrency", "1")];
    await Promise.all([first.says("works tuntcp-sim"), second.says("works tuntcp-sim")]);
    const far = queued(...args, "--out", join(folder, "killed.json"));
    const atLeast = (share: number): Promise<void> =>
      until(async () => expect((await results()).length).toBeGreaterThanOrEqual(share * count));
    await atLeast(0.1);
    await first.kill("SIGKILL");
    await atLeast(0.3);
    await broker.restart();
    await second.kill("SIGKILL");
    const third = worker("--concurrency", "2");
    expect(await far.exit).toBe(0);
    const local = sweep(...args, "--out", join(folder, "whole.json"));
    expect(await local.exit).toBe(0);
    const [a, b] = ["whole.json", "killed.json"].map((name) => readFileSync(join(folder, name)));
    expect(b!.equals(a!)).toBe(true);
    expect(far.out).toBe(local.out);
    const digests = (await results()).map((run) => `${run.seed} ${JSON.stringify(run.parameters)}`);
    expect(digests).toHaveLength(count);
    expect(new Set(digests).size).toBe(count);
    expect(await broker.client.zcard("bull:tuntcp-sim:completed")).toBe(count);
    expect(await broker.client.llen("bull:tuntcp-sim:wait")).toBe(0);
    expect(await third.kill("SIGTERM")).toBe(0);
  });

  test("a worker that is told to end gives its runs back at once", async () => {
    const long = ["--duration", "3600", "--seed", "3"];
    const first = worker("--lost-after", "600", "--concurrency", "1");
    const far = queued(...long);
    await until(async () => expect(await broker.client.llen("bull:tuntcp-sim:active")).toBe(1));
    expect(await first.kill("SIGTERM")).toBe(0);
    expect(first.err).not.toContain("failed");
    expect(await broker.client.llen("bull:tuntcp-sim:active")).toBe(0);
    const left = await Promise.all([
      broker.client.zcard("bull:tuntcp-sim:delayed"),
      broker.client.llen("bull:tuntcp-sim:wait"),
    ]);
    expect(left[0]! + left[1]!).toBe(1);
    await far.kill("SIGKILL");
  });

  test("a worker of other code refuses in one line, the submitter hears of it, and one of the right code does it", async () => {
    const said: string[] = [];
    const ending = new AbortController();
    const other = work({
      address: parseAddress(broker.url),
      queue: "tuntcp-sim",
      concurrency: 2,
      lostAfter: 1000,
      code: "feedfeedfeedfeed",
      say: (line) => said.push(line),
      signal: ending.signal,
    });
    const far = queued("--replicates", "3");
    await far.says("a worker with code feedfeedfeed refuses these runs");
    await until(() =>
      expect(said.filter((line) => line.startsWith("refuses runs"))).toHaveLength(1),
    );
    worker("--concurrency", "1");
    expect(await far.exit).toBe(0);
    ending.abort();
    await other;
    expect(far.err.trim().split("\n")).toHaveLength(1);
    expect(await results()).toHaveLength(3);
  });

  test("a run that cannot be made ends the sweep with its reason; once mended it is tried again", async () => {
    const picky = put(
      "picky.js",
      `if (process.env.PICKY !== "fine") throw new Error("this machine is not fine");
       export default { duration: "1s", links: [{ from: "a", to: "b" }], flows: [{ from: "a", to: "b", bytes: 1000 }] };\n`,
    );
    const submit = (): Child => new Child([picky, "--queue", broker.url], { PICKY: "fine" });
    const bad = worker("--concurrency", "1");
    const first = submit();
    expect(await first.exit).toBe(1);
    expect(first.err).toBe("tuntcp: picky.js: this machine is not fine\n");
    await bad.kill("SIGTERM");
    new Child(["worker", "--queue", broker.url], { PICKY: "fine" });
    const second = submit();
    expect(await second.exit).toBe(0);
  });

  test("a queue without workers is said to be one, with the command that would help", async () => {
    const far = queued("--queue-name", "quiet");
    await far.says(`start tuntcp sim worker --queue ${broker.url} --queue-name quiet`);
    await far.kill("SIGKILL");
  });
});

describe("what is wrong is one line", () => {
  async function failure(args: readonly string[]): Promise<{ exitCode: number; message: string }> {
    const program = new Command("tuntcp").enablePositionalOptions().exitOverride();
    registerSim(program);
    const error: unknown = await program
      .parseAsync(["node", "tuntcp", "sim", ...args])
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommandFailure);
    return error as CommandFailure;
  }
  const nobody = ["--queue", "redis://127.0.0.1:1/0"];

  test.each([
    [nobody, 1, "--queue redis://127.0.0.1:1/0: no Redis to work with (ECONNREFUSED)"],
    [["--queue", "nonsense"], 2, "--queue nonsense: expected redis://HOST:PORT/DB"],
    [[...nobody, "--jobs", "2"], 2, "--jobs: with --queue the workers say how many"],
    [
      [...nobody, "--queue-name", "a:b"],
      2,
      "--queue-name a:b: expected letters, digits, and . _ -",
    ],
    [[...nobody, "--capture", "x"], 2, "--capture: cannot be written by the workers of --queue"],
  ])("sim FILE %j", async (args, exitCode, message) => {
    const plain = put(
      "plain.json",
      JSON.stringify({ duration: "1s", links: [{ from: "a", to: "b" }] }),
    );
    expect(await failure([plain, ...args])).toMatchObject({ exitCode, message });
  });

  test.each([
    [[], "sim worker needs --queue redis://HOST:PORT/DB"],
    [
      ["--queue", "redis://h", "--concurrency", "0"],
      "--concurrency 0: expected a whole number from 1 on",
    ],
    [["--queue", "redis://h", "--lost-after", "soon"], "--lost-after soon: expected seconds"],
  ])("sim worker %j", async (args, message) => {
    expect(await failure(["worker", ...args])).toMatchObject({ exitCode: 2, message });
  });
});
