/** What came of a comparison with the kernel, as plain data. */
import type { Difference } from "./compare.ts";

export interface Unexplained {
  /** Number of the sequence: the same seed and number give it again. */
  readonly sequence: number;
  readonly difference: Difference;
  /** The steps in words. */
  readonly input: unknown;
}

export interface KernelReport {
  readonly seed: number;
  readonly sequences: number;
  /** Those answered alike, but for the moment of ACKs and repetitions. */
  readonly alike: number;
  /** Sequences in which a class was met. */
  readonly classes: Readonly<Record<string, number>>;
  readonly unexplained: readonly Unexplained[];
  /** The kernel's release. */
  readonly kernel: string;
  readonly seconds: number;
}
