/** A run is the same wherever and whenever it is repeated. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { createTarget, type TargetName, TARGETS } from "../../src/fuzz/index.ts";
import { tuntcp } from "../support/command.ts";
import { FULL } from "../support/full.ts";
import { NEWER_NODES, withNode } from "../support/newer-node.ts";

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
  const { code, out, err } = tuntcp(["fuzz", "--replay", file, "--json"], { node });
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out);
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

// in the gate alone: those Nodes are fetched over the network
describe.skipIf(!FULL)("on newer Nodes", () => {
  test.each(NEWER_NODES)(
    "Node %s gives the same traces",
    (version) => {
      withNode(version, (node) => {
        for (const { target, file, hash } of INPUTS)
          expect(replayed(node, file)).toEqual({ target, violation: null, hash, same: true });
      });
    },
    300_000,
  );
});
