/** `tuntcp drill FILE…`: scripts in the packetdrill language against this TCP, in virtual time. */
import { statSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import { checkDrillArgs, formatFailure, LANGUAGE_OPTIONS } from "../drill/index.ts";
import { type DrillJob, type DrillOutcome, runScripts } from "../tools/drill/index.ts";
import { LoadError } from "../tools/load-module/index.ts";
import { EXIT_FAILED, usage } from "./failure.ts";
import { Progress } from "./progress.ts";

interface RawDrillOptions {
  readonly ignore_psh?: boolean;
  readonly ignore_ecr?: boolean;
  readonly strict_end?: boolean;
  readonly bless?: boolean;
  readonly pcapng?: string;
  readonly define: readonly string[];
  readonly jobs?: string;
  readonly json?: boolean;
  readonly [language: string]: unknown;
}

const SWITCHES = new Set(["tcp_ts_ecr_scaled", "strict_segments", "verbose", "debug", "dry_run"]);
/** Said in the help; the others of the language are taken all the same. */
const DESCRIBED: Readonly<Record<string, string>> = {
  tolerance_usecs: "microseconds by which a time may be off (4000)",
  tolerance_percent: "or percent of the time since the event before (12.5)",
  strict_segments: "one expected packet is exactly one packet",
  mtu: "of the device (1500)",
  local_ip: "of the stack (192.168.0.1)",
  remote_ip: "of the peer (192.0.2.1)",
  dry_run: "parse only",
};

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

export function registerDrill(program: Command): void {
  const command = program
    .command("drill")
    .summary("run packetdrill scripts in virtual time")
    .description(
      "Runs scripts in the packetdrill language (docs/drill.md) against this TCP, in virtual time: no root, no TUN, no waiting. A folder means all *.pkt files in it. Exits with 0 when all pass; a failure is told as FILE:LINE: with what was expected and what was seen.\n\nExample: tuntcp drill --pcapng run.pcapng close.pkt",
    )
    .argument("<files...>", "scripts, or folders of them")
    .option("--ignore_psh", "do not compare PSH")
    .option("--ignore_ecr", "do not compare the echo in timestamp options, as packetdrill does not")
    .option("--strict_end", "fail if packets are left at the end that nothing expects")
    .option("--bless", "rewrite expectations of packets that fail to what was seen")
    .option("--pcapng <file>", "write the packets of a single script as pcapng (- for stdout)")
    .option(
      "-D, --define <name=value>",
      "replace a word in the scripts; repeatable",
      collect,
      [] as string[],
    )
    .option("--jobs <n>", "scripts at a time; as many as there are cores")
    .option("--json", "print the outcomes as JSON");
  for (const name of LANGUAGE_OPTIONS) {
    if (name === "define") continue;
    const form = SWITCHES.has(name) ? `--${name}` : `--${name} <value>`;
    const text = DESCRIBED[name];
    const option = command.createOption(form, text ?? "");
    command.addOption(text === undefined ? option.hideHelp() : option);
  }
  command.action(drill);
}

async function drill(paths: string[], raw: RawDrillOptions): Promise<void> {
  const files = paths.flatMap(scriptsAt);
  if (raw.pcapng !== undefined && files.length !== 1)
    throw usage(`--pcapng: is for a single script, and these are ${files.length}`);
  if (raw.pcapng === "-" && raw.json === true)
    throw usage("--pcapng and --json: standard output takes one of them");
  const most = threads(raw);
  const args = languageArgs(raw);
  const wrong = checkDrillArgs(args);
  if (wrong !== null) throw usage(wrong);
  const jobs = files.map((file): DrillJob => ({
    file,
    args,
    ignorePsh: raw.ignore_psh === true,
    ignoreEcr: raw.ignore_ecr === true,
    strictEnd: raw.strict_end === true,
    bless: raw.bless === true,
    pcapng: raw.pcapng ?? null,
  }));
  const progress = new Progress(jobs.length);
  let outcomes: DrillOutcome[];
  try {
    outcomes = await runScripts(jobs, most, (done) => progress.at(done));
  } catch (error) {
    throw error instanceof LoadError ? usage(error.message) : error;
  } finally {
    progress.end();
  }
  report(outcomes, raw);
}

/** The file, or the scripts below the folder in the order of their names. */
function scriptsAt(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path, { recursive: true, encoding: "utf8" });
    const found = names.filter((name) => name.endsWith(".pkt")).toSorted();
    if (found.length === 0) throw usage(`${path}: no *.pkt in this folder`);
    return found.map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw usage(`${path}: ${lineOf(error)}`);
  }
}

function languageArgs(raw: RawDrillOptions): string[] {
  const args = raw.define.map((text) => {
    if (!/^\w+=/.test(text)) throw usage(`--define ${text}: expected NAME=VALUE`);
    return `--define=${text}`;
  });
  for (const name of LANGUAGE_OPTIONS) {
    const value = raw[name];
    if (name === "define" || value === undefined) continue;
    args.push(typeof value === "string" ? `--${name}=${value}` : `--${name}`);
  }
  return args;
}

function threads(raw: RawDrillOptions): number {
  if (raw.jobs === undefined) return availableParallelism();
  if (/^\d{1,4}$/.test(raw.jobs) && Number(raw.jobs) > 0) return Number(raw.jobs);
  throw usage(`--jobs ${raw.jobs}: expected a whole number from 1 on`);
}

function report(outcomes: readonly DrillOutcome[], raw: RawDrillOptions): void {
  const failed = outcomes.filter((outcome) => !outcome.ok);
  if (failed.length > 0) process.exitCode = EXIT_FAILED;
  // a capture on standard output has it for itself
  const say = (line: string): void =>
    void (raw.pcapng === "-" ? process.stderr : process.stdout).write(`${line}\n`);
  if (raw.json === true) {
    return say(
      JSON.stringify(
        { passed: outcomes.length - failed.length, failed: failed.length, outcomes },
        null,
        2,
      ),
    );
  }
  for (const { file, failure, warnings, printed, rewritten } of outcomes) {
    for (const line of printed) say(line);
    for (const warning of warnings) process.stderr.write(`warning: ${formatFailure(warning)}\n`);
    if (failure !== null) say(formatFailure(failure));
    if (rewritten) say(`${file}: rewritten to what was seen`);
  }
  const passed = outcomes.length - failed.length;
  say(`${passed} passed${failed.length === 0 ? "" : `, ${failed.length} failed`}`);
}
