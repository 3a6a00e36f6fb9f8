/** The options of `tuntcp fuzz`, checked before anything runs. */
import { availableParallelism } from "node:os";
import { isTargetName, TARGETS, type TargetName } from "../fuzz/index.ts";
import { usage } from "./failure.ts";

export interface RawFuzzOptions {
  readonly runs?: string;
  readonly time?: string;
  readonly seed: string;
  readonly corpus: string;
  readonly jobs: string;
  readonly random?: boolean;
  readonly cells?: boolean;
  readonly campaign?: string;
  readonly replay?: string;
  readonly drill?: string;
  readonly pcapng?: string;
  readonly json?: boolean;
}

export interface FuzzOptions {
  /** In the order in which they are fuzzed. */
  readonly targets: readonly TargetName[];
  readonly seed: number;
  /** Of each target; Infinity: time decides. */
  readonly runs: number;
  /** ms of each target. */
  readonly time: number;
  readonly threads: number;
  readonly guided: boolean;
}

/** Seconds of all targets where nothing else is said. */
const DEFAULT_SECONDS = 60;
const MOST_RUNS = 1e12;
const MOST_SECONDS = 31 * 24 * 3600;

export function checkFuzzOptions(target: string | undefined, raw: RawFuzzOptions): FuzzOptions {
  const targets = target === undefined ? TARGETS : [targetOf(target)];
  const runs = raw.runs === undefined ? Infinity : whole("--runs", raw.runs, 1, MOST_RUNS);
  return {
    targets,
    seed: whole("--seed", raw.seed, 0, Number.MAX_SAFE_INTEGER),
    runs: Math.ceil(runs / targets.length),
    time: secondsOf(raw) / targets.length,
    threads: whole("--jobs", raw.jobs, 1, 4 * availableParallelism()),
    guided: raw.random !== true,
  };
}

function targetOf(name: string): TargetName {
  if (isTargetName(name)) return name;
  throw usage(`${name}: there is no such target; expected one of ${TARGETS.join(", ")}`);
}

/** In ms. */
function secondsOf({ time, runs }: RawFuzzOptions): number {
  if (time === undefined) return runs === undefined ? DEFAULT_SECONDS * 1000 : Infinity;
  const seconds = Number(time);
  if (!/^\d+(\.\d+)?$/.test(time) || seconds <= 0 || seconds > MOST_SECONDS)
    throw usage(`--time ${time}: expected seconds, up to ${MOST_SECONDS}`);
  return seconds * 1000;
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw usage(`${option} ${text}: expected a whole number from ${least} to ${most}`);
  return value;
}
