/** All runs that a command asks for, in one order that depends on nothing else; shards are taken out of it. */
import type { Parameters, ParameterValue } from "../../sim/index.ts";
import type { Settings } from "../../tcp/config.ts";
import type { Job } from "./job.ts";

export interface Sweep {
  readonly name: string;
  readonly values: readonly ParameterValue[];
}

export interface Experiment {
  readonly code: string;
  readonly scenario: string;
  readonly name: string;
  readonly seed: number;
  readonly parameters: Parameters;
  readonly sweeps: readonly Sweep[];
  readonly replicates: number;
  readonly settings: Partial<Settings>;
  /** ms; null: the scenario's. */
  readonly duration: number | null;
  readonly series: boolean;
}

/** The i-th of n, from 1. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

export interface NumberedJob {
  readonly number: number;
  readonly job: Job;
}

export function jobsOf(experiment: Experiment): NumberedJob[] {
  const jobs: NumberedJob[] = [];
  for (const swept of combinations(experiment.sweeps)) {
    for (let replicate = 0; replicate < experiment.replicates; replicate++) {
      const { code, scenario, settings, duration, series } = experiment;
      jobs.push({
        number: jobs.length,
        job: {
          code,
          scenario,
          parameters: { ...experiment.parameters, ...swept },
          settings,
          duration,
          replicate,
          // the same chance for each combination: differences are then theirs
          seed: experiment.seed + replicate,
          series,
        },
      });
    }
  }
  return jobs;
}

export function inShard(jobs: readonly NumberedJob[], shard: Shard | null): NumberedJob[] {
  return shard === null
    ? [...jobs]
    : jobs.filter(({ number }) => number % shard.of === shard.index - 1);
}

function combinations(sweeps: readonly Sweep[]): Parameters[] {
  return sweeps.reduce<Parameters[]>(
    (all, { name, values }) => all.flatMap((one) => values.map((v) => ({ ...one, [name]: v }))),
    [{}],
  );
}
