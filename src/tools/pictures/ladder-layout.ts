/** Where on the paper each departure and arrival of a ladder is: their order in time, silences shortened, notes with room. */
import type { Ladder, LadderSegment } from "./figure.ts";

export interface Row {
  readonly at: number;
  readonly y: number;
  readonly atLeft: boolean;
}

export interface Layout {
  readonly rows: readonly Row[];
  readonly sent: ReadonlyMap<LadderSegment, number>;
  readonly arrived: ReadonlyMap<LadderSegment, number>;
  /** By the index of {@link Ladder.gaps}. */
  readonly gaps: readonly number[];
  readonly bottom: number;
}

/** Pixels between two events, at the least; and how much more a longer silence gets. */
const ROW = 17;
const SILENCE = 9;
/** Of a line of a note, and letters in one. */
export const NOTE_LINE = 13;
const NOTE_LETTERS = 54;

interface Happening {
  readonly at: number;
  /** Of equal times: gaps, arrivals, departures. */
  readonly rank: number;
  readonly order: number;
  readonly segment: LadderSegment | null;
}

export function layLadder(ladder: Ladder, top: number): Layout {
  const happenings = happeningsOf(ladder);
  const rows: Row[] = [];
  const sent = new Map<LadderSegment, number>();
  const arrived = new Map<LadderSegment, number>();
  const gaps: number[] = [];
  let y = top;
  let last = happenings[0]?.at ?? 0;
  let noteEnd = top - NOTE_LINE;
  let count = 0;
  for (const { at, rank, segment } of happenings) {
    if (count++ > 0) y += ROW + (segment === null ? 0 : SILENCE * Math.log10(1 + at - last));
    last = at;
    if (segment === null) {
      gaps.push(y);
      continue;
    }
    const leaves = rank === LEAVES;
    if (leaves && segment.notes.length > 0) {
      y = Math.max(y, noteEnd + NOTE_LINE);
      noteEnd = y + NOTE_LINE * (noteLines(segment).length - 1) + 5;
    }
    // where a lost one would have arrived nothing happens
    if (leaves || segment.arrived !== null)
      rows.push({ at, y, atLeft: leaves === segment.fromLeft });
    (leaves ? sent : arrived).set(segment, y);
  }
  return { rows, sent, arrived, gaps, bottom: Math.max(y, noteEnd) + 30 };
}

const GAP = 0;
const ARRIVES = 1;
const LEAVES = 2;

function happeningsOf({ segments, gaps }: Ladder): Happening[] {
  const all: Happening[] = segments.flatMap((segment, order) => {
    const at = segment.arrived ?? missedAt(segment, segments);
    return [
      { at: segment.sent, rank: LEAVES, order, segment },
      ...(at === null ? [] : [{ at, rank: ARRIVES, order, segment }]),
    ];
  });
  for (const { before } of gaps) {
    const at = segments[before]?.sent ?? Infinity;
    all.push({ at, rank: GAP, order: before, segment: null });
  }
  return all.toSorted((a, b) => a.at - b.at || a.rank - b.rank || a.order - b.order);
}

/** When one that was lost out of a burst would have arrived: it keeps its place, so that the others stay side by side. */
function missedAt(lost: LadderSegment, segments: readonly LadderSegment[]): number | null {
  const beside = segments.find(
    (s) => s.sent === lost.sent && s.fromLeft === lost.fromLeft && s.arrived !== null,
  );
  return beside?.arrived ?? null;
}

export function noteLines({ notes }: LadderSegment): string[] {
  return notes.flatMap((note) => wrap(note, NOTE_LETTERS));
}

/** Where on its line a state of that end begins: at the event that brought it. */
export function stateHeight(at: number, atLeft: boolean, { rows }: Layout, top: number): number {
  const mine = rows.filter((row) => row.atLeft === atLeft && row.at <= at);
  const next = rows.findIndex((row) => row.at > at);
  const before = mine.at(-1);
  if (before === undefined) return top;
  // a timer's doing lies between two events
  if (before.at < at && next > 0) return (rows[next - 1]!.y + rows[next]!.y) / 2;
  return mine.find((row) => row.at === at)?.y ?? before.y;
}

/** How far down a segment is carried on its way: a lost one as those of its direction that left before and after it. */
export function fallOf(segment: LadderSegment, ladder: Ladder, { sent, arrived }: Layout): number {
  const fall = (s: LadderSegment): number => arrived.get(s)! - sent.get(s)!;
  if (arrived.has(segment)) return fall(segment);
  const { segments } = ladder;
  const at = segments.indexOf(segment);
  const alike = (s: LadderSegment): boolean =>
    s.fromLeft === segment.fromLeft && s.arrived !== null;
  const near = [segments.slice(0, at).findLast(alike), segments.slice(at).find(alike)];
  const falls = near.filter((s) => s !== undefined).map(fall);
  return falls.length === 0 ? 24 : falls.reduce((sum, f) => sum + f, 0) / falls.length;
}

/** Where along its way, from 0 at its sender to 1, each segment is crossed by others. */
export function crossingsOf(
  ladder: Ladder,
  layout: Layout,
): ReadonlyMap<LadderSegment, readonly number[]> {
  const lines = ladder.segments.map((segment) => {
    const from = layout.sent.get(segment)!;
    const to = from + fallOf(segment, ladder, layout);
    return segment.fromLeft ? { left: from, right: to } : { left: to, right: from };
  });
  const found = ladder.segments.map((): number[] => []);
  for (let i = 0; i < lines.length; i++) {
    for (let j = 0; j < i; j++) {
      const apart = lines[i]!.left - lines[j]!.left;
      const after = lines[i]!.right - lines[j]!.right;
      if (apart * after >= 0) continue;
      const x = apart / (apart - after);
      for (const k of [i, j]) found[k]!.push(ladder.segments[k]!.fromLeft ? x : 1 - x);
    }
  }
  return new Map(ladder.segments.map((segment, i) => [segment, found[i]!]));
}

/** Where on its way a label stands, and what share of the way it may take: far from what crosses. */
export function labelPlace(crossings: readonly number[]): { at: number; share: number } {
  if (crossings.length === 0) return { at: LABEL_AT, share: 0.92 };
  let best = { at: LABEL_AT, share: 0 };
  for (let at = 0.15; at < 0.9; at += 0.05) {
    const room = Math.min(at, 1 - at, ...crossings.map((x) => Math.abs(x - at)));
    if (2 * room > best.share + 0.01) best = { at, share: 2 * room };
  }
  return best;
}

/** Before the middle, so that labels of segments that pass each other do not meet. */
const LABEL_AT = 0.4;

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
