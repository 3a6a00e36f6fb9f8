/** Makes a failing input smaller while it fails in the same way: first whole steps go, then bytes become 0. */
import type { Target } from "./target.ts";

/** A failing input, made smaller. */
export interface Smaller {
  readonly data: Uint8Array;
  /** Runs that it took. */
  readonly runs: number;
}

/** What counts as the same: the rule, and the message up to its first colon. */
function kindOf(target: Target, data: Uint8Array): string | null {
  const { violation } = target.run(data);
  return violation === null ? null : `${violation.rule} ${violation.message.split(":", 1)[0]!}`;
}

/**
 * `head` bytes stand for themselves, what follows is pieces of `unit` bytes. At most `limit` runs.
 */
export function minimise(
  target: Target,
  data: Uint8Array,
  head: number,
  unit: number,
  limit = 4000,
): Smaller {
  const wanted = kindOf(target, data);
  let runs = 1;
  let best = data;
  if (wanted === null) return { data, runs };
  const holds = (candidate: Uint8Array): boolean => {
    if (runs >= limit) return false;
    runs++;
    if (kindOf(target, candidate) !== wanted) return false;
    best = candidate;
    return true;
  };
  const { violation } = target.run(data);
  // nothing behind the step that broke it
  holds(data.slice(0, head + (violation!.step + 1) * unit));
  let smaller = true;
  while (smaller && runs < limit) {
    smaller = withoutPieces(() => best, head, unit, holds);
    smaller = zeroed(() => best, holds) || smaller;
  }
  return { data: best, runs };
}

/** Runs of pieces of halving length are left out. */
function withoutPieces(
  best: () => Uint8Array,
  head: number,
  unit: number,
  holds: (candidate: Uint8Array) => boolean,
): boolean {
  let found = false;
  const count = Math.ceil((best().length - head) / unit);
  for (let size = Math.max(1, count >> 1); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = best().length - size * unit; at >= head; at -= size * unit) {
      const data = best();
      const end = Math.min(at + size * unit, data.length);
      const candidate = new Uint8Array(data.length - (end - at));
      candidate.set(data.subarray(0, at));
      candidate.set(data.subarray(end), at);
      if (holds(candidate)) found = true;
    }
  }
  return found;
}

function zeroed(best: () => Uint8Array, holds: (candidate: Uint8Array) => boolean): boolean {
  let found = false;
  for (let i = 0; i < best().length; i++) {
    if (best()[i] === 0) continue;
    const candidate = best().slice();
    candidate[i] = 0;
    if (holds(candidate)) found = true;
  }
  return found;
}
