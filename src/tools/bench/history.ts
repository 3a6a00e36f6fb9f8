/** The figures of earlier runs: a file with one JSON object a line and run, and how today's compare with their median. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
}

export type Figures = Readonly<Record<string, number>>;

export interface Run {
  readonly date: string;
  /** As `git describe` tells it; null outside of a clone. */
  readonly commit: string | null;
  readonly machine: Machine;
  readonly figures: Figures;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    kernel: release(),
    node: process.version,
  };
}

function commit(): string | null {
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  // installed below somebody else's clone it is not that clone's commit
  if (!existsSync(`${cwd}/.git`)) return null;
  const args = ["describe", "--always", "--dirty", "--match", "v*"];
  try {
    return execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return null;
  }
}

export class History {
  private readonly file: string;
  private readonly earlier: readonly Run[];

  /** Throws an Error with one line when the file cannot be used; one that is not there yet is begun. */
  constructor(file: string) {
    this.file = file;
    appendFileSync(file, ""); // before hours of measuring, not after
    const lines = readFileSync(file, "utf8").split("\n");
    this.earlier = lines.flatMap((line, i) => (line.trim() === "" ? [] : [runOf(line, i + 1)]));
  }

  get runs(): number {
    return this.earlier.length;
  }

  /** The figure in proportion to the median of the earlier runs that have it; null for the first. */
  ratio(name: string, value: number): number | null {
    const values = this.earlier.flatMap(({ figures }) => figures[name] ?? []).sort((a, b) => a - b);
    if (values.length === 0) return null;
    const at = values.length >> 1;
    const median = values.length % 2 === 1 ? values[at]! : (values[at - 1]! + values[at]!) / 2;
    return median === 0 ? null : value / median;
  }

  append(figures: Figures): void {
    const run: Run = {
      date: new Date().toISOString(),
      commit: commit(),
      machine: machine(),
      figures,
    };
    appendFileSync(this.file, `${JSON.stringify(run)}\n`);
  }
}

function runOf(line: string, number: number): Run {
  try {
    const run = JSON.parse(line) as Partial<Run> | null;
    if (typeof run?.figures === "object" && run.figures !== null) return run as Run;
  } catch {
    // said below
  }
  throw new Error(`line ${number} is not a run of bench as JSON`);
}
