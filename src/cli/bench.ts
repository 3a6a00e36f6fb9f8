/** `tuntcp bench`: what this stack does on this machine, beside Node on the kernel's sockets in the same run. */
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { lineOf } from "../base/errors.ts";
import { type Figures, History, machine } from "../tools/bench/history.ts";
import { measurePieces } from "../tools/bench/measure.ts";
import { PIECES } from "../tools/bench/pieces.ts";
import { type Metric, metricNamed, METRICS } from "../tools/bench/plan.ts";
import { Bench } from "./bench-measure.ts";
import {
  figureName,
  figuresOf,
  footer,
  pieceLine,
  report,
  type ReportedRow,
  rowLine,
} from "./bench-report.ts";
import { addDeviceOptions, checkDeviceOptions, type RawDeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";
import { runRootless } from "./rootless.ts";

interface BenchOptions extends RawDeviceOptions {
  readonly json?: boolean;
  readonly seconds: string;
  readonly runs: string;
  readonly metrics?: string;
  readonly kernel: boolean;
  readonly pieces?: boolean;
  readonly history?: string;
  readonly with?: string;
}

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure this machine, beside the kernel")
    .description(
      "Measures bulk both ways, round trips, connections a second and HTTP through a TUN, memory and idle cost of 10,000 connections, and two stacks in memory; beside it Node on the kernel's loopback in the same run. Medians.\n\nExample: tuntcp bench --metrics up1,down1",
    )
    .option("--metrics <list>", `some of ${METRICS.map((m) => m.name).join(",")}`)
    .option("--seconds <n>", "measured time of one run", "3")
    .option("--runs <n>", "runs of each; their median counts", "3")
    .option("--pieces", "instead: nanoseconds of codec, checksum, table, timers and machine")
    .option("--no-kernel", "leave out the kernel's figures")
    .option(
      "--history <file>",
      "keep the figures there, a line a run, and compare with those before",
    )
    .option("--json", "as JSON")
    .addOption(new Option("--with <file>", "more figures for the history, as JSON").hideHelp());
  addDeviceOptions(command).action(bench);
}

async function bench(raw: BenchOptions): Promise<void> {
  const options = checkDeviceOptions(raw);
  const plan = choose(raw.metrics);
  const seconds = positive("--seconds", raw.seconds, 60);
  const runs = positive("--runs", raw.runs, 20);
  const added = raw.with === undefined ? {} : readFigures(raw.with);
  const history = raw.history === undefined ? null : openHistory(raw.history);
  if (raw.pieces === true) {
    printPieces(history, raw.json === true);
    return;
  }
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  const mode = modeOf(raw);
  const running = new Bench({ device: options, raw, seconds, runs, kernel: raw.kernel });
  endOnSignals(() => running.end());
  const rows: ReportedRow[] = [];
  try {
    for (const metric of plan) {
      const row = await running.measure(metric);
      const earlier = history?.ratio(figureName(row.metric, mode), row.ours.rate) ?? null;
      rows.push({ ...row, earlier });
      if (raw.json !== true) process.stdout.write(rowLine(rows.at(-1)!));
    }
  } catch (error) {
    throw error instanceof CommandFailure ? error : new CommandFailure(EXIT_FAILED, lineOf(error));
  } finally {
    await running.end();
  }
  const text =
    raw.json === true
      ? `${JSON.stringify(report(rows, running.tun, history), null, 2)}\n`
      : footer(running.tun, history);
  process.stdout.write(text);
  history?.append({ ...added, ...figuresOf(rows, mode) });
}

function printPieces(history: History | null, json: boolean): void {
  const pieces = measurePieces(PIECES).map((piece) => ({
    ...piece,
    earlier: history?.ratio(piece.name, piece.ns) ?? null,
  }));
  if (json) process.stdout.write(`${JSON.stringify({ machine: machine(), pieces }, null, 2)}\n`);
  else for (const piece of pieces) process.stdout.write(pieceLine(piece));
  history?.append(Object.fromEntries(pieces.map(({ name, ns }) => [name, ns])));
}

function choose(text: string | undefined): Metric[] {
  if (text === undefined) return [...METRICS];
  return text.split(",").map((name) => {
    const metric = metricNamed(name.trim());
    if (metric !== null) return metric;
    throw usage(
      `--metrics ${name}: there are ${METRICS.map((m) => m.name).join(", ")}; up, down, cps, http, minimal and piped with another number; rr@N beside N idle connections, mem@N and idle@N of N`,
    );
  });
}

function positive(option: string, text: string, most: number): number {
  const n = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && n > 0 && n <= most) return n;
  throw usage(`${option} ${text}: a number above 0, at most ${most}`);
}

function openHistory(file: string): History {
  try {
    return new History(file);
  } catch (error) {
    throw usage(`--history ${file}: ${lineOf(error)}`);
  }
}

function readFigures(file: string): Figures {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Figures;
  } catch (error) {
    throw usage(`--with ${file}: ${lineOf(error)}`);
  }
}

/** The options that make other figures of the same name, where they are not the usual ones. */
function modeOf(raw: BenchOptions): string {
  const parts = [
    raw.mtu === "1500" ? "" : `mtu=${raw.mtu}`,
    raw.offload === "auto" ? "" : `offload=${raw.offload}`,
    raw.impair === undefined ? "" : `impair=${raw.impair}`,
    ...raw.set,
  ];
  return parts.filter((part) => part !== "").join(" ");
}
