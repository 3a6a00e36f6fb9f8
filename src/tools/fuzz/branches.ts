/**
 * The core with counters in it: dist's files are written anew into a folder of its own, from where they are imported. What is
 * numbered is the same in every process of one build.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Harness from "../../fuzz/index.ts";
import { type Branch, COUNTERS, instrument } from "./instrument.ts";

/** Counted, and what only comes along. */
const COUNTED = ["wire", "tcp", "stack"] as const;
const BESIDE = ["base", "fuzz"] as const;

export interface FileBranches {
  /** `tcp/input/ack.js`. */
  readonly file: string;
  /** The number of its first branch. */
  readonly first: number;
  readonly branches: readonly Branch[];
}

/** Where the compiler put the core: beside this file, or in dist for who runs from src. */
export function builtRoot(): string {
  const here = fileURLToPath(new URL("../../", import.meta.url));
  return here.replace(/[/\\]src[/\\]$/, "/dist/");
}

function filesOf(root: string, room: string): string[] {
  return (readdirSync(join(root, room), { recursive: true }) as string[])
    .filter((name) => name.endsWith(".js"))
    .map((name) => `${room}/${name.replaceAll("\\", "/")}`)
    .toSorted();
}

export interface CountedCode {
  readonly files: readonly FileBranches[];
  readonly count: number;
  /** By file. */
  readonly code: ReadonlyMap<string, string>;
}

/** Reads and transforms all that is counted. Throws where nothing was built. */
export function countedCode(root: string = builtRoot()): CountedCode {
  const files: FileBranches[] = [];
  const code = new Map<string, string>();
  let first = 0;
  for (const file of COUNTED.flatMap((room) => filesOf(root, room))) {
    const done = instrument(readFileSync(join(root, file), "utf8"), first);
    files.push({ file, first, branches: done.branches });
    code.set(file, done.code);
    first += done.branches.length;
  }
  return { files, count: first, code };
}

export interface CountedHarness {
  readonly harness: typeof Harness;
  readonly files: readonly FileBranches[];
  /** A byte a branch; wraps at 256. */
  readonly counters: Uint8Array;
}

/** Imports the harness over a core with counters. Once a process: the counters are one memory. */
export async function loadCounted(): Promise<CountedHarness> {
  const root = builtRoot();
  const { files, count, code } = countedCode(root);
  const counters = new Uint8Array(count);
  (globalThis as unknown as Record<string, unknown>)[COUNTERS] = counters;
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-fuzz-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    for (const file of BESIDE.flatMap((room) => filesOf(root, room))) {
      put(folder, file, readFileSync(join(root, file), "utf8"));
    }
    for (const [file, text] of code) put(folder, file, text);
    const url = pathToFileURL(join(folder, "fuzz/index.js")).href;
    return { harness: (await import(url)) as typeof Harness, files, counters };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function put(folder: string, file: string, text: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  // maps stay where they are
  writeFileSync(path, text.replace(/^\/\/# sourceMappingURL=.*$/m, ""));
}

/** Share of branches that were taken at least once, by room. */
export function coverageOf(
  files: readonly FileBranches[],
  isTaken: (branch: number) => boolean,
): Map<string, { taken: number; all: number }> {
  const rooms = new Map<string, { taken: number; all: number }>();
  for (const { file, first, branches } of files) {
    const room = file.split("/", 1)[0]!;
    const entry = rooms.get(room) ?? { taken: 0, all: 0 };
    rooms.set(room, entry);
    entry.all += branches.length;
    for (let i = 0; i < branches.length; i++) if (isTaken(first + i)) entry.taken++;
  }
  return rooms;
}
