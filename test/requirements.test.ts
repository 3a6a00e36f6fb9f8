/**
 * Keeps code and tests honest with each other: every RFC 9293 requirement number that a comment in src cites is cited by
 * a test too, or stands below as not yet shown. The list may only shrink: an entry that a test now cites, or that
 * src no longer does, fails as well.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Cited in src; no test of the machine cites them yet. */
const PENDING: ReadonlySet<string> = new Set([]);

/** Ids by the files that cite them; `MUST-8/9` counts for both. */
function cited(folder: string, own: string): Map<string, string> {
  const ids = new Map<string, string>();
  for (const name of readdirSync(join(ROOT, folder), { recursive: true }) as string[]) {
    if (!name.endsWith(".ts") || name === own) continue;
    for (const id of idsIn(readFileSync(join(ROOT, folder, name), "utf8"))) {
      if (!ids.has(id)) ids.set(id, `${folder}/${name}`);
    }
  }
  return ids;
}

function idsIn(text: string): string[] {
  const found: string[] = [];
  for (const m of text.matchAll(/\bMUST-(\d+(?:\/\d+)*)/g)) {
    for (const n of m[1]!.split("/")) found.push(`MUST-${n}`);
  }
  return found;
}

const inSource = cited("src", "");
const inTests = cited("test", "requirements.test.ts");

test("every requirement cited in src is cited by a test, or listed as pending", () => {
  expect(inSource.size).toBeGreaterThan(10);
  const missing = [...inSource].filter(([id]) => !inTests.has(id) && !PENDING.has(id));
  expect(missing.map(([id, file]) => `${id} (${file}) has no test`)).toEqual([]);
});

test("the pending list holds nothing that a test shows or that src does not cite", () => {
  const stale = [...PENDING].filter((id) => inTests.has(id) || !inSource.has(id));
  expect(stale, "take these out of PENDING").toEqual([]);
});

test("numbers are read from titles and comments, joined ones too", () => {
  expect(idsIn("[MUST-7] and (MUST-8/9), but not XMUST-1")).toEqual(["MUST-7", "MUST-8", "MUST-9"]);
});
