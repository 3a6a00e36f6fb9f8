/**
 * Connections that were only watched, as a figure: each direction that carried data with its time-sequence graph, and what a watcher
 * can tell of flight, round-trip time and rate. Times are those of the place where was watched.
 */
import { ACK } from "../../wire/tcp-segment.ts";
import type { Rung } from "../observe/index.ts";
import {
  type Figure,
  type Ladder,
  type Line,
  type Mark,
  MARK_KINDS,
  type MarkColumns,
  type Owner,
  type Panel,
  type Sequence,
} from "./figure.ts";
import { formatValue } from "./ticks.ts";

/** One segment, whatever the states at both ends. */
export type SeenSegment = Omit<Rung, "left" | "right">;

export interface SeenConnection {
  readonly left: string;
  readonly right: string;
  readonly rungs: readonly SeenSegment[];
}

/** Directions in one picture; those with most bytes. */
const MOST = 12;
/** The rate is the mean over so many stretches of the whole time. */
const STRETCHES = 200;

interface Samples {
  readonly t: number[];
  readonly v: number[];
}

interface Direction {
  readonly name: string;
  readonly way: string;
  readonly marks: Map<Mark, { t: number[]; from: number[]; to: number[] }>;
  readonly flight: Samples;
  readonly window: Samples;
  readonly rtt: Samples;
  /** Bytes acknowledged in all, over time. */
  readonly acked: Samples;
  bytes: number;
  again: number;
}

export function figureOfConnections(
  name: string,
  connections: readonly SeenConnection[],
  ladders: readonly Ladder[] = [],
): Figure {
  const rungs = connections.flatMap((c) => [c.rungs[0], c.rungs.at(-1)]).filter((r) => r != null);
  const start = rungs.reduce((least, { time }) => Math.min(least, time), Infinity);
  const duration = rungs.reduce((most, { time }) => Math.max(most, time - start), 0);
  const all = connections
    .flatMap((c) => [follow(c, true, start), follow(c, false, start)])
    .filter(({ bytes }) => bytes > 0);
  const shown = all.toSorted((a, b) => b.bytes - a.bytes).slice(0, MOST);
  const left = all.length > MOST ? `, the ${MOST} of ${all.length} directions with most bytes` : "";
  return {
    runs: [{ name, facts: `${formatValue(duration, "ms")}${left}` }],
    duration,
    owners: shown.map(ownerOf),
    panels: panelsOf(shown, duration),
    sequences: shown.map((direction, owner): Sequence => ({ owner, marks: columnsOf(direction) })),
    ladders,
  };
}

/** What one end sent, and what came back for it. */
function follow(c: SeenConnection, leftSends: boolean, start: number): Direction {
  const direction: Direction = {
    name: leftSends ? `${c.left} → ${c.right}` : `${c.right} → ${c.left}`,
    way: leftSends ? "from the end seen first" : "to the end seen first",
    marks: new Map(),
    flight: { t: [], v: [] },
    window: { t: [], v: [] },
    rtt: { t: [], v: [] },
    acked: { t: [], v: [] },
    bytes: 0,
    again: 0,
  };
  const state = { sent: 0, acked: 0, timed: [] as { end: number; time: number }[] };
  for (const s of c.rungs) {
    const time = s.time - start;
    if (s.fromLeft === leftSends) sends(direction, s, time, state);
    else if ((s.flags & ACK) !== 0 && s.ack > 0) acknowledges(direction, s, time, state);
  }
  return direction;
}

interface State {
  sent: number;
  acked: number;
  /** Segments that were sent once, for round-trip times (Karn). */
  timed: { end: number; time: number }[];
}

