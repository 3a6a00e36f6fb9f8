/**
 * The package as strangers get it: packed, and installed into an empty project without a registry and without install
 * scripts. Every day what was built is packed out of a copy; with TUNTCP_FULL=1 a fresh clone is, by `npm ci` and `npm pack` alone.
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireBuild } from "../../interop/support/world.ts";
import { FULL } from "../../support/full.ts";

export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));

export interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly scripts: Readonly<Record<string, string>>;
}
export const MANIFEST: Manifest = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
) as Manifest;

export interface Packed {
  readonly tarball: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

type Ran = SpawnSyncReturns<string>;

/** Runs a command to its end; one that fails is thrown with what it said. */
export function run(cwd: string, command: string, args: readonly string[]): string {
  const ran = attempt(cwd, command, args);
  if (ran.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}

/** The same with its outcome as a value. npm's settings of whoever runs the tests are not handed on. */
export function attempt(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Ran {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  return spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...Object.fromEntries(inherited), ...env },
    timeout: 300_000,
    maxBuffer: 1 << 26,
  });
}

/** The project's own files, without what its packing makes. */
const PARTS = ["dist", "src/native", "scripts", "examples", "binding.gyp", "package.json"];
const PAPERS = ["README.md", "CHANGELOG.md", "LICENSE", ".gitignore"];

/** A folder of its own, where `project` is the empty project that the package is installed into. */
export class Stranger {
  readonly folder: string = mkdtempSync(join(tmpdir(), "tuntcp-package-"));
  readonly project: string = join(this.folder, "project");
  readonly installed: string = join(this.project, "node_modules", "tuntcp");

  pack(): Packed {
    const source = join(this.folder, "source");
    if (FULL) {
      run(this.folder, "git", ["clone", "-q", ROOT, source]);
      run(source, "npm", ["ci", "--no-audit", "--no-fund"]);
    } else {
      requireBuild();
      for (const part of [...PARTS, ...PAPERS])
        cpSync(join(ROOT, part), join(source, part), { recursive: true });
      run(source, "scripts/prebuild", []);
    }
    const scripts = FULL ? [] : ["--ignore-scripts"];
    const said = run(source, "npm", ["pack", ...scripts, "--json", "--silent"]);
    // scripts may speak before npm does
    const [packed] = JSON.parse(said.slice(said.search(/^\[/m))) as (Packed & {
      readonly filename: string;
    })[];
    return { ...packed!, tarball: join(source, packed!.filename) };
  }

  /** Dependencies come out of this project's own node_modules, so that no registry is needed. */
  install(tarball: string): void {
    mkdirSync(this.project);
    this.write("package.json", `{ "name": "stranger", "private": true, "type": "module" }\n`);
    const dependencies = Object.keys(MANIFEST.dependencies).map((name) =>
      join(ROOT, "node_modules", name),
    );
    const flags = "--ignore-scripts --offline --install-links --no-audit --no-fund".split(" ");
    run(this.project, "npm", ["install", ...flags, tarball, ...dependencies]);
    if (existsSync(join(this.installed, "build"))) throw new Error("an install script has run");
  }

  /** A package of this project's own tools, where a stranger has one too, such as Node's types. */
  lend(name: string): void {
    const to = join(this.project, "node_modules", name);
    mkdirSync(join(to, ".."), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), to);
  }

  write(name: string, text: string): string {
    const path = join(this.project, name);
    writeFileSync(path, text);
    return path;
  }

  node(...args: string[]): Ran {
    return attempt(this.project, process.execPath, args);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
