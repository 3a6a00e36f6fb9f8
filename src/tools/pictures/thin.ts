/** A line at the grain of pixels: of each column of the picture what came first, least, greatest and last. */
import { lowerBound, type Pyramid } from "./pyramid.ts";

/**
 * Times and values, at most four a column, in order; NaN where there is a gap. The samples next to the range on both sides
 * come along, so that the line reaches the edges.
 */
export interface Thinned {
  readonly t: number[];
  readonly v: number[];
}

export function thin(
  t: Float64Array,
  v: Float64Array,
  pyramid: Pyramid,
  range: readonly [number, number],
  columns: number,
): Thinned {
  const out: Thinned = { t: [], v: [] };
  const [low, high] = range;
  const first = Math.max(0, lowerBound(t, low) - 1);
  const end = Math.min(t.length, lowerBound(t, high) + 1);
  if (end - first <= 4 * columns) {
    for (let i = first; i < end; i++) push(out, t[i]!, v[i]!);
    return out;
  }
  const width = (high - low) / columns;
  for (let column = 0, i = first; i < end; column++) {
    const next = column >= columns ? end : Math.min(end, lowerBound(t, low + (column + 1) * width));
    if (next > i) thinColumn(out, t, v, pyramid, i, next);
    i = Math.max(i, next);
  }
  return out;
}

function thinColumn(
  out: Thinned,
  t: Float64Array,
  v: Float64Array,
  pyramid: Pyramid,
  from: number,
  to: number,
): void {
  push(out, t[from]!, v[from]!);
  if (to - from > 2) {
    pyramid.query(from, to);
    const middle = (t[from]! + t[to - 1]!) / 2;
    if (pyramid.high >= pyramid.low) {
      push(out, middle, pyramid.low);
      if (pyramid.high > pyramid.low) push(out, middle, pyramid.high);
    }
  }
  if (to - from > 1) push(out, t[to - 1]!, v[to - 1]!);
}

function push(out: Thinned, t: number, v: number): void {
  out.t.push(t);
  out.v.push(v);
}
