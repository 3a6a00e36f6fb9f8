/** `--rootless`: the same command in a new user and network namespace, where this user may make a TUN. */
import { spawn, spawnSync } from "node:child_process";
import { CommandFailure, EXIT_MACHINE } from "./failure.ts";

const UNSHARE = ["--user", "--map-root-user", "--net"];

const INSIDE = "TUNTCP_ROOTLESS";

/** What a user types before a command that is to run beside this one: nothing, or the way into its namespaces. */
export function wayIn(): string {
  if (process.env[INSIDE] === undefined) return "";
  return `nsenter --user --net --preserve-credentials --target ${process.pid} `;
}

/** Runs this command line again within; resolves with its exit code. */
export async function runRootless(): Promise<number> {
  const trial = spawnSync("unshare", [...UNSHARE, "true"], { encoding: "utf8" });
  if (trial.error !== undefined || trial.status !== 0) {
    const why = trial.error === undefined ? trial.stderr.trim() : "the command unshare is missing";
    throw new CommandFailure(
      EXIT_MACHINE,
      `--rootless: no user namespace can be made here (${why.split("\n")[0]}): ask root for a persistent TUN instead`,
    );
  }
  const args = process.argv.slice(1).filter((arg) => arg !== "--rootless");
  const script = 'ip link set lo up 2>/dev/null; exec "$@"';
  const child = spawn(
    "unshare",
    [...UNSHARE, "sh", "-c", script, "sh", process.execPath, ...process.execArgv, ...args],
    { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } },
  );
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on("SIGINT", pass);
  process.on("SIGTERM", pass);
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}
