/**
 * Several compiled modules as one script, for a page that must stand alone: each becomes a function that returns what it
 * exports. It understands what the compiler writes for this folder, and refuses the rest.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const IMPORT = /^import \{([^}]*)\} from "(\.[^"]+)";\n/gm;
const REEXPORT = /^export \{([^}]*)\} from "(\.[^"]+)";\n/gm;
const EXPORT = /^export ((?:async )?function\*?|class|const) (\w+)/gm;

/** `entry` and what it imports, in an order in which everything is there when it is asked for. */
export function bundle(entry: string): string {
  const names = new Map<string, string>();
  const parts: string[] = [`"use strict";`];
  add(entry, names, parts, []);
  return parts.join("\n");
}

function add(file: string, names: Map<string, string>, parts: string[], above: string[]): string {
  const known = names.get(file);
  if (known !== undefined) return known;
  if (above.includes(file)) throw new Error(`${file} imports itself`);
  const source = readFileSync(file, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
  const imports: string[] = [];
  let body = source.replace(IMPORT, (_line, list: string, from: string) => {
    const module = add(join(dirname(file), from), names, parts, [...above, file]);
    imports.push(`const {${list.replaceAll(" as ", ": ")}} = ${module};`);
    return "";
  });
  const exported: string[] = [];
  body = body.replace(REEXPORT, (_line, list: string, from: string) => {
    const module = add(join(dirname(file), from), names, parts, [...above, file]);
    imports.push(`const {${list}} = ${module};`);
    exported.push(...list.split(",").map((name) => name.trim()));
    return "";
  });
  body = body.replace(EXPORT, (_line, what: string, name: string) => {
    exported.push(name);
    return `${what} ${name}`;
  });
  const left = /^(?:import|export)\b.*/m.exec(body);
  if (left !== null) throw new Error(`${file}: cannot be put into one script: ${left[0]}`);
  const name = `module${names.size}`;
  names.set(file, name);
  parts.push(
    `const ${name} = (() => {`,
    ...imports,
    body.trim(),
    `return { ${exported.join(", ")} };`,
    `})();`,
  );
  return name;
}
