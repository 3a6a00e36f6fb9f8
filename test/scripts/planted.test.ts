/** The bugs that scripts/planted.mjs plants fit the source, and its hunt tells one that is there. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function planted(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const argv = ["scripts/planted.mjs", ...args];
  return spawnSync(process.execPath, argv, { cwd: ROOT, encoding: "utf8" });
}

interface Bug {
  readonly name: string;
  readonly find: string;
  readonly replace: string;
}

test("thirty bugs, each of which stands exactly once in the source and changes it", async () => {
  const { place, readSources } = (await import(
    new URL("../../scripts/faults.mjs", import.meta.url).href
  )) as {
    place: (bug: Bug, sources: Map<string, string>) => { path: string | null; why: string };
    readSources: (root: string) => Map<string, string>;
  };
  const { PLANTED } = (await import(
    new URL("../../scripts/planted-list.mjs", import.meta.url).href
  )) as { PLANTED: readonly Bug[] };
  expect(PLANTED).toHaveLength(30);
  expect(new Set(PLANTED.map(({ name }) => name)).size).toBe(30);
  const sources = readSources(ROOT);
  for (const bug of PLANTED) {
    const { path, why } = place(bug, sources);
    expect(why).toBe("");
    expect(path).toMatch(/^src\/(?:wire|tcp|stack)\//);
    expect(bug.replace).not.toBe(bug.find);
  }
});

test("a bug that breaks a rule is found, and said with its rule and time", () => {
  const { status, stdout } = planted("--seconds", "60", "--lanes", "1", "rst-answered-with-rst");
  expect(stdout).toMatch(
    /^1 of 1: rst-answered-with-rst: found after [\d.]+ s: \w+ I4 a RST was answered with a RST$/m,
  );
  expect(stdout).toMatch(/^figure: planted bugs found = 1 of 1$/m);
  expect(status).toBe(0);
});

test("wrong usage is one line and exit 2", () => {
  for (const [args, line] of [
    [["nonesuch"], "no such bug: nonesuch"],
    [["--seconds", "x"], "--seconds x: expected seconds"],
    [["--lanes", "0"], "--lanes 0: expected a whole number"],
    [["--nonesuch"], "Unknown option '--nonesuch'"],
  ] as const) {
    const { status, stderr } = planted(...args);
    expect([status, stderr]).toEqual([2, `scripts/planted.mjs: ${line}\n`]);
  }
});
