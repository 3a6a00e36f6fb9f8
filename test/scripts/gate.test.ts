/** scripts/gate with parts of the test's own: what runs, what it says, and what its report keeps. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tuntcp-gate-test-"));
const parts = join(folder, "parts.mjs");
const report = join(folder, "gate.md");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A part that runs `script` in a shell. */
function part(name: string, script: string): string {
  const step = `{ argv: ["sh", "-c", ${JSON.stringify(script)}], env: {} }`;
  return `{ name: "${name}", what: "${name} itself", minutes: 1, cores: 1, steps: [${step}] }`;
}

function gate(...args: string[]): { code: number | null; out: string; err: string } {
  const fixed = ["--parts", parts, "--report", report, "--no-setup"];
  const run = spawnSync("scripts/gate", [...fixed, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, TMPDIR: folder },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

function write(...list: string[]): void {
  writeFileSync(parts, `export const PARTS = [${list.join(",\n")}];\n`);
}

/** The row of a part in the first table. */
function row(name: string): string {
  const lines = readFileSync(report, "utf8").split("\n");
  return lines.find((line) => line.startsWith(`| ${name} `)) ?? "";
}

beforeEach(() => write(part("good", "echo 'figure: size = 7 m'"), part("bad", "echo no; exit 4")));

test("a part that fails makes it fail, and the others run all the same", () => {
  write(part("bad", "echo why it is so; exit 4"), part("good", "echo 'figure: size = 7 m'"));
  const { code, out } = gate();
  expect(code).toBe(1);
  expect(out).toContain("why it is so\n");
  expect(out).toMatch(/^good: passed in /m);
  expect(out).toMatch(/^gate: 1 parts passed, 1 failed \(bad\); logs in /m);
  expect(row("bad")).toMatch(/\| FAILED: exit 4 \| \d\.\d +\| \d{4}-\d\d-\d\d \| [0-9a-f]+/);
  expect(row("good")).toMatch(/\| passed +\|/);
  expect(readFileSync(report, "utf8")).toMatch(/\| size +\| 7 m +\|/);
});

test("one part alone renews its own record and keeps the others", () => {
  gate();
  const before = row("good");
  write(part("good", "exit 1"), part("bad", "echo better"));
  const { code } = gate("bad");
  expect(code).toBe(0);
  expect(row("good").replaceAll(/ +/g, " ")).toBe(before.replaceAll(/ +/g, " "));
  expect(row("bad")).toMatch(/\| passed +\|/);
  expect(readFileSync(report, "utf8")).toContain("Its last line: `better`");
});

test("a part that does not exist is one line and exit 2, and nothing runs", () => {
  const { code, out, err } = gate("good", "nothing");
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err).toBe("scripts/gate: no such part: nothing; there are good, bad\n");
  expect(gate("--nothing").err).toBe("scripts/gate: Unknown option '--nothing'\n");
});

test("--list names the parts with their minutes", () => {
  expect(gate("--list").out).toBe(
    "good          1 min  good itself\nbad           1 min  bad itself\n",
  );
});

test("the real parts are named once each, and their scripts and tests exist", async () => {
  interface Real {
    readonly name: string;
    readonly steps: readonly { readonly argv: readonly string[] }[];
  }
  const url = pathToFileURL(join(ROOT, "scripts/gate-parts.mjs")).href;
  const { PARTS } = (await import(url)) as { readonly PARTS: readonly Real[] };
  const names = PARTS.map((p) => p.name);
  expect(names.slice(0, 3)).toEqual(["test", "demo", "full"]);
  expect(new Set(names).size).toBe(names.length);
  const paths = PARTS.flatMap((p) => p.steps.flatMap((step) => step.argv)).filter((a) =>
    /^(?:test|scripts)\//.test(a),
  );
  expect(paths.length).toBeGreaterThanOrEqual(names.length);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
