/**
 * Campaigns on a board: with a real NATS server and in a shared folder, with workers that are killed, that come late, and a broker that
 * dies. The result is each time the one that a single worker comes to.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parsePlace } from "../../../src/tools/fuzz/campaign/address.ts";
import { digestOf } from "../../../src/tools/fuzz/campaign/board.ts";
import { takePart } from "../../../src/tools/fuzz/campaign/campaign.ts";
import { openBoard } from "../../../src/tools/fuzz/campaign/index.ts";
import { type CampaignResult, Merged } from "../../../src/tools/fuzz/campaign/merge.ts";
import { loadPackages } from "../../../src/tools/fuzz/campaign/nats.ts";
import { jobsOf, roundsOf, type Specification } from "../../../src/tools/fuzz/campaign/work.ts";
import { COMMAND, requireBuild } from "../../support/command.ts";
import { FULL } from "../../support/full.ts";
import { hasNats, NatsServer } from "./support/nats.ts";
import { beginToy } from "./support/toy.mjs";

const CHILD = fileURLToPath(new URL("support/campaign-child.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tuntcp-campaign-"));
const missing = hasNats() ? null : "no nats-server";
if (missing !== null) console.log(`${missing}: campaigns over a broker are not tried`);

const SPECIFICATION: Specification = {
  format: 1,
  target: "toy",
  seed: 7,
  runs: 230,
  each: 20,
  jobs: 4,
  options: {},
  code: "c0de",
};
/** ms of each execution in workers that are to be met at work. */
const PACE = 5;

let serial = 0;
function freshFolder(): string {
  return join(folder, `board-${serial++}`);
}

async function alone(
  place: string,
  specification: Specification | null,
  code = "c0de",
): Promise<CampaignResult | null> {
  const board = await openBoard(place, { lostAfter: 1500, say: () => {} });
  const { signal } = new AbortController();
  const begin = (s: Specification, job: Parameters<typeof beginToy>[1]) => beginToy(s, job, 0);
  try {
    return await takePart({ board, specification, code, begin, signal });
  } finally {
    await board.close();
  }
}

/** A worker that can be killed. */
class Child {
  said = "";
  private readonly process: ChildProcess;
  private readonly ended: Promise<unknown>;
  private heard: () => void = () => {};

  constructor(place: string, pace: number) {
    const args = [CHILD, place, JSON.stringify(SPECIFICATION), String(pace)];
    this.process = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const hear = (chunk: unknown): void => {
      this.said += String(chunk);
      this.heard();
    };
    this.process.stdout!.on("data", hear);
    this.process.stderr!.on("data", hear);
    this.ended = once(this.process, "close").then(() => this.heard());
  }

