/**
 * Least and greatest of any stretch of a column in logarithmic time, and a column at coarser and coarser grain: what lets a
 * million points be drawn at the width of a screen, with no peak lost.
 */

const FANOUT = 8;

export interface Level {
  /** Samples in a node; the last may have fewer. */
  readonly size: number;
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** The first index whose time is not below `x`. */
export function lowerBound(t: Float64Array, x: number): number {
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Pyramid {
  readonly length: number;
  readonly levels: Level[];
  /** Of the last call of `query`; Infinity and -Infinity where there was no value. */
  low: number = Infinity;
  high: number = -Infinity;

  /** NaN counts as no value. Bars give their lower and their upper ends, lines the same column twice. */
  constructor(min: Float64Array, max: Float64Array) {
    this.length = min.length;
    this.levels = [{ size: 1, min, max }];
    for (let below = this.levels[0]!; below.min.length > FANOUT;) {
      below = coarser(below);
      this.levels.push(below);
    }
  }

  /** Of the samples [from, to). */
  query(from: number, to: number): void {
    this.low = Infinity;
    this.high = -Infinity;
    let start = from;
    let end = to;
    for (const { min, max } of this.levels) {
      // what does not fill a node of the level above is looked at here
      while (start < end && start % FANOUT !== 0) this.take(min, max, start++);
      while (start < end && end % FANOUT !== 0) this.take(min, max, --end);
      if (start >= end) return;
      if (min.length <= FANOUT) {
        while (start < end) this.take(min, max, start++);
        return;
      }
      start /= FANOUT;
      end /= FANOUT;
    }
  }

  private take(min: Float64Array, max: Float64Array, i: number): void {
    if (min[i]! < this.low) this.low = min[i]!;
    if (max[i]! > this.high) this.high = max[i]!;
  }

  /** The finest level at which [from, to) has at most `most` nodes. */
  levelFor(from: number, to: number, most: number): Level {
    return this.levels.find(({ size }) => (to - from) / size <= most) ?? this.levels.at(-1)!;
  }
}

function coarser(below: Level): Level {
  const count = Math.ceil(below.min.length / FANOUT);
  const min = new Float64Array(count).fill(NaN);
  const max = new Float64Array(count).fill(NaN);
  for (let i = 0; i < below.min.length; i++) {
    const node = (i / FANOUT) | 0;
    // a comparison with NaN is false, so that a node takes the first value there is
    if (!(min[node]! <= below.min[i]!) && !Number.isNaN(below.min[i])) min[node] = below.min[i]!;
    if (!(max[node]! >= below.max[i]!) && !Number.isNaN(below.max[i])) max[node] = below.max[i]!;
  }
  return { size: below.size * FANOUT, min, max };
}
