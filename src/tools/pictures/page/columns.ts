/**
 * A line on a grid that all lines of a chart share: two slots for each pixel column, and one at each edge. That is how lines with
 * samples at different times stand in one chart, and what is drawn does not grow with the run.
 */
import type { Line } from "../figure.ts";
import { lowerBound, Pyramid } from "../pyramid.ts";

/** null ends the line; undefined has no say, and the line goes on. */
export type Slots = (number | null | undefined)[];

/** The times of the slots. */
export function gridTimes(range: readonly [number, number], columns: number): number[] {
  const width = (range[1] - range[0]) / columns;
  const times: number[] = [range[0]];
  for (let column = 0; column < columns; column++) {
    times.push(range[0] + (column + 0.3) * width, range[0] + (column + 0.7) * width);
  }
  times.push(range[1]);
  return times;
}

export class GridLine {
  readonly line: Line;
  /** Of the last call of `fill`: least and greatest of what it wrote. */
  low = Infinity;
  high = -Infinity;
  private readonly pyramid: Pyramid;

  constructor(line: Line) {
    this.line = line;
    this.pyramid = new Pyramid(line.v, line.v);
  }

  fill(range: readonly [number, number], columns: number): Slots {
    const { t } = this.line;
    const slots: Slots = Array.from({ length: 2 * columns + 2 });
    const width = (range[1] - range[0]) / columns;
    const end = lowerBound(t, range[1]);
    this.low = Infinity;
    this.high = -Infinity;
    let i = lowerBound(t, range[0]);
    slots[0] = this.seen(this.between(i, range[0]));
    while (i < end) {
      const column = Math.min(columns - 1, Math.floor((t[i]! - range[0]) / width));
      const next = Math.max(i + 1, after(t, i, end, range[0] + (column + 1) * width));
      this.fillColumn(slots, 1 + 2 * column, i, next);
      i = next;
    }
    slots[2 * columns + 1] = this.seen(this.between(end, range[1]));
    return slots;
  }

  /** The value that stands at a time: of the last sample. NaN before the first. */
  at(time: number): number {
    const { t, v } = this.line;
    const next = lowerBound(t, time);
    if (t[next] === time) return v[next]!;
    return next > 0 ? v[next - 1]! : NaN;
  }

  private fillColumn(slots: Slots, slot: number, from: number, to: number): void {
    const { v } = this.line;
    this.pyramid.query(from, to);
    const { low, high } = this.pyramid;
    if (!(high >= low)) {
      slots[slot] = null;
      return;
    }
    const rising = !(v[to - 1]! < v[from]!);
    slots[slot] = this.seen(rising ? low : high);
    if (low !== high) slots[slot + 1] = this.seen(rising ? high : low);
  }

  /** Where the line crosses an edge; `next` is the first sample not before it. */
  private between(next: number, edge: number): number | undefined {
    const { t, v } = this.line;
    if (next === 0 || next >= t.length) return undefined;
    const share = (edge - t[next - 1]!) / (t[next]! - t[next - 1]!);
    const value = v[next - 1]! + share * (v[next]! - v[next - 1]!);
    return Number.isNaN(value) ? undefined : value;
  }

  private seen(value: number | undefined): number | undefined {
    if (value === undefined) return undefined;
    if (value < this.low) this.low = value;
    if (value > this.high) this.high = value;
    return value;
  }
}

/** The first index from `i` on whose time is not below `x`: near ones are found soonest. */
function after(t: Float64Array, i: number, end: number, x: number): number {
  let step = 1;
  while (i + step < end && t[i + step]! < x) step *= 2;
  let low = i + (step >> 1);
  let high = Math.min(end, i + step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
