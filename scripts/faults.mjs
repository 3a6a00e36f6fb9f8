/** Faults that are put into the source on purpose, as scripts/mutants.mjs and scripts/planted.mjs do: where each stands, and where to work. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Path below src and text of each source file. */
export function readSources(root) {
  const folder = join(root, "src");
  const names = readdirSync(folder, { recursive: true }).filter((n) => n.endsWith(".ts"));
  return new Map(names.map((n) => [join("src", n), readFileSync(join(folder, n), "utf8")]));
}

/** The file that has `find` once, or why there is none. */
export function place(fault, sources) {
  const found = [];
  for (const [path, text] of sources) {
    for (let at = text.indexOf(fault.find); at >= 0; at = text.indexOf(fault.find, at + 1))
      found.push(path);
  }
  if (found.length === 1) return { path: found[0], why: "" };
  const where = found.length === 0 ? "nowhere" : `${found.length} times (${found.join(", ")})`;
  return { path: null, why: `${fault.name}: stands ${where}, not once` };
}

/** The text with the fault. */
export function withFault(text, fault) {
  return text.replace(fault.find, () => fault.replace);
}

/** A folder in the system's for temporary files; `finish`, which a signal calls as well, ends what runs and removes it. */
export function workFolder(name, endAll) {
  const work = mkdtempSync(join(tmpdir(), `tuntcp-${name}-`));
  const finish = () => {
    endAll();
    rmSync(work, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      finish();
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  }
  return { work, finish };
}