function sends(d: Direction, s: SeenSegment, time: number, state: State): void {
  if (s.length === 0) return;
  // the SYN has number 0
  const [from, to] = [s.seq - 1, s.seq - 1 + s.length];
  if (s.remark.startsWith("dropped")) mark(d, "dropped", time, from, to);
  if (to <= state.sent) {
    mark(d, "retransmission", time, from, to);
    d.again += s.length;
    state.timed = state.timed.filter(({ end }) => end <= from);
    return;
  }
  mark(d, "data", time, from, to);
  d.bytes += to - Math.max(from, state.sent);
  state.sent = to;
  state.timed.push({ end: to, time });
  push(d.flight, time, state.sent - state.acked);
}

function acknowledges(d: Direction, s: SeenSegment, time: number, state: State): void {
  const ack = s.ack - 1;
  mark(d, "ack", time, ack, ack);
  mark(d, "window", time, ack + s.window, ack + s.window);
  push(d.window, time, s.window);
  for (const [, from, to] of s.options.matchAll(/\bsack (\d+):(\d+)/g)) {
    mark(d, "sack", time, Number(from) - 1, Number(to) - 1);
  }
  if (ack <= state.acked) return;
  state.acked = ack;
  const covered = state.timed.findLastIndex(({ end }) => end <= ack);
  if (covered >= 0) {
    push(d.rtt, time, time - state.timed[covered]!.time);
    state.timed.splice(0, covered + 1);
  }
  push(d.flight, time, Math.max(0, state.sent - state.acked));
  push(d.acked, time, state.acked);
}

function mark(d: Direction, kind: Mark, time: number, from: number, to: number): void {
  let columns = d.marks.get(kind);
  if (columns === undefined) d.marks.set(kind, (columns = { t: [], from: [], to: [] }));
  columns.t.push(time);
  columns.from.push(from);
  columns.to.push(to);
}

function push(samples: Samples, time: number, value: number): void {
  samples.t.push(time);
  samples.v.push(value);
}

function ownerOf(d: Direction, rank: number): Owner {
  const facts: [string, string][] = [
    ["way", d.way],
    ["bytes", formatValue(d.bytes, "B")],
    ["retransmitted", formatValue(d.again, "B")],
  ];
  return { kind: "flow", name: d.name, run: 0, rank, facts };
}

function columnsOf(d: Direction): MarkColumns[] {
  return MARK_KINDS.flatMap((kind): MarkColumns[] => {
    const columns = d.marks.get(kind);
    if (columns === undefined) return [];
    return [
      {
        kind,
        t: Float64Array.from(columns.t),
        from: Float64Array.from(columns.from),
        to: Float64Array.from(columns.to),
      },
    ];
  });
}

function panelsOf(shown: readonly Direction[], duration: number): Panel[] {
  const lines = (quantity: string, of: (d: Direction) => Samples): Line[] =>
    shown.flatMap((d, owner) => {
      const { t, v } = of(d);
      if (t.length === 0) return [];
      return [{ owner, quantity, t: Float64Array.from(t), v: Float64Array.from(v) }];
    });
  const panels: Panel[] = [
    { id: "flight", title: "In flight", unit: "B", lines: lines("sent", (d) => d.flight) },
    { id: "rtt", title: "Round-trip time", unit: "ms", lines: lines("RTT", (d) => d.rtt) },
    {
      id: "rate",
      title: "Rate acknowledged",
      unit: "bit/s",
      lines: lines("rate", (d) => rateOf(d.acked, duration)),
    },
    {
      id: "receiver",
      title: "Window of the receiver",
      unit: "B",
      lines: lines("window", (d) => d.window),
    },
  ];
  return panels.filter((panel) => panel.lines.length > 0);
}

/** Bits a second acknowledged in each stretch, at its end. */
function rateOf(acked: Samples, duration: number): Samples {
  const rate: Samples = { t: [], v: [] };
  const width = duration / STRETCHES;
  if (!(width > 0)) return rate;
  let before = 0;
  for (let k = 1, i = 0; k <= STRETCHES; k++) {
    let now = before;
    for (; i < acked.t.length && acked.t[i]! <= k * width; i++) now = acked.v[i]!;
    push(rate, k * width, ((now - before) * 8000) / width);
    before = now;
  }
  return rate;
}
