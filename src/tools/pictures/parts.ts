/** What of a column of marks is drawn for a stretch of time, and the range of sequence numbers that shows it best. */
import type { MarkColumns } from "./figure.ts";
import { type Level, lowerBound, type Pyramid } from "./pyramid.ts";
import { markStyle } from "./style.ts";
import { valueRange } from "./ticks.ts";

/** Nodes [from, to) of a level of the pyramid over the marks. */
export interface Part {
  readonly marks: MarkColumns;
  readonly level: Level;
  readonly from: number;
  readonly to: number;
}

/** How many times as high the picture may get so that the window is in it. */
const WINDOW_ROOM = 3;

export function partOf(
  marks: MarkColumns,
  pyramid: Pyramid,
  [low, high]: readonly [number, number],
  most: number,
): Part {
  const { t } = marks;
  // a line goes on beyond the edges
  const beyond = markStyle(marks.kind).form === "line" ? 1 : 0;
  const first = Math.max(0, lowerBound(t, low) - beyond);
  const end = Math.min(t.length, lowerBound(t, high) + beyond);
  const level = pyramid.levelFor(first, end, most);
  return { marks, level, from: Math.floor(first / level.size), to: Math.ceil(end / level.size) };
}

/** The window is often far above what is sent, and would press the segments flat: it is in the picture where there is room. */
export function sequenceRange(parts: readonly Part[]): [number, number] {
  const [low, high] = extent(parts.filter(({ marks }) => marks.kind !== "window"));
  const [, top] = extent(parts);
  const room = WINDOW_ROOM * (high - low);
  return valueRange(low, high >= low && top - low > room ? high : top, false);
}

function extent(parts: readonly Part[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const { level, from, to } of parts) {
    for (let i = from; i < to; i++) {
      if (level.min[i]! < low) low = level.min[i]!;
      if (level.max[i]! > high) high = level.max[i]!;
    }
  }
  return [low, high];
}
