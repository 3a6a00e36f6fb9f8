/** A simulated run as a figure. */
import type { FlowResult, LinkResult, Marks, Series, SimRun } from "../../sim/record.ts";
import {
  type Figure,
  type Line,
  MARK_KINDS,
  type MarkColumns,
  type Owner,
  type Panel,
  type Sequence,
  type Unit,
} from "./figure.ts";
import { formatValue } from "./ticks.ts";

/** From here on ssthresh means "none yet" (RFC 5681 §3.1: arbitrarily high). */
const NO_THRESHOLD = 0x7fffffff;

interface Source {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  /** Column, and the name it goes by. */
  readonly columns: readonly (readonly [string, string])[];
  /** Zero means that there was no sample. */
  readonly zeroIsGap?: boolean;
}

const OF_FLOWS: readonly Source[] = [
  {
    id: "window",
    title: "Congestion window",
    unit: "B",
    columns: [
      ["cwnd", "cwnd"],
      ["ssthresh", "ssthresh"],
      ["flight", "in flight"],
    ],
  },
  {
    id: "rtt",
    title: "Round-trip time",
    unit: "ms",
    columns: [
      ["rtt", "RTT"],
      ["srtt", "srtt"],
    ],
    zeroIsGap: true,
  },
  { id: "rate", title: "Rate delivered", unit: "bit/s", columns: [["rate", "rate"]] },
];

const OF_LINKS: readonly Source[] = [
  { id: "queue", title: "Queue", unit: "B", columns: [["queueBytes", "queue"]] },
  { id: "delay", title: "Queueing delay", unit: "ms", columns: [["delay", "delay"]] },
];

export function figureOfRun(run: SimRun): Figure {
  const flows = run.flows.map((flow, rank): Owner => {
    return { kind: "flow", name: flow.name, run: 0, rank, facts: flowFacts(flow) };
  });
  const links = run.links.map((link, rank): Owner => {
    return { kind: "link", name: link.name, run: 0, rank, facts: linkFacts(link) };
  });
  const panels = [
    ...OF_FLOWS.map((source) => panel(source, run.flows, 0)),
    ...OF_LINKS.map((source) => panel(source, run.links, flows.length)),
  ];
  const sequences: Sequence[] = [];
  run.flows.forEach(({ marks }, owner) => {
    if (marks !== null && marks.t.length > 0) sequences.push({ owner, marks: byKind(marks) });
  });
  return {
    runs: [{ name: run.scenario, facts: runFacts(run) }],
    duration: run.duration,
    owners: [...flows, ...links],
    panels: panels.filter(({ lines }) => lines.length > 0),
    sequences,
    ladders: [],
  };
}

function panel(source: Source, of: readonly { readonly series: Series }[], first: number): Panel {
  const { id, title, unit } = source;
  const lines: Line[] = [];
  of.forEach(({ series }, index) => {
    const t = Float64Array.from(series.t);
    for (const [column, quantity] of source.columns) {
      const values = series[column];
      if (values === undefined || !values.some((x) => x > 0)) continue;
      const v = Float64Array.from(values, (x) => (isGap(x, quantity, source) ? NaN : x));
      if (v.some((x) => !Number.isNaN(x))) lines.push({ owner: first + index, quantity, t, v });
    }
  });
  return { id, title, unit, lines };
}

function isGap(value: number, quantity: string, source: Source): boolean {
  if (!Number.isFinite(value)) return true;
  if (quantity === "ssthresh") return value >= NO_THRESHOLD;
  return value === 0 && source.zeroIsGap === true;
}

function byKind(marks: Marks): MarkColumns[] {
  const rows = new Map<string, number[]>();
  marks.kind.forEach((kind, i) => {
    const known = rows.get(kind);
    if (known === undefined) rows.set(kind, [i]);
    else known.push(i);
  });
  const pick = (column: readonly number[], which: readonly number[]): Float64Array =>
    Float64Array.from(which, (i) => column[i]!);
  return MARK_KINDS.flatMap((kind) => {
    const which = rows.get(kind);
    if (which === undefined) return [];
    return {
      kind,
      t: pick(marks.t, which),
      from: pick(marks.from, which),
      to: pick(marks.to, which),
    };
  });
}

function runFacts(run: SimRun): string {
  const parameters = Object.entries(run.parameters).map(([name, value]) => `${name} ${value}`);
  const replicate = run.replicate > 0 ? [`replicate ${run.replicate}`] : [];
  return [
    ...parameters,
    `seed ${run.seed}`,
    ...replicate,
    formatValue(run.duration, "ms"),
    `digest ${run.digest.slice(0, 12)}`,
  ].join(", ");
}

function flowFacts(f: FlowResult): [string, string][] {
  return [
    ["way", `${f.from} to ${f.to}`],
    ["congestion control", f.congestionControl],
    ["bytes", formatValue(f.bytes, "B")],
    ["goodput", formatValue(f.goodput, "bit/s")],
    ["retransmitted", String(f.retransmits)],
    ["timeouts", String(f.timeouts)],
    ["RTT min / mean", `${formatValue(f.rttMin, "ms")} / ${formatValue(f.rttMean, "ms")}`],
    ["outcome", f.outcome],
  ];
}

function linkFacts(l: LinkResult): [string, string][] {
  const counts: [string, number][] = [
    ["lost", l.lost],
    ["queue full", l.overflowed],
    ["dropped by AQM", l.aqmDropped],
    ["cut", l.cut],
    ["too big", l.tooBig],
    ["fragmented", l.fragmented],
    ["marked CE", l.marked],
    ["duplicated", l.duplicated],
    ["corrupted", l.corrupted],
    ["reordered", l.reordered],
  ];
  const seen = counts.filter(([, n]) => n > 0).map(([name, n]): [string, string] => [name, `${n}`]);
  return [["packets", String(l.packets)], ["bytes", formatValue(l.bytes, "B")], ...seen];
}
