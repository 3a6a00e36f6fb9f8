/** Many sequences against the kernel, side by side; what differs without a name is asked again, with more time. */
import { release } from "node:os";
import { namedRng } from "../../../base/rng.ts";
import { encode, type Input } from "../../../fuzz/input.ts";
import { inputToWords } from "../../../fuzz/words.ts";
import { type Comparison, compare, LATER_ACK, REPEATED } from "./compare.ts";
import { generate } from "./generate.ts";
import type { Kernel } from "./kernel.ts";
import { OurStack } from "./ours.ts";
import { play } from "./play.ts";
import type { KernelReport, Unexplained } from "./report.ts";

export interface RunOptions {
  readonly seed: number;
  /** Number of the first sequence. */
  readonly first: number;
  readonly sequences: number;
  readonly onProgress: (done: number) => void;
}

/** Conversations at a time. */
const LANES = 100;
/** ms that a step is given, and again when the answers differ: a busy machine is no difference. */
const PACES = [3, 6, 15, 30];

export async function askMany(kernel: Kernel, options: RunOptions): Promise<KernelReport> {
  const { seed, first, sequences, onProgress } = options;
  const started = Date.now();
  const classes = new Map<string, number>();
  const unexplained: Unexplained[] = [];
  let alike = 0;
  let next = first;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < first + sequences) {
      const sequence = next++;
      const input = sequenceOf(seed, sequence);
      const { classes: met, unknown } = await ask(kernel, input, sequence);
      for (const name of met) classes.set(name, (classes.get(name) ?? 0) + 1);
      const harmless = [...met].every((name) => name === LATER_ACK || name === REPEATED);
      if (unknown !== null) {
        unexplained.push({ sequence, difference: unknown, input: inputToWords(encode(input)) });
      } else if (harmless) alike++;
      onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return {
    seed,
    sequences,
    alike,
    classes: Object.fromEntries([...classes].toSorted(([, a], [, b]) => b - a)),
    unexplained: unexplained.toSorted((a, b) => a.sequence - b.sequence),
    kernel: release(),
    seconds: (Date.now() - started) / 1000,
  };
}

function sequenceOf(seed: number, sequence: number): Input {
  return generate(namedRng(seed, `kernel/${sequence}`));
}

async function ask(kernel: Kernel, input: Input, sequence: number): Promise<Comparison> {
  const ours = await play(input, new OurStack(sequence));
  for (const pace of PACES) {
    const comparison = compare(ours, await play(input, kernel.subject(pace)));
    if (comparison.unknown === null || pace === PACES.at(-1)) return comparison;
  }
  throw new Error("unreachable");
}
