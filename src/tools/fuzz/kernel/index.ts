/**
 * The Linux kernel as oracle: sequences go to the kernel's TCP and to ours, and each difference between their answers has to have a
 * name. The kernel is asked in a network namespace that is made for it and goes with its process.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { KernelReport } from "./report.ts";

export { Outside, type OutsideReport } from "./outside.ts";
export type { KernelReport } from "./report.ts";

export interface AskOptions {
  readonly seed: number;
  /** Number of the first sequence: one of a report can be asked again alone. */
  readonly first: number;
  readonly sequences: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** Why the kernel cannot be asked here, in one line; null when it can. */
export function kernelObstacle(): string | null {
  const trial = spawnSync("unshare", [...wayIn(), "true"], { encoding: "utf8" });
  if (trial.error !== undefined) return "the command unshare is missing: install util-linux";
  if (trial.status === 0) return null;
  return `no network namespace can be made here (${trial.stderr.trim().split("\n")[0]})`;
}

function wayIn(): string[] {
  return process.getuid?.() === 0 ? ["--net"] : ["--user", "--map-root-user", "--net"];
}

/** Throws an Error of one line where the comparison itself failed. */
export async function askKernel(options: AskOptions): Promise<KernelReport> {
  const main = fileURLToPath(new URL("main.js", import.meta.url));
  const { seed, first, sequences, signal, onProgress } = options;
  const args = [...wayIn(), process.execPath, main, ...[seed, first, sequences].map(String)];
  // what unshare starts takes its place, and the channel with it
  const child = spawn("unshare", args, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  child.on("message", (done) => onProgress?.(done as number));
  const end = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", end, { once: true });
  try {
    return await reportOf(child);
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

function reportOf(child: ChildProcess): Promise<KernelReport> {
  let out = "";
  let wrong = "";
  child.stdout!.on("data", (chunk) => (out += String(chunk)));
  child.stderr!.on("data", (chunk) => (wrong += String(chunk)));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(JSON.parse(out) as KernelReport);
      const line = wrong.split("\n").find((l) => /Error/.test(l)) ?? wrong.trim().split("\n")[0];
      return reject(new Error(`the comparison ended (${code ?? signal}): ${line ?? ""}`));
    });
  });
}
