/** The small timer of `tuntcp bench --pieces`: rounds of calls, the pieces of one group in turn, medians. */
import type { PieceSpec } from "./pieces.ts";

export interface Piece {
  readonly name: string;
  /** Nanoseconds for one, the call of about 2 ns included; the median of the rounds. */
  readonly ns: number;
}

const ROUNDS = 15;
/** Long against the clock's tick, short against what else a machine does. */
const ROUND_MS = 20;

/**
 * The pieces of a group are measured round by round in turn: what disturbs the machine meanwhile disturbs all of them,
 * and they can be compared.
 */
export function measurePieces(specs: readonly PieceSpec[], rounds: number = ROUNDS): Piece[] {
  const groups = new Map<string, PieceSpec[]>();
  for (const spec of specs) groups.set(spec.group, [...(groups.get(spec.group) ?? []), spec]);
  return [...groups.values()].flatMap((group) => measureGroup(group, rounds));
}

function measureGroup(specs: readonly PieceSpec[], rounds: number): Piece[] {
  const running = specs.map(({ name, make }) => {
    const step = make();
    return { name, step, calls: callsFor(step), samples: [] as number[] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { step, calls, samples } of running) samples.push((time(step, calls) * 1e6) / calls);
  }
  return running.map(({ name, samples }) => {
    samples.sort((a, b) => a - b);
    return { name, ns: samples[rounds >> 1]! };
  });
}

/** So many that a round takes long enough; finding out is the warm-up. */
function callsFor(step: () => unknown): number {
  for (let calls = 64; ; calls *= 2) {
    if (time(step, calls) >= ROUND_MS / 2) return calls * 2;
  }
}

/** ms. */
function time(step: () => unknown, calls: number): number {
  const began = performance.now();
  for (let i = 0; i < calls; i++) step();
  return performance.now() - began;
}
