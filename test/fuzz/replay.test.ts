/** A run is the same wherever and whenever it is repeated. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { createTarget, type TargetName, TARGETS } from "../../src/fuzz/index.ts";
import { FULL } from "../support/full.ts";

const COMMAND = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** Newer Nodes, as the npm registry has them. */
const NODES = ["24.21.0", "26.10.0"];
const folder = mkdtempSync(join(tmpdir(), "tuntcp-replay-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file such as a finding is, of a random input; and the hash of its trace here. */
function kept(target: TargetName, seed: number): { file: string; hash: string } {
  const t = createTarget(target);
  const out = new Uint8Array(t.maxLength);
  const data = out.slice(0, t.generate(seededRng(seed), out));
  const { hash } = t.run(data, { trace: true });
  const file = join(folder, `${target}-${seed}.json`);
  writeFileSync(
    file,
    JSON.stringify({ version: 1, target, data: Buffer.from(data).toString("base64"), hash }),
  );
  return { file, hash };
}

function replayed(node: string, file: string): unknown {
  const { stdout, stderr, status } = spawnSync(
    node,
    [COMMAND, "fuzz", "--replay", file, "--json"],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

const INPUTS = TARGETS.flatMap((target) =>
  [1, 2, 3].map((seed) => ({ target, ...kept(target, seed) })),
);

test("runs in this process and by the command have the same trace, and different inputs different ones", () => {
  for (const { target, file, hash } of INPUTS.filter((_, i) => i % 3 === 0)) {
    expect(replayed(process.execPath, file)).toEqual({ target, violation: null, hash, same: true });
  }
  expect(new Set(INPUTS.map(({ hash }) => hash)).size).toBe(INPUTS.length);
});

describe.skipIf(!FULL)("on newer Nodes", () => {
  test.each(NODES)(
    "Node %s gives the same traces",
    (version) => {
      const place = mkdtempSync(join(tmpdir(), "tuntcp-node-"));
      try {
        writeFileSync(join(place, "package.json"), "{}");
        const spec = `node@npm:node-linux-${process.arch}@${version}`;
        execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", place, spec]);
        const node = join(place, "node_modules", "node", "bin", "node");
        for (const { target, file, hash } of INPUTS)
          expect(replayed(node, file)).toEqual({ target, violation: null, hash, same: true });
      } finally {
        rmSync(place, { recursive: true });
      }
    },
    300_000,
  );
});
