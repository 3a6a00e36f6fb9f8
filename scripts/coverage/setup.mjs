// The counters of one test file, and where they are put when it is over.
import { writeFileSync } from "node:fs";
import { afterAll } from "vitest";

// clamped: a byte that wraps to 0 would be a branch that was never taken
const taken = new Uint8ClampedArray(Number(process.env.BRANCHES));
globalThis.__tuntcpBranches = taken;

afterAll(() => {
  const folder = process.env.BRANCHES_FOLDER;
  const name = `${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  if (folder !== undefined) writeFileSync(`${folder}/${name}`, taken);
});
