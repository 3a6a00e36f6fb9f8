/** Results as tables for a person, and as CSV with one figure a line for programs. */
import type { FlowResult, Parameters, SimRun } from "../../sim/index.ts";
import { type FigureOf, FLOW_FIGURES, LINK_FIGURES, type Unit } from "./figures.ts";
import type { Results } from "./results.ts";
import { estimate } from "./statistics.ts";

export function tables(all: Results): string {
  const { experiment, runs } = all;
  const first = runs[0];
  if (first === undefined) return "no runs in this shard\n";
  const shard = all.shard === null ? "" : `   shard ${all.shard.index}/${all.shard.of}`;
  const count = runs.length === 1 ? "" : `   ${runs.length} runs`;
  const head = `${first.scenario}   seed ${experiment.seed}   ${first.duration / 1000} s of virtual time${count}${shard}\n`;
  const groups = groupsOf(runs);
  const parts = groups.map((group) => {
    const title = parametersText(group[0]!.parameters);
    return `${title === "" ? "" : `\n${title}\n`}\n${flowTable(group)}\n${linkTable(group)}`;
  });
  const interval =
    experiment.replicates > 1
      ? `\nmean ± half of the 95 % confidence interval over ${experiment.replicates} replicates\n`
      : "";
  const digest = runs.length === 1 ? `\ndigest ${first.digest}\n` : "";
  return head + parts.join("") + interval + digest;
}

/** Runs with equal parameters, in their order. */
function groupsOf(runs: readonly SimRun[]): SimRun[][] {
  const groups = new Map<string, SimRun[]>();
  for (const run of runs) {
    const key = JSON.stringify(run.parameters);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()];
}

function parametersText(parameters: Parameters): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}

function flowTable(group: readonly SimRun[]): string {
  const flows = group[0]!.flows;
  const columns = FLOW_FIGURES.filter(({ of }) => flows.some((flow) => !Number.isNaN(of(flow))));
  const rows = flows.map((flow, i) => [
    flow.name,
    `${flow.from} > ${flow.to}`,
    flow.congestionControl,
    ...columns.map((figure) => cell(figure, group, (run) => run.flows[i]!)),
    outcomes(group.map((run) => run.flows[i]!)),
  ]);
  return table(["flow", "", "control", ...columns.map((c) => c.title), "outcome"], rows);
}

function linkTable(group: readonly SimRun[]): string {
  const used = group[0]!.links.flatMap((link, i) => (link.packets > 0 ? [i] : []));
  // columns of what never happened would only take room
  const columns = LINK_FIGURES.filter((figure) =>
    group.some((run) => used.some((i) => figure.of(run.links[i]!) !== 0)),
  );
  const rows = used.map((i) => [
    group[0]!.links[i]!.name,
    ...columns.map((figure) => cell(figure, group, (run) => run.links[i]!)),
  ]);
  return table(["link", ...columns.map((c) => c.title)], rows);
}

/** `done`, or `done 7, ETIMEDOUT 3`. */
function outcomes(flows: readonly FlowResult[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of flows) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  if (counts.size === 1) return flows[0]!.outcome;
  return [...counts].map(([outcome, n]) => `${outcome} ${n}`).join(", ");
}

function cell<T>(figure: FigureOf<T>, group: readonly SimRun[], pick: (run: SimRun) => T): string {
  const values = group.map((run) => figure.of(pick(run))).filter((value) => !Number.isNaN(value));
  if (values.length === 0) return "-";
  const { mean, half } = estimate(values);
  const [scale, unit] = scaleOf(mean, figure.unit);
  const text = digits(mean / scale);
  const spread = Number.isNaN(half) ? "" : ` ± ${digits(half / scale)}`;
  return `${text}${spread}${unit === "" ? "" : ` ${unit}`}`;
}

function scaleOf(value: number, unit: Unit): readonly [number, string] {
  if (unit === "count" || unit === "packets") return [1, ""];
  if (unit === "ms") return value >= 10_000 ? [1000, "s"] : [1, "ms"];
  const suffix = unit === "bytes" ? "B" : "bit/s";
  if (value >= 1e9) return [1e9, `G${suffix}`];
  if (value >= 1e6) return [1e6, `M${suffix}`];
  return value >= 1e3 ? [1e3, `k${suffix}`] : [1, suffix];
}

/** Four digits that count. */
function digits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const places = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? 1 : 2;
  return value.toFixed(Math.abs(value) < 0.1 ? 3 : places);
}

/** Columns as wide as their widest cell; all but names to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all
    .map((row) =>
      row
        .map((text, i) =>
          /^[\d-]/.test(rows[0]?.[i] ?? "") ? text.padStart(widths[i]!) : text.padEnd(widths[i]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** One figure a line: run, seed, replicate, each parameter, what it is of, name, figure, value, unit. */
export function csv(all: Results): string {
  const names = Object.keys(all.runs[0]?.parameters ?? {});
  const head = ["seed", "replicate", ...names, "what", "name", "figure", "value", "unit"];
  const lines = [head.join(",")];
  for (const run of all.runs) {
    const start = [run.seed, run.replicate, ...names.map((name) => run.parameters[name]!)];
    const add = <T extends { name: string }>(
      what: string,
      items: readonly T[],
      figures: readonly FigureOf<T>[],
    ): void => {
      for (const item of items) {
        for (const { name, of, unit } of figures) {
          const value = of(item);
          if (Number.isNaN(value)) continue;
          lines.push([...start, what, item.name, name, value, unit].map(field).join(","));
        }
      }
    };
    add("flow", run.flows, FLOW_FIGURES);
    add("link", run.links, LINK_FIGURES);
  }
  return `${lines.join("\n")}\n`;
}

/** Quoted where RFC 4180 wants it. */
function field(value: string | number | boolean): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
