/** Every package that is imported is declared, and every one that is declared is used. */
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MANIFEST, ROOT } from "./support/pack.ts";

/** Names of packages that files import, by static, dynamic and CommonJS ways alike. */
function packagesIn(...folders: string[]): Map<string, string> {
  const found = new Map<string, string>();
  const ways = [
    /^(?:import|export)\b[^;"]*?\bfrom "(@?[a-z][\w./@-]*)";$/gm,
    /^import "(@?[a-z][\w./@-]*)";$/gm,
    /(?:\bimport\(|\brequire\(|\brequire\.resolve\(|\(import\.meta\.url\)\()["`](@?[a-z][\w./@-]*)/g,
  ];
  for (const folder of folders)
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!/\.(?:ts|mts|mjs|js|cjs)$/.test(name)) continue;
      const text = readFileSync(join(ROOT, folder, name), "utf8");
      for (const [, said] of ways.flatMap((way) => [...text.matchAll(way)])) {
        const parts = said!.split("/").slice(0, said!.startsWith("@") ? 2 : 1);
        if (!isBuiltin(parts.join("/"))) found.set(parts.join("/"), `${folder}/${name}`);
      }
    }
  found.delete("tuntcp"); // itself, by its name
  return found;
}

const { dependencies, peerDependencies, devDependencies, scripts } = MANIFEST;

test("what src imports is declared, and what is declared is imported", () => {
  const used = packagesIn("src");
  const declared = { ...dependencies, ...peerDependencies };
  expect([...used].filter(([name]) => !(name in declared))).toEqual([]);
  expect(Object.keys(declared).filter((name) => !used.has(name))).toEqual([]);
});

/** Named by other ways than an import. */
const USED_AS: Readonly<Record<string, string>> = {
  "@types/node": "types in tsconfig.json",
  "@vitest/coverage-v8": "vitest --coverage",
  "oxlint-tsgolint": "oxlint --type-aware",
  "typescript-5": "a compiler by its folder, in test/package",
};

test("every development dependency is used", () => {
  const used = packagesIn("test", "scripts", "src");
  const commands = Object.values(scripts).join(" ");
  const bins: Readonly<Record<string, string>> = { typescript: "tsc" };
  const idle = Object.keys(devDependencies).filter(
    (name) =>
      !used.has(name) &&
      !(name in USED_AS) &&
      !new RegExp(`(?:^| )${bins[name] ?? name} `).test(`${commands} `),
  );
  expect(idle).toEqual([]);
  expect(Object.keys(USED_AS).filter((name) => !(name in devDependencies))).toEqual([]);
});

test("versions are exact", () => {
  const all = { ...dependencies, ...peerDependencies, ...devDependencies };
  const loose = Object.entries(all).filter(([, v]) => !/^(?:npm:[\w-]+@)?\d+\.\d+\.\d+$/.test(v));
  expect(loose).toEqual([]);
});
