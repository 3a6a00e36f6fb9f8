/** The figures of flows and links that tables and CSV show, by name and unit. */
import type { FlowResult, LinkResult } from "../../sim/index.ts";
import { percentile } from "./statistics.ts";

export type Unit = "bit/s" | "bytes" | "ms" | "packets" | "count";

export interface FigureOf<T> {
  readonly name: string;
  /** Over the column. */
  readonly title: string;
  readonly unit: Unit;
  /** NaN: does not apply. */
  readonly of: (item: T) => number;
}

export const FLOW_FIGURES: readonly FigureOf<FlowResult>[] = [
  { name: "goodput", title: "goodput", unit: "bit/s", of: (f) => f.goodput },
  { name: "bytes", title: "received", unit: "bytes", of: (f) => f.bytes },
  { name: "time", title: "time", unit: "ms", of: (f) => f.end - f.start },
  { name: "retransmits", title: "sent again", unit: "count", of: (f) => f.retransmits },
  { name: "timeouts", title: "timeouts", unit: "count", of: (f) => f.timeouts },
  { name: "rttMin", title: "RTT min", unit: "ms", of: (f) => f.rttMin },
  { name: "rttMean", title: "RTT mean", unit: "ms", of: (f) => f.rttMean },
  { name: "answers", title: "answers", unit: "count", of: (f) => f.answers?.t.length ?? NaN },
  { name: "answerMean", title: "mean", unit: "ms", of: (f) => meanOf(times(f)) },
  { name: "answer95", title: "95 %", unit: "ms", of: (f) => percentile(times(f), 0.95) },
];

export const LINK_FIGURES: readonly FigureOf<LinkResult>[] = [
  { name: "packets", title: "packets", unit: "count", of: (l) => l.packets },
  { name: "bytes", title: "bytes", unit: "bytes", of: (l) => l.bytes },
  { name: "lost", title: "lost", unit: "count", of: (l) => l.lost },
  { name: "overflowed", title: "overflowed", unit: "count", of: (l) => l.overflowed },
  { name: "aqmDropped", title: "AQM", unit: "count", of: (l) => l.aqmDropped },
  { name: "cut", title: "cut", unit: "count", of: (l) => l.cut },
  { name: "tooBig", title: "too big", unit: "count", of: (l) => l.tooBig },
  { name: "fragmented", title: "fragmented", unit: "count", of: (l) => l.fragmented },
  { name: "marked", title: "CE", unit: "count", of: (l) => l.marked },
  { name: "duplicated", title: "doubled", unit: "count", of: (l) => l.duplicated },
  { name: "corrupted", title: "damaged", unit: "count", of: (l) => l.corrupted },
  { name: "reordered", title: "reordered", unit: "count", of: (l) => l.reordered },
  { name: "queueMean", title: "queue mean", unit: "packets", of: (l) => l.queueMean },
  { name: "queueMost", title: "most", unit: "packets", of: (l) => l.queueMost },
  { name: "waitMean", title: "wait", unit: "ms", of: (l) => l.waitMean },
];

function times(flow: FlowResult): readonly number[] {
  return flow.answers?.["time"] ?? [];
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? NaN : values.reduce((sum, v) => sum + v, 0) / values.length;
}
