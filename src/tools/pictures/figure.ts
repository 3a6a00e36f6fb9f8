/**
 * What a picture shows, whatever it was made of: lines over time in panels, and the marks of time-sequence graphs. Typed
 * columns, so that a million points stay cheap; it knows neither SVG nor a browser, and runs in both.
 */

/** Samples of one quantity; `t` in ms never falls, NaN in `v` is a gap. */
export interface Line {
  /** Index into `owners`. */
  readonly owner: number;
  /** "cwnd", "srtt", …: what is switched on and off together. */
  readonly quantity: string;
  readonly t: Float64Array;
  readonly v: Float64Array;
}

export type Unit = "B" | "bit/s" | "ms" | "packets";

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly lines: readonly Line[];
}

/** A flow or a direction of a link. */
export interface Owner {
  readonly kind: "flow" | "link";
  readonly name: string;
  /** Index into `runs`. */
  readonly run: number;
  /** Counts the owners of its kind; picks colour and shape. */
  readonly rank: number;
  /** Figures of the run, for reading. */
  readonly facts: readonly (readonly [string, string])[];
}

export const MARK_KINDS = [
  "window",
  "data",
  "sack",
  "ack",
  "retransmission",
  "ce",
  "dropped",
] as const;
export type Mark = (typeof MARK_KINDS)[number];

/** Marks of one kind: at `t` from `from` to `to`, bytes from the beginning of the flow. */
export interface MarkColumns {
  readonly kind: Mark;
  readonly t: Float64Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
}

export interface Sequence {
  readonly owner: number;
  /** In the order in which they are drawn. */
  readonly marks: readonly MarkColumns[];
}

export interface RunTitle {
  readonly name: string;
  readonly facts: string;
}

/** A segment on its way between two ends. */
export interface LadderSegment {
  /** ms; null: it never did. */
  readonly sent: number;
  readonly arrived: number | null;
  readonly fromLeft: boolean;
  /** As it is written beside it. */
  readonly time: string;
  /** The first one that has room is taken; the last one in any case. */
  readonly labels: readonly string[];
  readonly look: "plain" | "again" | "reset";
  /** What is said of it on the right. */
  readonly notes: readonly string[];
}

/** From `at` (ms) on. */
export interface LadderState {
  readonly at: number;
  readonly state: string;
}

/** Two time lines, side by side. */
export interface Ladder {
  readonly left: string;
  readonly right: string;
  readonly segments: readonly LadderSegment[];
  readonly states: {
    readonly left: readonly LadderState[];
    readonly right: readonly LadderState[];
  };
  /** What is said of segments that are left out before the one of this index. */
  readonly gaps: readonly { readonly before: number; readonly text: string }[];
  /** What is said below. */
  readonly remarks: readonly string[];
}

export interface Figure {
  readonly runs: readonly RunTitle[];
  /** ms. */
  readonly duration: number;
  readonly owners: readonly Owner[];
  readonly panels: readonly Panel[];
  readonly sequences: readonly Sequence[];
  /** Of connections that were watched. */
  readonly ladders: readonly Ladder[];
}

/** Several runs over the same time, one above the other. */
export function overlay(figures: readonly Figure[]): Figure {
  const owners: Owner[] = [];
  const runs: RunTitle[] = [];
  const panels = new Map<string, Panel & { lines: Line[] }>();
  const sequences: Sequence[] = [];
  for (const figure of figures) {
    const [firstOwner, firstRun] = [owners.length, runs.length];
    const ranks = { flow: count(owners, "flow"), link: count(owners, "link") };
    for (const o of figure.owners) {
      owners.push({ ...o, run: o.run + firstRun, rank: o.rank + ranks[o.kind] });
    }
    runs.push(...figure.runs);
    for (const panel of figure.panels) {
      const known = panels.get(panel.id) ?? { ...panel, lines: [] };
      panels.set(panel.id, known);
      for (const line of panel.lines) {
        known.lines.push({ ...line, owner: line.owner + firstOwner });
      }
    }
    for (const s of figure.sequences) sequences.push({ ...s, owner: s.owner + firstOwner });
  }
  const duration = Math.max(0, ...figures.map((f) => f.duration));
  const ladders = figures.flatMap((figure) => figure.ladders);
  return { runs, duration, owners, panels: [...panels.values()], sequences, ladders };
}

function count(owners: readonly Owner[], kind: Owner["kind"]): number {
  return owners.filter((o) => o.kind === kind).length;
}

/** The name of an owner; which run it belongs to is said where there are several. */
export function ownerName(figure: Figure, owner: number): string {
  const { name, run } = figure.owners[owner]!;
  return figure.runs.length > 1 ? `${runLetter(run)}: ${name}` : name;
}

export function runLetter(run: number): string {
  return run < 26 ? String.fromCharCode(65 + run) : `#${run + 1}`;
}
