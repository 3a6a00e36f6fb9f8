/**
 * The packets of the examples, to the bit: they all run, and their digests are those of golden.json, on this Node and, in the
 * gate, on newer ones. Where TCP is meant to behave differently from now on: GOLDEN=write npx vitest run test/sim/golden.test.ts
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { SimRun } from "../../src/sim/index.ts";
import { FULL } from "../support/full.ts";

const COMMAND = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const FOLDER = fileURLToPath(new URL("../../examples/scenarios", import.meta.url));
const FILE = fileURLToPath(new URL("golden.json", import.meta.url));
/** Newer Nodes, as the npm registry has them. */
const NODES = ["24.21.0", "26.10.0"];
const EXAMPLES = readdirSync(FOLDER).toSorted();
const WRITE = process.env["GOLDEN"] === "write";

const golden = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, string>;

function run(node: string, example: string): SimRun {
  const args = [COMMAND, "sim", join(FOLDER, example), "--duration", "8", "--json"];
  const { stdout, stderr } = spawnSync(node, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  expect(stderr).toBe("");
  return (JSON.parse(stdout) as { runs: SimRun[] }).runs[0]!;
}

test("there are examples, and a digest of each", () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(6);
  if (!WRITE) expect(Object.keys(golden).toSorted()).toEqual(EXAMPLES);
});

test.each(EXAMPLES)(
  "%s runs, every flow gets bytes through, and its packets are the known ones",
  (example) => {
    const { flows, digest } = run(process.execPath, example);
    for (const flow of flows) {
      expect(flow.outcome).toMatch(/^(?:done|running|not started)$/);
      if (flow.outcome !== "not started") expect(flow.bytes).toBeGreaterThan(10_000);
    }
    if (WRITE) golden[example] = digest;
    else expect(digest).toBe(golden[example]);
  },
);

afterAll(() => {
  if (!WRITE) return;
  const sorted = Object.fromEntries(EXAMPLES.map((example) => [example, golden[example]]));
  writeFileSync(FILE, `${JSON.stringify(sorted, null, 2)}\n`);
});

describe.skipIf(!FULL)("on newer Nodes", () => {
  test.each(NODES)(
    "Node %s sends the same packets",
    (version) => {
      const folder = mkdtempSync(join(tmpdir(), "tuntcp-node-"));
      try {
        writeFileSync(join(folder, "package.json"), "{}");
        const spec = `node@npm:node-linux-${process.arch}@${version}`;
        execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, spec]);
        const node = join(folder, "node_modules", "node", "bin", "node");
        for (const example of EXAMPLES) expect(run(node, example).digest).toBe(golden[example]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    300_000,
  );
});
