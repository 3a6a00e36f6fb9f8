/** Every script of ours passes, with nothing left over that it does not expect. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatFailure, runDrill } from "../../src/drill/index.ts";

const ROOT = fileURLToPath(new URL("scripts/", import.meta.url));
const SCRIPTS = (readdirSync(ROOT, { recursive: true }) as string[])
  .filter((name) => name.endsWith(".pkt"))
  .toSorted();
const TOPICS = [...new Set(SCRIPTS.map((name) => name.slice(0, name.indexOf("/"))))];

test.each(TOPICS)("the scripts in %s pass", (topic: string) => {
  const failures = SCRIPTS.filter((name) => name.startsWith(`${topic}/`))
    .map((file) => runDrill(readFileSync(ROOT + file, "utf8"), { file, strictEnd: true }))
    .flatMap(({ failure }) => (failure === null ? [] : [formatFailure(failure)]));
  expect(failures).toEqual([]);
});

test("each script says in its first line what it shows, and there are 150 of them", () => {
  for (const name of SCRIPTS) expect(readFileSync(ROOT + name, "utf8"), name).toMatch(/^\/\/ \S/);
  expect(SCRIPTS.length).toBeGreaterThanOrEqual(150);
});
