/** What `tuntcp fuzz` says: a line of progress, a line for each target, the table of cells. */
import { describeCell, isPossible, KINDS, STATES } from "../fuzz/index.ts";
import type { SessionReport } from "../tools/fuzz/session.ts";

const number = new Intl.NumberFormat("en-US");

function count(n: number): string {
  return number.format(Math.round(n));
}

function coverage(report: SessionReport): string {
  const rooms = Object.entries(report.branches).map(
    ([room, { taken, all }]) => `${room} ${((100 * taken) / all).toFixed(1)} %`,
  );
  const parts = rooms.length === 0 ? [] : [`branches ${rooms.join(" ")}`];
  if (report.cells !== null) parts.push(`cells ${report.cells.hit}/${report.cells.possible}`);
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

export function line(report: SessionReport): string {
  const { target, executions, elapsed, corpus, findings } = report;
  const rate = elapsed === 0 ? 0 : (executions / elapsed) * 1000;
  const found = findings.length === 0 ? "nothing found" : `${findings.length} found`;
  return `${target}: ${count(executions)} inputs, ${count(rate)}/s, corpus ${count(corpus)}${coverage(report)}; ${found}`;
}

/** ms between two lines where standard error is no terminal. */
const EVERY = 10_000;

/** On a terminal the line stays in its place. */
export class ProgressLine {
  private readonly isTerminal: boolean = process.stderr.isTTY;
  private last: number;

  constructor() {
    this.last = this.isTerminal ? -Infinity : performance.now();
  }

  at(report: SessionReport): void {
    const now = performance.now();
    if (now - this.last < (this.isTerminal ? 200 : EVERY)) return;
    this.last = now;
    process.stderr.write(this.isTerminal ? `\r${line(report)}\x1b[K` : `${line(report)}\n`);
  }

  end(): void {
    if (this.isTerminal) process.stderr.write("\r\x1b[K");
  }
}

/** Cells of the model's table that were hit: a row a state, a column a kind of segment. */
export function cellTable(hit: Uint8Array): string {
  const counts = new Map<string, [hit: number, all: number]>();
  for (let i = 0; i < hit.length; i++) {
    if (!isPossible(i)) continue;
    const { state, kind } = describeCell(i);
    const key = `${state} ${kind}`;
    const entry = counts.get(key) ?? [0, 0];
    counts.set(key, [entry[0] + (hit[i] === 1 ? 1 : 0), entry[1] + 1]);
  }
  const rows = STATES.map((state) => [
    state.padEnd(13),
    ...KINDS.map((kind) => (counts.get(`${state} ${kind}`) ?? [0, 0]).join("/").padStart(8)),
  ]);
  const header = ["".padEnd(13), ...KINDS.map((kind) => kind.padStart(8))];
  return [header, ...rows].map((cells) => `${cells.join("").trimEnd()}\n`).join("");
}

/** For `--json`: one object a run. */
export function toJson(
  reports: readonly SessionReport[],
  path: (i: number, k: number) => string,
): object[] {
  return reports.map((report, i) => {
    const { target, executions, elapsed, features, corpus, branches, cells } = report;
    return {
      target,
      executions,
      seconds: elapsed / 1000,
      perSecond: elapsed === 0 ? 0 : Math.round((executions / elapsed) * 1000),
      features,
      corpus,
      branches,
      cells,
      findings: report.findings.map(({ finding }, k) => ({
        file: path(i, k),
        rule: finding.violation.rule,
        message: finding.violation.message,
        hash: finding.hash,
      })),
    };
  });
}
