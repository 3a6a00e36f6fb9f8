/**
 * Loads a file of the user's as a module: .js, .mjs and .cjs as they are, .json as its value, .ts and .mts with their types
 * taken off, on every Node that we run on. `import … from "tuntcp"` in it means the copy that is running.
 */
import { readFileSync, statSync } from "node:fs";
import * as nodeModule from "node:module";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { lineOf } from "../../base/errors.ts";
import { load as loadHook, resolve as resolveHook } from "./hooks.ts";
import { LoadError } from "./load-error.ts";

export { LoadError } from "./load-error.ts";
export { type LoadPackage, loadTwoPackages } from "./packages.ts";

export type LoadedModule = Readonly<Record<string, unknown>>;

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".cjs", ".json"] as const;

/** `file` relative to the working directory. Throws a {@link LoadError}. */
export async function loadModule(file: string): Promise<LoadedModule> {
  const extension = extname(file);
  if (!(EXTENSIONS as readonly string[]).includes(extension)) {
    throw new LoadError(`${file}: expected a file that ends in ${EXTENSIONS.join(", ")}`);
  }
  const path = resolve(file);
  const wrong = unreadable(path);
  if (wrong !== null) throw new LoadError(`${file}: ${wrong}`);
  if (extension === ".json") return { default: readJson(file, path) };
  installHooks();
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as LoadedModule;
  } catch (error) {
    throw new LoadError(`${file}: ${lineOf(error)}`);
  }
}

function unreadable(path: string): string | null {
  try {
    return statSync(path).isFile() ? null : "expected a file";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`;
  }
}

function readJson(file: string, path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new LoadError(`${file}: is no JSON: ${lineOf(error)}`);
  }
}

type RegisterHooks = (hooks: { resolve: unknown; load: unknown }) => unknown;
let installed = false;

/** Once a thread. Newer Nodes run hooks in place; older ones want them in a thread of their own. */
function installHooks(): void {
  if (installed) return;
  installed = true;
  const { registerHooks } = nodeModule as unknown as { registerHooks?: RegisterHooks };
  if (registerHooks === undefined) nodeModule.register("./hooks.js", import.meta.url);
  else registerHooks({ resolve: resolveHook, load: loadHook });
}
