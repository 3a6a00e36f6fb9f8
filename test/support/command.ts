/** The built command as a user types it, in a process of its own. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout, with no slash at its end. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const COMMAND: string = join(ROOT, "dist/cli/main.js");
export const PACKAGE: string = join(ROOT, "dist/index.js");

/** The tests judge what `npm run build` made; an old build would be judged for the sources of today. */
export function requireBuild(): void {
  if (!existsSync(COMMAND)) throw new Error("dist/ is missing: npm run build");
  const built = statSync(COMMAND).mtimeMs;
  const newer = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).find(
    (file) => file.endsWith(".ts") && statSync(join(ROOT, "src", file)).mtimeMs > built,
  );
  if (newer !== undefined) throw new Error(`dist/ is older than src/${newer}: npm run build`);
}

export interface Ended {
  /** The exit code; null where a signal or the timeout ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  /** The folder it is typed in; without one, this process's. */
  readonly cwd?: string;
  readonly input?: string;
  /** Milliseconds, 0 for no limit; four minutes if not given. */
  readonly timeout?: number;
  /** Another Node than this one. */
  readonly node?: string;
}

/** What `node ARGS` does and says. */
export function runNode(args: readonly string[], around: Surroundings = {}): Ended {
  const { node = process.execPath, timeout = 240_000, ...rest } = around;
  const options = { ...rest, timeout, encoding: "utf8", maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr } = spawnSync(node, args, options);
  return { code: status, out: stdout, err: stderr };
}

/** What `tuntcp ARGS` does and says. */
export function tuntcp(args: readonly string[], around: Surroundings = {}): Ended {
  return runNode([COMMAND, ...args], around);
}
