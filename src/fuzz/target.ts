/** What can be fuzzed: a name, a function of bytes, and inputs of its kind. */
import type { Rng } from "../base/rng.ts";
import type { Outcome, RunOptions } from "./outcome.ts";

/** Names of all targets. */
export const TARGETS = [
  "codec",
  "options",
  "reassembly",
  "connection",
  "listener",
  "stack",
] as const;
/** One of {@link TARGETS}. */
export type TargetName = (typeof TARGETS)[number];

/** Something that can be fuzzed. */
export interface Target {
  readonly name: TargetName;
  /** One line on what is under test. */
  readonly about: string;
  /** Bytes of an input at most. */
  readonly maxLength: number;
  /** Runs the input; does not throw, a throw of the code under test is a violation of I1. */
  run(data: Uint8Array, options?: RunOptions): Outcome;
  /** Writes a random input into `out`; its length. */
  generate(rng: Rng, out: Uint8Array): number;
  /** Changes an input of `length` bytes in place, as far as `out` has room; its new length. `other`: one to take parts from. */
  mutate(rng: Rng, out: Uint8Array, length: number, other: Uint8Array): number;
  /** Where single inputs cost little: runs `count` of them, each the one before with a change; a failing one, or null. */
  burst?(rng: Rng, count: number): Uint8Array | null;
  /** A form for reading, plain JSON; `fromJson` gives bytes that mean the same. */
  toJson(data: Uint8Array): unknown;
  /** Bytes that mean what {@link Target.toJson} wrote. Throws where it is something else. */
  fromJson(json: unknown): Uint8Array;
}
