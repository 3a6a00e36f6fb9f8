/** A user's file as a module: with types and without, and what is wrong with it in one line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runNode } from "../../support/command.ts";

const LOADER = new URL("../../../dist/tools/load-module/index.js", import.meta.url).href;
const INDEX = fileURLToPath(new URL("../../../dist/index.js", import.meta.url));
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tuntcp-load-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `JSON.stringify` makes of the default export, or the error's line. In a Node of its own, as hooks hold for a whole one. */
function loaded(name: string): string {
  const script = `
    const { loadModule } = await import(${JSON.stringify(LOADER)});
    try {
      console.log(JSON.stringify((await loadModule(${JSON.stringify(name)})).default));
    } catch (error) {
      console.log(error.name + ": " + error.message);
    }`;
  const args = ["--input-type=module", "--eval", script];
  const { out, err } = runNode(args, { cwd: folder });
  return out + err;
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

test("TypeScript is loaded with its types taken off, and so is what it imports", () => {
  file("part.ts", "export const half = (n: number): number => n / 2;");
  const main = file(
    "main.ts",
    `import { half } from "./part.ts";\ninterface A { a: number }\nexport default { a: half(8) } satisfies A;`,
  );
  expect(loaded(main)).toBe('{"a":4}\n');
});

test("tuntcp in a user's file is the copy that runs, wherever the file is", () => {
  const main = file(
    "own.mts",
    `import { Stack } from "tuntcp";\nimport { Stack as same } from ${JSON.stringify(INDEX)};\nexport default Stack === same;`,
  );
  expect(loaded(main)).toBe("true\n");
});

test("JavaScript and JSON are loaded as they are", () => {
  expect(loaded(file("a.mjs", "export default 1;"))).toBe("1\n");
  expect(loaded(file("a.cjs", "module.exports = 2;"))).toBe("2\n");
  expect(loaded(file("a.json", '{"a":[3]}'))).toBe('{"a":[3]}\n');
});

test.each([
  ["none.ts", null, "none.ts: there is no such file"],
  ["a.txt", "", "a.txt: expected a file that ends in .ts, .mts, .js, .mjs, .cjs, .json"],
  ["enum.ts", "\nenum A { B }", "enum.ts: line 2: TypeScript enum is not supported in strip-only"],
  ["throws.ts", "throw new Error('no luck\\nat all')", "throws.ts: no luck\n"],
  ["bad.json", "{", "bad.json: is no JSON: "],
])("what is wrong with %s is told in one line", (name, text, line) => {
  if (text !== null) file(name, text);
  const told = loaded(name);
  expect(told).toContain(`LoadError: ${line}`);
  expect(told.trim().split("\n")).toHaveLength(1);
});
