/** The other process's program and all it imports, compiled once a test file. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..", "..");

export interface Compiled {
  readonly script: string;
  remove(): void;
}

/** Below the package, where the native layer is found from. */
export function compileChild(): Compiled {
  const folder = mkdtempSync(join(ROOT, "build", "hostile-"));
  const config = join(folder, "tsconfig.json");
  const options = {
    rootDir: ROOT,
    outDir: folder,
    declaration: false,
    isolatedDeclarations: false,
    sourceMap: false,
    noCheck: true,
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  const whole = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: options,
    include: [],
    files: [join(HERE, "tun-child.ts")],
  };
  writeFileSync(config, JSON.stringify(whole));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the child does not compile: ${stdout}`);
  const script = join(folder, "test/hostile/support/tun-child.js");
  return { script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
