/** The profile of allocations still finds what it profiles; its figures are for people. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { requireBuild } from "../interop/support/world.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("scripts/allocations.mjs tells what a segment allocates, by function", () => {
  requireBuild();
  const argv = [join(ROOT, "scripts/allocations.mjs"), "data"];
  const { status, stdout } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^data: bytes of heap for each of 100000$/m);
  expect(stdout).toMatch(/^ +\d+ {2}.*, (tcp|stack)\/[\w/-]+\.js:\d+$/m);
});
