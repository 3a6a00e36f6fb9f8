/** The options of `tuntcp sim`, checked before anything runs. */
import { resolve } from "node:path";
import { isModulePath, parseSetting } from "../stack/sysctl.ts";
import type { Settings } from "../tcp/config.ts";
import type { Parameters, ParameterValue } from "../sim/index.ts";
import type { Shard, Sweep } from "../tools/sim/jobs.ts";
import { usage } from "./failure.ts";

export interface RawSimOptions {
  readonly seed: string;
  readonly duration?: string;
  readonly param: readonly string[];
  readonly set: readonly string[];
  readonly replicates: string;
  readonly sweep: readonly string[];
  readonly shard?: string;
  readonly jobs?: string;
  readonly series?: boolean;
  readonly out?: string;
  readonly csv?: string;
  readonly capture?: string;
  readonly qlog?: string;
  readonly json?: boolean;
  readonly queue?: string;
  readonly queueName: string;
  readonly svg?: string;
  readonly html?: string;
}

export interface SimOptions {
  readonly seed: number;
  /** ms; null: the scenario's. */
  readonly duration: number | null;
  readonly parameters: Parameters;
  readonly settings: Partial<Settings>;
  readonly replicates: number;
  readonly sweeps: readonly Sweep[];
  readonly shard: Shard | null;
  /** Threads; null: one for each core. */
  readonly threads: number | null;
}

/** More runs than anybody waits for. */
const MOST_RUNS = 10_000_000;

export function checkSimOptions(raw: RawSimOptions): SimOptions {
  const sweeps = raw.sweep.map(sweepOf);
  const names = sweeps.map((sweep) => sweep.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw usage(`--sweep ${twice}: is given twice`);
  const parameters = Object.fromEntries(raw.param.map(parameterOf));
  const both = names.find((name) => Object.hasOwn(parameters, name));
  if (both !== undefined) throw usage(`--param ${both}: is given by --sweep as well`);
  const replicates = whole("--replicates", raw.replicates, 1, MOST_RUNS);
  const runs = sweeps.reduce((n, { values }) => n * values.length, replicates);
  if (runs > MOST_RUNS) throw usage(`--sweep: these are ${runs} runs, more than ${MOST_RUNS}`);
  return {
    seed: whole("--seed", raw.seed, 0, Number.MAX_SAFE_INTEGER - replicates),
    duration: raw.duration === undefined ? null : secondsOf(raw.duration),
    parameters,
    settings: settingsOf(raw.set),
    replicates,
    sweeps,
    shard: raw.shard === undefined ? null : shardOf(raw.shard),
    threads: raw.jobs === undefined ? null : whole("--jobs", raw.jobs, 1, 1024),
  };
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw usage(`${option} ${text}: a whole number from ${least} to ${most}`);
}

function secondsOf(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value * 1000;
  throw usage(`--duration ${text}: seconds, such as 30 or 0.5`);
}

function split(option: string, text: string): readonly [name: string, value: string] {
  const m = /^([A-Za-z0-9_.-]+)=(.*)$/.exec(text);
  if (m === null) throw usage(`${option} ${text}: expected name=value`);
  return [m[1]!, m[2]!];
}

function parameterOf(text: string): readonly [string, ParameterValue] {
  const [name, value] = split("--param", text);
  return [name, valueOf(value)];
}

function sweepOf(text: string): Sweep {
  const [name, list] = split("--sweep", text);
  const values = list.split(",").map(valueOf);
  if (values.includes("")) throw usage(`--sweep ${text}: expected name=a,b,c`);
  const again = values.find((value, i) => values.indexOf(value) !== i);
  if (again !== undefined) throw usage(`--sweep ${text}: has ${again} twice`);
  return { name, values };
}

/** What looks like a number is one. */
function valueOf(text: string): ParameterValue {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function settingsOf(texts: readonly string[]): Partial<Settings> {
  let settings: Partial<Settings> = {};
  for (const text of texts) {
    const parsed = parseSetting(text);
    if (!parsed.ok) throw usage(`--set ${parsed.error}`);
    settings = { ...settings, ...parsed.settings };
  }
  const control = settings.tcp_congestion_control;
  // on the command line a path begins at the working directory, in a scenario at its folder
  if (control === undefined || !isModulePath(control)) return settings;
  return { ...settings, tcp_congestion_control: resolve(control) };
}

function shardOf(text: string): Shard {
  const m = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const [index, of] = [Number(m?.[1]), Number(m?.[2])];
  if (m !== null && index >= 1 && index <= of) return { index, of };
  throw usage(`--shard ${text}: expected i/n, such as 1/4, the first of four`);
}
