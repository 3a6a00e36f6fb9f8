/** npm run mutants: that each fault still fits the source, and that one which no test notices is told. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tuntcp-mutants-test-"));
const list = join(folder, "list.mjs");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Mutant {
  readonly name: string;
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
}

interface Script {
  readonly place: (
    mutant: Mutant,
    sources: Map<string, string>,
  ) => { path: string | null; why: string };
  readonly readSources: (root: string) => Map<string, string>;
}

async function load<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(ROOT, "scripts", name)).href)) as T;
}

function mutants(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ["scripts/mutants.mjs", "--list-file", list, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, TMPDIR: folder },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** A fault of seq.ts that only its own tests could notice, where `replace` is one. */
function write(replace: string): void {
  const tests = ["test/wire/seq.test.ts"];
  const find = "return (n | 0) as SeqNum;";
  const all: Mutant[] = [{ name: "one", find, replace, tests }];
  writeFileSync(list, `export const MUTANTS = ${JSON.stringify(all)};\n`);
}

test("each fault stands exactly once in the source, changes it, and names tests that exist", async () => {
  const { MUTANTS } = await load<{ readonly MUTANTS: readonly Mutant[] }>("mutants-list.mjs");
  const { place, readSources } = await load<Script>("faults.mjs");
  const sources = readSources(ROOT);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(32);
  expect(new Set(MUTANTS.map((m) => m.name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.map((m) => place(m, sources).why).filter((why) => why !== "")).toEqual([]);
  expect(MUTANTS.filter((m) => m.find === m.replace)).toEqual([]);
  const tests = MUTANTS.flatMap((m) => m.tests);
  expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("a fault that a test notices is caught, and one that changes nothing survives and fails it", () => {
  write("return n as SeqNum;");
  const caught = mutants("--only-first");
  expect(caught.out).toContain("1 of 1: one: caught by test/wire/seq.test.ts: ");
  expect(caught.out).toContain("figure: faults caught = 1 of 1 (100 %)\n");
  expect(caught.code).toBe(0);
  write("return (0 | n) as SeqNum;");
  const survived = mutants("--only-first");
  expect(survived.out).toContain("survived: one (src/wire/seq.ts)\n");
  expect(survived.code).toBe(1);
});

test("a fault that no longer fits, or is not there, is one line and exit 2", () => {
  writeFileSync(
    list,
    'export const MUTANTS = [{ name: "gone", find: "no such text", replace: "", tests: [] }];\n',
  );
  const gone = mutants();
  expect([gone.code, gone.err]).toEqual([
    2,
    "scripts/mutants.mjs: gone: stands nowhere, not once\n",
  ]);
  expect(mutants("other").err).toBe("scripts/mutants.mjs: no such fault: other\n");
});
