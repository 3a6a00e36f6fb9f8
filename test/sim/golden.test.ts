/**
 * The packets of the examples, to the bit: they all run, and their digests are those of golden.json, on this Node and, in the
 * gate, on newer ones. Where TCP is meant to behave differently from now on: GOLDEN=write npx vitest run test/sim/golden.test.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { SimRun } from "../../src/sim/index.ts";
import { tuntcp } from "../support/command.ts";
import { FULL } from "../support/full.ts";
import { NEWER_NODES, withNode } from "../support/newer-node.ts";

const FOLDER = fileURLToPath(new URL("../../examples/scenarios", import.meta.url));
const FILE = fileURLToPath(new URL("golden.json", import.meta.url));
const EXAMPLES = readdirSync(FOLDER).toSorted();
const WRITE = process.env["GOLDEN"] === "write";

const golden = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, string>;

function run(node: string, example: string): SimRun {
  const args = ["sim", join(FOLDER, example), "--duration", "8", "--json"];
  const { out, err } = tuntcp(args, { node });
  expect(err).toBe("");
  return (JSON.parse(out) as { runs: SimRun[] }).runs[0]!;
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

// in the gate alone: those Nodes are fetched over the network
describe.skipIf(!FULL)("on newer Nodes", () => {
  test.each(NEWER_NODES)(
    "Node %s sends the same packets",
    (version) => {
      withNode(version, (node) => {
        for (const example of EXAMPLES) expect(run(node, example).digest).toBe(golden[example]);
      });
    },
    300_000,
  );
});
