/** The file with the results of an experiment, whole or of one shard, and the putting together of shards. */
import { readFileSync } from "node:fs";
import type { SimRun } from "../../sim/index.ts";
import { LoadError } from "../load-module/index.ts";
import { type Experiment, inShard, jobsOf, type Shard } from "./jobs.ts";

const FORMAT = "tuntcp sim results 1";

export interface Results {
  readonly format: string;
  readonly experiment: Experiment;
  /** Null: all runs are here. */
  readonly shard: Shard | null;
  /** In the order of `jobsOf`. */
  readonly runs: readonly SimRun[];
}

export function results(
  experiment: Experiment,
  shard: Shard | null,
  runs: readonly SimRun[],
): Results {
  return { format: FORMAT, experiment, shard, runs };
}

export function toText(all: Results): string {
  return `${JSON.stringify(all)}\n`;
}

/** Throws a LoadError. */
function readResults(file: string): Results {
  let parsed: Partial<Results> | null;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8")) as Partial<Results> | null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === undefined ? "is no JSON" : `cannot be read (${code})`;
    throw new LoadError(`${file}: ${why}`);
  }
  if (parsed?.format !== FORMAT) {
    throw new LoadError(`${file}: expected results that tuntcp sim --out wrote (${FORMAT})`);
  }
  if (!isWhole(parsed)) throw new LoadError(`${file}: is damaged: something is missing in it`);
  return parsed;
}

/** As far as merging, tables and pictures need it. */
function isWhole(r: Partial<Results>): r is Results {
  const { experiment, shard, runs } = r;
  if (!isObject(experiment) || !Array.isArray(experiment.sweeps) || !(experiment.replicates >= 1)) {
    return false;
  }
  if (!experiment.sweeps.every((sweep) => isObject(sweep) && Array.isArray(sweep["values"]))) {
    return false;
  }
  if (shard !== null && !(isObject(shard) && shard.index >= 1 && shard.index <= shard.of)) {
    return false;
  }
  return Array.isArray(runs) && runs.every(isRun);
}

function isRun(run: unknown): boolean {
  if (!isObject(run) || !isObject(run["parameters"])) return false;
  return [run["flows"], run["links"]].every(
    (all) => Array.isArray(all) && all.every((item) => isObject(item) && isObject(item["series"])),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** One result out of the files of all shards; throws a LoadError that says which is missing, double or of something else. */
export function merge(files: readonly string[]): Results {
  const parts = files.map((file) => ({ file, part: readResults(file) }));
  const first = parts[0]!;
  const { experiment, shard } = first.part;
  if (shard === null) {
    if (parts.length === 1) return first.part;
    throw new LoadError(`${first.file}: is not a shard; it has all runs`);
  }
  const seen = new Map<number, string>();
  for (const { file, part } of parts) {
    if (JSON.stringify(part.experiment) !== JSON.stringify(experiment)) {
      throw new LoadError(`${file}: is of another experiment than ${first.file}`);
    }
    if (part.shard?.of !== shard.of) {
      throw new LoadError(`${file}: is not one of ${shard.of} shards, as ${first.file} is`);
    }
    const before = seen.get(part.shard.index);
    if (before !== undefined) {
      throw new LoadError(
        `${file}: has the same runs as ${before} (${part.shard.index}/${shard.of})`,
      );
    }
    seen.set(part.shard.index, file);
  }
  for (let index = 1; index <= shard.of; index++) {
    if (!seen.has(index)) throw new LoadError(`shard ${index}/${shard.of} is missing`);
  }
  const jobs = jobsOf(experiment);
  const runs: SimRun[] = [];
  for (const { file, part } of parts) {
    const own = inShard(jobs, part.shard);
    if (own.length !== part.runs.length) throw new LoadError(`${file}: lacks some of its runs`);
    own.forEach(({ number }, i) => (runs[number] = part.runs[i]!));
  }
  return results(experiment, null, runs);
}
