/** The two hooks of Node's module loader: which file `tuntcp` is, and how a TypeScript file becomes JavaScript. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** What `import … from` names of ours resolve to, from this file. */
const OWN: Readonly<Record<string, string>> = {
  tuntcp: "../../index.js",
  "tuntcp/packet": "../../packet/index.js",
  "tuntcp/sim": "../../sim/index.js",
};

interface Stripper {
  transformSync(text: string, options: { mode: "strip-only"; filename: string }): { code: string };
}

/** As it rejects: the line counts from 1. */
interface SyntaxFault {
  readonly message?: string;
  readonly startLine?: number;
}

export interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
  readonly format?: string;
}

export interface Loaded {
  readonly format: string;
  readonly source: unknown;
  readonly shortCircuit?: boolean;
}

let stripper: Stripper | null = null;

/** The next hook's result is a promise on older Nodes and a value on newer ones; it is passed on as it is. */
export function resolve<R>(
  specifier: string,
  context: unknown,
  next: (specifier: string, context: unknown) => R,
): R | Resolved {
  const own = Object.hasOwn(OWN, specifier) ? OWN[specifier] : undefined;
  if (own === undefined) return next(specifier, context);
  return { url: new URL(own, import.meta.url).href, shortCircuit: true };
}

export function load<R>(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => R,
): R | Loaded {
  const path = url.replace(/[?#].*$/, "");
  if (!path.startsWith("file:") || !/\.m?ts$/.test(path)) return next(url, context);
  const file = fileURLToPath(path);
  return { format: "module", source: withoutTypes(file), shortCircuit: true };
}

/** Types become blanks, so that line and column of an error stay true. Throws an Error of one line. */
function withoutTypes(file: string): string {
  // loaded on first use: 4 MB of WebAssembly
  stripper ??= createRequire(import.meta.url)("@swc/wasm-typescript") as Stripper;
  const text = readFileSync(file, "utf8");
  try {
    return stripper.transformSync(text, { mode: "strip-only", filename: file }).code;
  } catch (error) {
    const { message, startLine } = error as SyntaxFault;
    throw new Error(`line ${startLine ?? "?"}: ${message ?? String(error)}`);
  }
}
