/** `npm run docs` writes the API reference of every entry of the package without a warning. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FULL } from "../support/full.ts";
import { attempt, MANIFEST, ROOT } from "./support/pack.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-reference-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What it said, which is nothing where all is well. */
function docs(...words: string[]): unknown {
  const args = ["scripts/docs.mjs", ...words];
  const { status, stdout, stderr } = attempt(ROOT, process.execPath, args);
  return { status, said: stdout + stderr };
}

test("every export has its comment, and every link leads somewhere", () => {
  expect(docs("--check")).toEqual({ status: 0, said: "" });
}, 120_000);

// ten seconds
test.runIf(FULL)(
  "the pages have each entry of the package",
  () => {
    expect(docs(folder)).toEqual({ status: 0, said: "" });
    const modules = readdirSync(join(folder, "modules")).map((name) => name.replace(".html", ""));
    const entries = Object.keys(MANIFEST.exports).filter((entry) => entry !== "./package.json");
    expect(modules.sort()).toEqual(
      entries.map((entry) => entry.replace(".", "tuntcp").replace("/", "_")).sort(),
    );
    const page = readFileSync(join(folder, "functions", "tuntcp.createStack.html"), "utf8");
    expect(page).toContain("StackError");
  },
  120_000,
);
