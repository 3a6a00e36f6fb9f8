/** What `tuntcp bench` prints: a line for each figure while it measures, or all of them as JSON. */
import { type Figures, type History, type Machine, machine } from "../tools/bench/history.ts";
import type { Piece } from "../tools/bench/measure.ts";
import type { Row, Sample, Unit } from "../tools/bench/plan.ts";
import type { TunFacts } from "./bench-measure.ts";

const DIGITS: Readonly<Record<Unit, number>> = { "Gbit/s": 2, "1/s": 0, B: 0, "%": 3 };

/** A row, and its proportion to the median of the runs before; null when there are none. */
export interface ReportedRow extends Row {
  readonly earlier: number | null;
}

export interface ReportedPiece extends Piece {
  readonly earlier: number | null;
}

function besideEarlier(ratio: number | null): string {
  return ratio === null ? "" : `  earlier x ${ratio.toFixed(2)}`;
}

export function rowLine({ metric, what, unit, ours, kernel, earlier }: ReportedRow): string {
  const number = (s: Sample): string => s.rate.toFixed(DIGITS[unit]).padStart(9);
  const cpu = ours.cpu === undefined ? " ".repeat(8) : `cpu ${ours.cpu.toFixed(2)}`;
  const beside =
    kernel === null ? "" : `  kernel ${number(kernel)} (x ${(ours.rate / kernel.rate).toFixed(2)})`;
  const failures = ours.failures === 0 ? "" : `  ${ours.failures} FAILED`;
  return `${metric.padEnd(10)}${number(ours)} ${unit.padEnd(6)} ${cpu}${beside}${besideEarlier(earlier)}${more(ours)}${failures}  ${what}\n`;
}

function more({ p50, p99, collected, heap }: Sample): string {
  if (p50 !== undefined) return `  p50 ${p50.toFixed(1)} us, p99 ${p99!.toFixed(1)} us`;
  if (collected === undefined) return "";
  return `  after a collection ${collected.toFixed(0)}, V8's heap ${heap!.toFixed(0)}`;
}

export function pieceLine({ name, ns, earlier }: ReportedPiece): string {
  return `${ns.toFixed(1).padStart(10)} ns${besideEarlier(earlier)}  ${name}\n`;
}

/** By name, with the device's options where they are not the usual ones: other options make other figures. */
export function figuresOf(rows: readonly Row[], mode: string): Figures {
  const figures: Record<string, number> = {};
  for (const { metric, ours, kernel } of rows) {
    const name = figureName(metric, mode);
    figures[name] = ours.rate;
    if (ours.p50 !== undefined) figures[`${name} p50`] = ours.p50;
    if (ours.p99 !== undefined) figures[`${name} p99`] = ours.p99;
    if (kernel !== null) figures[`${name} kernel`] = kernel.rate;
  }
  return figures;
}

export function figureName(metric: string, mode: string): string {
  return mode === "" ? metric : `${metric} ${mode}`;
}

export interface Report {
  readonly date: string;
  readonly machine: Machine;
  readonly tun: TunFacts | null;
  /** Earlier runs in the history; null without one. */
  readonly runs: number | null;
  readonly rows: readonly ReportedRow[];
}

export function report(
  rows: readonly ReportedRow[],
  tun: TunFacts | null,
  history: History | null,
): Report {
  const date = new Date().toISOString();
  return { date, machine: machine(), tun, runs: history?.runs ?? null, rows };
}

export function footer(tun: TunFacts | null, history: History | null): string {
  const { cpu, cores, kernel, node } = machine();
  const where = `${cores} x ${cpu}, Linux ${kernel}, Node ${node}\n`;
  const before = history === null ? "" : `earlier: the median of ${history.runs} runs\n`;
  if (tun === null) return before + where;
  const how = tun.tso ? "checksum and segmentation offload" : "no segmentation offload";
  const read = `the largest read of the TUN had ${tun.largestRead} bytes`;
  return `${before}MTU ${tun.mtu}, ${how}; ${read}\n${where}`;
}
