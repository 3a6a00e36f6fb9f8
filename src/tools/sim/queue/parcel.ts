/**
 * A scenario as one text that can be sent: the file, what it imports by a path, and the congestion controls it names. A worker
 * lays it out in a folder of its own, and looks whether its digest is the one that the jobs name.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, posix, relative, resolve, sep } from "node:path";
import { LoadError } from "../../load-module/index.ts";
import { allSources, fullDigest, loadScenario, type ScenarioFile } from "../scenario-file.ts";

export interface Parcel {
  readonly format: 1;
  /** Of the scenario, relative to the folder. */
  readonly entry: string;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Congestion controls as the plans name them; those with an absolute path, and where they are in the folder. */
  readonly modules: readonly string[];
  readonly places: Readonly<Record<string, string>>;
}

export function packScenario(scenario: ScenarioFile, modules: readonly string[]): Parcel {
  const sources = allSources(scenario, modules);
  const root = commonFolder(sources.map(({ path }) => dirname(path)));
  const inside = (path: string): string => relative(root, path).split(sep).join("/");
  const absolute = modules.filter((path) => isAbsolute(path));
  return {
    format: 1,
    entry: inside(resolve(scenario.file)),
    files: sources.map(({ path, text }) => ({ path: inside(path), text })),
    modules,
    places: Object.fromEntries(absolute.map((path) => [path, inside(path)])),
  };
}

/** Writes the files below `folder`. Throws a LoadError for a parcel that would leave it. */
export function layOut(parcel: Parcel, folder: string): void {
  for (const { path, text } of parcel.files) {
    const target = within(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

/** Throws a LoadError where what is in the folder is not what `digest` names. */
export async function openParcel(
  parcel: Parcel,
  folder: string,
  digest: string,
): Promise<ScenarioFile> {
  const places = Object.fromEntries(
    Object.entries(parcel.places).map(([path, inside]) => [path, within(folder, inside)]),
  );
  const scenario = { ...(await loadScenario(within(folder, parcel.entry))), places };
  if (fullDigest(scenario, parcel.modules) !== digest) {
    throw new LoadError(`${parcel.entry}: is not the scenario that the job names`);
  }
  return scenario;
}

function within(folder: string, path: string): string {
  const clean = posix.normalize(path);
  if (path === "" || clean.startsWith("..") || isAbsolute(path) || path.includes("\\")) {
    throw new LoadError(`${path}: is no path inside of a scenario's folder`);
  }
  return join(folder, clean);
}

function commonFolder(folders: readonly string[]): string {
  let common = folders[0]!;
  for (const folder of folders) {
    while (folder !== common && !folder.startsWith(common.endsWith(sep) ? common : common + sep)) {
      common = dirname(common);
    }
  }
  return common;
}