  get over(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async says(what: string): Promise<void> {
    while (!this.said.includes(what)) {
      if (this.over) throw new Error(`ended without "${what}": ${this.said}`);
      await new Promise<void>((resolve) => (this.heard = resolve));
    }
  }

  async result(): Promise<CampaignResult> {
    await this.ended;
    const line = this.said.split("\n").find((l) => l.startsWith("result "));
    if (line === undefined) throw new Error(`no result: ${this.said}`);
    return JSON.parse(line.slice("result ".length)) as CampaignResult;
  }

  async kill(): Promise<void> {
    if (!this.over) this.process.kill("SIGKILL");
    await this.ended;
  }
}

const children: Child[] = [];
function start(place: string, pace: number = PACE): Child {
  const child = new Child(place, pace);
  children.push(child);
  return child;
}

let expected: CampaignResult;
beforeAll(async () => {
  expected = (await alone(freshFolder(), SPECIFICATION))!;
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("one worker does every job, and counts what was found twice once", () => {
  expect([roundsOf(SPECIFICATION), jobsOf(SPECIFICATION, 2)]).toEqual([3, 4]);
  expect(expected.rounds).toBe(3);
  expect(expected.executions).toBe(230);
  expect(expected.corpus.length).toBeGreaterThan(20);
  expect(expected.features).toBeGreaterThan(expected.corpus.length);
  const digest = digestOf(Uint8Array.of(7, 7));
  expect(expected.findings).toEqual([{ digest, what: "7 before 7" }]);
});

test("the result is a function of the specification", async () => {
  const again = await alone(freshFolder(), SPECIFICATION);
  expect(again).toEqual(expected);
  const other = await alone(freshFolder(), { ...SPECIFICATION, seed: 8 });
  expect(other!.digest).not.toBe(expected.digest);
});

test("outcomes count by the number of their job: an input whose features another job reached first is left out", () => {
  const merged = new Merged();
  merged.addRound([
    { executions: 1, inputs: [{ digest: "a", features: [1, 2] }], findings: [] },
    {
      executions: 1,
      inputs: [
        { digest: "b", features: [2] },
        { digest: "c", features: [2, 3] },
      ],
      findings: [{ digest: "x", what: "late" }],
    },
  ]);
  expect(merged.result()).toMatchObject({ corpus: ["a", "c"], features: 3, executions: 2 });
});

test("a place is a broker or a folder, and a wrong one is named without its password", () => {
  expect(parsePlace("nats://me:s%40cret@example/run-1")).toEqual({
    kind: "nats",
    address: {
      shown: "nats://example:4222/run-1",
      server: "example:4222",
      name: "run-1",
      user: "me",
      pass: "s@cret",
      tls: false,
    },
  });
  expect(parsePlace("tls://example:7")).toMatchObject({ address: { name: "fuzz", tls: true } });
  expect(parsePlace("../shared")).toEqual({ kind: "folder", path: "../shared" });
  for (const wrong of ["redis://me:secret@example", "nats://", "nats://example/a/b", ""]) {
    expect(() => parsePlace(wrong), wrong).toThrow(/^--campaign(?!.*secret).*: /);
  }
});

test("without the packages one line says what to install", async () => {
  const missed = Object.assign(new Error("not here"), { code: "ERR_MODULE_NOT_FOUND" });
  await expect(loadPackages(() => Promise.reject(missed))).rejects.toThrow(
    /^--campaign nats:.* needs two packages.*npm install @nats-io\/transport-node@3\.3\.1/,
  );
});

test("without a broker one line says so", async () => {
  await expect(alone("nats://127.0.0.1:1/x", SPECIFICATION)).rejects.toThrow(
    /^--campaign nats:\/\/127\.0\.0\.1:1\/x: no NATS server to work with \(.*\)$/,
  );
});

test("a folder that cannot be made is one line", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  await expect(alone(join(file, "x"), SPECIFICATION)).rejects.toThrow(
    /: the folder cannot be made \(ENOTDIR\)$/,
  );
});

test("a worker without a specification needs a campaign to join", async () => {
  await expect(alone(freshFolder(), null)).rejects.toThrow("there is no campaign yet");
});

test("an input that is not what its name says stops the worker that reads it", async () => {
  const place = freshFolder();
  const ending = new AbortController();
  const board = await openBoard(place, { lostAfter: 1500, say: () => {} });
  await takePart({
    board,
    specification: SPECIFICATION,
    code: "c0de",
    begin: (s, job) => beginToy(s, job, 0),
    signal: ending.signal,
    onProgress: ({ round, done }) => {
      if (round === 0 && done === 4) ending.abort();
    },
  });
  for (const name of readdirSync(join(place, "inputs")))
    writeFileSync(join(place, "inputs", name), "other");
  await expect(alone(place, null)).rejects.toThrow("is not what its name says");
});

const places: [string, boolean][] = [
  ["a shared folder", false],
  ["a broker", true],
];
describe.each(places)("in %s", (_name, overBroker) => {
  let server: NatsServer | null = null;
  beforeAll(async () => {
    if (overBroker && missing === null) server = await NatsServer.start();
  });
  afterAll(async () => {
    await server?.stop();
  });
  const place = (): string =>
    overBroker ? `nats://${server!.server}/run-${serial++}` : freshFolder();
  // a real nats-server, started by the tests; without it what a broker does cannot be seen
  const tried = overBroker && missing !== null ? test.skip : test;

  tried("several workers come to the result of one", async () => {
    const at = place();
    const workers = [start(at), start(at), start(at)];
    for (const worker of workers) expect(await worker.result()).toEqual(expected);
    const begun = workers.flatMap(({ said }) => said.match(/begins \d+\.\d+/g) ?? []);
    expect(new Set(begun).size).toBe(12);
    expect(workers.filter(({ said }) => said.includes("begins")).length).toBeGreaterThan(1);
  });

  tried("a worker that is killed, and one that comes late, change nothing", async () => {
    const at = place();
    const first = start(at, 40);
    await first.says("begins 0.");
    await first.kill();
    const second = start(at);
    await second.says("begins 1.");
    const late = start(at);
    expect(await second.result()).toEqual(expected);
    expect(await late.result()).toEqual(expected);
    // whoever comes when all is over, and brings no specification, is told
    expect(await alone(at, null)).toEqual(expected);
  });

  tried("another specification, or other code, is refused", async () => {
    const at = place();
    await alone(at, SPECIFICATION);
    await expect(alone(at, { ...SPECIFICATION, seed: 8 })).rejects.toThrow(
      /another campaign stands there: \{.*"seed":7/,
    );
    await expect(alone(at, null, "other")).rejects.toThrow("use the same build for all");
  });

  tried("a worker that is ended gives its job back at once", async () => {
    const at = place();
    const ending = new AbortController();
    const board = await openBoard(at, { lostAfter: 60_000, say: () => {} });
    const begin = (s: Specification, job: Parameters<typeof beginToy>[1]) => {
      ending.abort();
      return beginToy(s, job, 1);
    };
    const { signal } = ending;
    const options = { board, specification: SPECIFICATION, code: "c0de", begin, signal };
    expect(await takePart(options)).toBeNull();
    await board.close();
    expect(await alone(at, SPECIFICATION)).toEqual(expected);
  });
});

test.skipIf(missing !== null)(
  "a broker that dies under the workers and comes back changes nothing",
  async () => {
    const server = await NatsServer.start();
    try {
      const at = `nats://${server.server}/dies`;
      const workers = [start(at, 15), start(at, 15)];
      await Promise.all(workers.map((worker) => worker.says("begins 0.")));
      await server.restart();
      for (const worker of workers) {
        expect(await worker.result()).toEqual(expected);
        expect(worker.said).toContain("is away; waiting for it");
        expect(worker.said).toContain("is back");
      }
    } finally {
      await server.stop();
    }
  },
);

/** As a user does it: the command, and what is really fuzzed. */
async function command(...args: string[]): Promise<{ code: number; out: string; wrong: string }> {
  const child = spawn(process.execPath, [COMMAND, "fuzz", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let wrong = "";
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  child.stderr.on("data", (chunk) => (wrong += String(chunk)));
  const [code] = (await once(child, "close")) as [number];
  return { code, out, wrong };
}

test("tuntcp fuzz --campaign comes to the same result alone and together, and joins without a target", async () => {
  requireBuild();
  const asked = ["connection", "--runs", FULL ? "4000" : "300", "--seed", "3", "--json"];
  const [one, other] = [freshFolder(), freshFolder()];
  const single = await command(...asked, "--campaign", one);
  expect(single).toMatchObject({ code: 0 });
  const pair = await Promise.all([
    command(...asked, "--campaign", other),
    command(...asked, "--campaign", other),
  ]);
  for (const worker of pair) expect(JSON.parse(worker.out)).toEqual(JSON.parse(single.out));
  expect(JSON.parse(single.out)).toMatchObject({ executions: FULL ? 4000 : 300, findings: [] });
  const late = await command("--json", "--campaign", other);
  expect(late.out).toBe(single.out);
  const wrong = await command("stack", "--campaign", other);
  expect(wrong.code).toBe(1);
  expect(wrong.wrong).toMatch(/^tuntcp: --campaign .* another campaign stands there: .*\n$/);
});

test("a folder holds inputs and findings by their SHA-256, as libFuzzer names them", async () => {
  const at = freshFolder();
  await alone(at, SPECIFICATION);
  for (const kind of ["inputs", "findings"]) {
    const names = readdirSync(join(at, kind));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(digestOf(readFileSync(join(at, kind, name)))).toBe(name);
  }
  expect(readdirSync(join(at, "claims"))).toEqual([]);
  expect(readdirSync(join(at, "tmp"))).toEqual([]);
});
