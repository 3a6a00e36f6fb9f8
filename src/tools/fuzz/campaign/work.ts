/**
 * What a campaign is about, as plain data, and the function that does one piece of it. A job is a function of the specification,
 * its round and index, and what the rounds before it found: whoever does it, and how often, the outcome is the same.
 */

/** What must be equal for two workers to take part in one campaign. */
export interface Specification {
  readonly format: 1;
  readonly target: string;
  readonly seed: number;
  /** Executions in all; rounded up to whole jobs. */
  readonly runs: number;
  /** Executions of one job. */
  readonly each: number;
  /** Jobs that go from the same corpus. More let more workers help; fewer let discoveries be used sooner. */
  readonly jobs: number;
  /** What else the target wants to know. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Digest of the code: outcomes of different code are not put together. */
  readonly code: string;
}

export interface CampaignJob {
  readonly round: number;
  readonly index: number;
  /** An unsigned 32-bit number of the job's own. */
  readonly seed: number;
  readonly executions: number;
  /** What the rounds before kept, in one order for all. */
  readonly corpus: readonly Uint8Array[];
  /** Features that these inputs reach. */
  readonly known: ReadonlySet<number>;
}

export interface FoundInput {
  readonly data: Uint8Array;
  /** Those that were not known: numbers that mean the same in every process. */
  readonly features: readonly number[];
}

export interface Finding {
  /** The self-contained file that replays it. */
  readonly data: Uint8Array;
  /** In one line. */
  readonly what: string;
}

export interface Outcome {
  readonly executions: number;
  readonly inputs: readonly FoundInput[];
  readonly findings: readonly Finding[];
}

/** A job under way. */
export interface Fuzzing {
  /** Works for a moment, some 50 ms; true when all is done. What comes out may not depend on how long a moment was. */
  step(): boolean;
  outcome(): Outcome;
}

export type Begin = (specification: Specification, job: CampaignJob) => Fuzzing;

/** Rounds that the whole takes. */
export function roundsOf({ runs, each, jobs }: Specification): number {
  return Math.max(1, Math.ceil(runs / (each * jobs)));
}

/** Jobs of one round: the last one may have fewer. */
export function jobsOf(specification: Specification, round: number): number {
  const { runs, each, jobs } = specification;
  return Math.max(1, Math.min(jobs, Math.ceil(runs / each) - round * jobs));
}

/** One text for equal specifications. */
export function textOf(s: Specification): string {
  const options = Object.entries(s.options).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { format, target, seed, runs, each, jobs, code } = s;
  return JSON.stringify({
    format,
    target,
    seed,
    runs,
    each,
    jobs,
    options: Object.fromEntries(options),
    code,
  });
}
