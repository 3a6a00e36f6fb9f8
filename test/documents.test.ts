/** What the documents name must exist: file names rot faster than prose. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENTS = ["", "docs/", "native-notes/"].flatMap((folder) =>
  readdirSync(ROOT + folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => folder + name),
);

/** Paths in the tree, and targets of links, which are relative to the document's folder. */
function named(text: string, folder = ""): string[] {
  const paths = text.match(/\b(?:src|test|scripts|docs|native-notes)\/[\w./-]*\w/g) ?? [];
  const links = [...text.matchAll(/\]\((?!\w+:)([^)#]+)/g)].map((m) => folder + m[1]!);
  return [...new Set([...paths, ...links])];
}

/** Made by `npm run docs`, and not committed. */
const MADE = /^docs\/api\b/;

test.each(DOCUMENTS)("every file that %s names exists", (document) => {
  const folder = document.slice(0, document.lastIndexOf("/") + 1);
  const paths = named(readFileSync(ROOT + document, "utf8"), folder);
  expect(paths.filter((path) => !MADE.test(path) && !existsSync(ROOT + path))).toEqual([]);
});

test("names are found in prose and in links", () => {
  expect(named("see `src/tcp/gone.ts`. [x](docs/a.md#b) [y](https://z/src)")).toEqual([
    "src/tcp/gone.ts",
    "docs/a.md",
  ]);
  expect(named(readFileSync(ROOT + "ARCHITECTURE.md", "utf8")).length).toBeGreaterThan(30);
});
