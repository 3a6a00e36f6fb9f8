/** `tuntcp fuzz [TARGET]`: random and coverage-guided inputs against this TCP in virtual time; what fails is kept and repeated. */
import { existsSync, statSync } from "node:fs";
import type { Command } from "commander";
import { TARGETS } from "../fuzz/index.ts";
import { FolderStore } from "../tools/fuzz/folder-store.ts";
import { Session, type SessionReport } from "../tools/fuzz/session.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { runCampaign } from "./fuzz-campaign.ts";
import { registerFuzzKernel } from "./fuzz-kernel.ts";
import { checkFuzzOptions, type FuzzOptions, type RawFuzzOptions } from "./fuzz-options.ts";
import { replayFinding } from "./fuzz-replay.ts";
import { cellTable, line, ProgressLine, toJson } from "./fuzz-report.ts";

export function registerFuzz(program: Command): void {
  const command = program
    .command("fuzz")
    .summary("search for inputs that break this TCP")
    .description(
      `Makes inputs, runs them in virtual time and holds what happens against rules and a model of TCP (docs/fuzz.md). TARGET is one of ${TARGETS.join(", ")}; without it each has its turn. What breaks a rule is made small and kept as one file; then the exit code is 1.\n\nExample: tuntcp fuzz connection --time 60`,
    )
    .argument("[target]", "what is fuzzed")
    .option("--runs <n>", "inputs in all, instead of a time")
    .option("--time <s>", "seconds in all (60, unless --runs is given)")
    .option("--seed <n>", "where all chance comes from", "1")
    .option("--corpus <folder>", "where inputs and findings are kept", "tuntcp-fuzz")
    .option("--jobs <n>", "threads; with more than one a run is not the same again", "1")
    .option("--random", "do not count branches: faster, and inputs are made by chance alone")
    .option("--cells", "print which cells of the model's table were hit")
    .option(
      "--campaign <place>",
      "work together with others: nats://HOST:PORT/NAME, or a folder that all see; without a target joins what is under way",
    )
    .option("--replay <file>", "run a finding once more, and tell what happens")
    .option("--drill <file>", "with --replay: write it as a packetdrill script (- for stdout)")
    .option("--pcapng <file>", "with --replay: write its packets (- for stdout)")
    .option("--json", "print the outcome as JSON")
    .action(fuzz);
  registerFuzzKernel(command);
}

async function fuzz(target: string | undefined, raw: RawFuzzOptions): Promise<void> {
  if (raw.replay !== undefined) {
    if (target !== undefined) throw usage("--replay: the file says what the target is");
    return replayFinding(raw);
  }
  for (const option of ["drill", "pcapng"] as const)
    if (raw[option] !== undefined) throw usage(`--${option}: is for --replay`);
  const options = checkFuzzOptions(target, raw);
  if (raw.campaign !== undefined) return campaign(raw.campaign, target, options, raw);
  checkFolder(raw.corpus);
  const stop = new AbortController();
  const end = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", end).on("SIGTERM", end);
  try {
    const store = new FolderStore(raw.corpus);
    const reports = await runAll(options, store, stop.signal, raw);
    report(reports, store, raw);
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

function campaign(
  place: string,
  target: string | undefined,
  { seed, runs }: FuzzOptions,
  raw: RawFuzzOptions,
): Promise<void> {
  if (raw.time !== undefined)
    throw usage("--campaign: takes --runs, as time is not the same for all");
  return runCampaign({ place, target: target ?? null, seed, runs, json: raw.json === true });
}

function checkFolder(path: string): void {
  if (path === "" || (existsSync(path) && !statSync(path).isDirectory()))
    throw usage(`--corpus ${path}: is no folder`);
}

async function runAll(
  options: FuzzOptions,
  store: FolderStore,
  signal: AbortSignal,
  raw: RawFuzzOptions,
): Promise<SessionReport[]> {
  const reports: SessionReport[] = [];
  const { seed, runs, time, threads, guided } = options;
  for (const target of options.targets) {
    if (signal.aborted) break;
    const progress = new ProgressLine();
    const onProgress = (now: SessionReport): void => progress.at(now);
    const session = new Session({
      target,
      seed,
      runs,
      time,
      threads,
      guided,
      store,
      signal,
      onProgress,
      keeps: true,
    });
    const done = await session.run().finally(() => progress.end());
    reports.push(done);
    if (raw.json === true) continue;
    process.stdout.write(`${line(done)}\n`);
    if (raw.cells === true && done.cells !== null) process.stdout.write(cellTable(done.cellsHit));
  }
  return reports;
}

function report(reports: readonly SessionReport[], store: FolderStore, raw: RawFuzzOptions): void {
  const pathOf = (i: number, k: number): string => store.pathOf(reports[i]!.findings[k]!.finding);
  if (raw.json === true)
    process.stdout.write(`${JSON.stringify(toJson(reports, pathOf), null, 2)}\n`);
  const found = reports.flatMap(({ findings }) => findings);
  const [first] = found;
  if (first === undefined) return;
  const { target, violation } = first.finding;
  const more = found.length === 1 ? "" : `, and ${found.length - 1} more`;
  throw new CommandFailure(
    EXIT_FAILED,
    `${target}: ${violation.rule} ${violation.message}${more}; repeat it with tuntcp fuzz --replay ${store.pathOf(first.finding)}`,
  );
}
