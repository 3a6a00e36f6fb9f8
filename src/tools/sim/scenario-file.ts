/** A scenario file: loaded, with the congestion controls that it names, and a digest that says whether two are the same. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import {
  type Plan,
  type PlanOptions,
  readScenario,
  ScenarioError,
  type ScenarioInput,
} from "../../sim/index.ts";
import type { ControllerKind } from "../../tcp/congestion/controller.ts";
import { codeDigest } from "../code-digest/index.ts";
import { loadCongestionControl } from "../congestion-control/index.ts";
import { LoadError, loadModule } from "../load-module/index.ts";

export interface ScenarioFile {
  readonly file: string;
  readonly input: ScenarioInput;
  /** Over the file, and what it imports by a path, in any depth. */
  readonly digest: string;
  /** Where modules that are named by an absolute path stand, when that is elsewhere. */
  readonly places?: Readonly<Record<string, string>>;
}

/** Throws a LoadError. */
export async function loadScenario(file: string): Promise<ScenarioFile> {
  const { default: input } = await loadModule(file);
  if (typeof input !== "object" || input === null) {
    throw new LoadError(`${file}: expected a default export, export default scenario({ ... })`);
  }
  return { file, input, digest: digestOf(resolve(file)) };
}

/** Throws a LoadError, one line that begins with the file's name. */
export function planOf(scenario: ScenarioFile, options: PlanOptions): Plan {
  try {
    return readScenario(scenario.input, options);
  } catch (error) {
    throw asLoadError(scenario, error);
  }
}

/** What is wrong with a scenario, with its file's name; other errors stay what they are. */
export function asLoadError({ file }: ScenarioFile, error: unknown): unknown {
  return error instanceof ScenarioError ? new LoadError(`${file}: ${error.message}`) : error;
}

/** The modules with congestion controls that a plan names, from the scenario's folder on. Throws a LoadError. */
export async function loadControllers(
  scenario: ScenarioFile,
  modules: readonly string[],
): Promise<Map<string, ControllerKind>> {
  const loaded = new Map<string, ControllerKind>();
  for (const path of modules) loaded.set(path, await loadCongestionControl(found(scenario, path)));
  return loaded;
}

function found(scenario: ScenarioFile, path: string): string {
  const place = scenario.places?.[path];
  if (place !== undefined) return place;
  return isAbsolute(path) ? path : join(dirname(scenario.file), path);
}

/** Of the scenario and of the modules that are loaded beside it. */
export function fullDigest(scenario: ScenarioFile, modules: readonly string[]): string {
  if (modules.length === 0) return scenario.digest;
  const hash = createHash("sha256").update(scenario.digest);
  for (const path of modules) hash.update(digestOf(resolve(found(scenario, path))));
  return hash.digest("hex");
}

const EXTENSION = /\.[cm]?[jt]s$|\.json$/;
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g;

function digestOf(entry: string): string {
  const hash = createHash("sha256");
  for (const { text } of sources(entry)) hash.update(`${text.length}\n`).update(text);
  return hash.digest("hex");
}

export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A file and what it imports by a path, in any depth. */
function sources(entry: string): Source[] {
  const found = new Map<string, Source>();
  const add = (path: string): void => {
    if (found.has(path) || !EXTENSION.test(path) || !existsSync(path)) return;
    const text = readFileSync(path, "utf8");
    found.set(path, { path, text });
    for (const [, target] of text.matchAll(IMPORT)) add(resolve(dirname(path), target!));
  };
  add(entry);
  return [...found.values()];
}

/** Of the scenario and of the modules that are loaded beside it, by absolute path. */
export function allSources(scenario: ScenarioFile, modules: readonly string[]): Source[] {
  const entries = [scenario.file, ...modules.map((path) => found(scenario, path))];
  const all = entries.flatMap((entry) => sources(resolve(entry)));
  return [...new Map(all.map((source) => [source.path, source])).values()];
}

/** Rooms that decide what a run does. */
const ROOMS = ["base", "wire", "tcp", "stack", "netem", "sockets", "sim"];

/** Over the code of the simulator that is running: results of different code are not put together. */
export function simulatorCode(): string {
  return codeDigest(ROOMS);
}
