/** The targets that are sequences: one connection, a listener with many peers, the stack through every kind of device. */
import { below, type Rng } from "../base/rng.ts";
import { generateSequence, generateStep } from "./generate.ts";
import { HEAD_BYTES, MAX_STEPS, OPENINGS, stepCount } from "./input.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { SequenceRunner } from "./run.ts";
import { STEP_BYTES } from "./step.ts";
import type { Target, TargetName } from "./target.ts";
import { inputFromWords, inputToWords } from "./words.ts";

/** Steps of a generated sequence. */
export const STEPS = 50;

interface Shape {
  readonly name: TargetName;
  readonly about: string;
  readonly flows: number;
  /** Null: any. */
  readonly openings: readonly (typeof OPENINGS)[number][] | null;
  /** Those that only change what the device does are the stack's. */
  readonly profiles: number;
}

export class SequenceTarget implements Target {
  readonly name: TargetName;
  readonly about: string;
  readonly maxLength: number = HEAD_BYTES + MAX_STEPS * STEP_BYTES;
  readonly runner: SequenceRunner = new SequenceRunner();
  private readonly shape: Shape;
  private readonly openings: readonly number[];

  constructor(shape: Shape) {
    this.shape = shape;
    this.name = shape.name;
    this.about = shape.about;
    this.openings = (shape.openings ?? OPENINGS).map((name) => OPENINGS.indexOf(name));
  }

  run(data: Uint8Array, options: RunOptions = {}): Outcome {
    return this.runner.run(data, { ...options, flows: this.shape.flows });
  }

  generate(rng: Rng, out: Uint8Array): number {
    const length = generateSequence(rng, out, STEPS);
    this.shapeHead(out);
    return length;
  }

  /** What the target is not about is taken for what it is. */
  private shapeHead(out: Uint8Array): void {
    const { openings, shape } = this;
    out[0] = openings[out[0]! % openings.length]!;
    out[1] = (out[1]! & 15) % shape.profiles;
  }

  mutate(rng: Rng, out: Uint8Array, before: number, other: Uint8Array): number {
    let length = Math.max(before, HEAD_BYTES);
    for (let n = below(rng, 4); n >= 0; n--) length = this.change(rng, out, length, other);
    this.shapeHead(out);
    return length;
  }

  private change(rng: Rng, out: Uint8Array, length: number, other: Uint8Array): number {
    const steps = stepCount(out.subarray(0, length));
    const kind = below(rng, 16);
    if (steps === 0 || kind < 3) return this.insert(rng, out, steps);
    const at = HEAD_BYTES + below(rng, steps) * STEP_BYTES;
    const whole = HEAD_BYTES + steps * STEP_BYTES;
    if (kind < 8) {
      // one byte of one step
      out[at + below(rng, STEP_BYTES)] = rng.i32() >>> 8;
    } else if (kind < 10) {
      generateStep(rng, out, at);
    } else if (kind === 10) {
      out[below(rng, HEAD_BYTES)] = rng.i32() >>> 8;
    } else if (kind === 11) {
      out.copyWithin(at, at + STEP_BYTES, whole);
      return whole - STEP_BYTES;
    } else if (kind === 12 && steps < MAX_STEPS) {
      // the same step twice
      out.copyWithin(at + STEP_BYTES, at, whole);
      return whole + STEP_BYTES;
    } else if (kind < 15 && other.length > HEAD_BYTES) {
      return this.splice(rng, out, at, other);
    } else {
      return Math.max(at, HEAD_BYTES + STEP_BYTES);
    }
    return whole;
  }

  private insert(rng: Rng, out: Uint8Array, steps: number): number {
    const whole = HEAD_BYTES + steps * STEP_BYTES;
    if (steps >= MAX_STEPS) return whole;
    const at = HEAD_BYTES + below(rng, steps + 1) * STEP_BYTES;
    out.copyWithin(at + STEP_BYTES, at, whole);
    generateStep(rng, out, at);
    return whole + STEP_BYTES;
  }

  /** What follows is that of another input. */
  private splice(rng: Rng, out: Uint8Array, at: number, other: Uint8Array): number {
    const from = HEAD_BYTES + below(rng, stepCount(other)) * STEP_BYTES;
    const size = Math.min(other.length - from, HEAD_BYTES + 2 * STEPS * STEP_BYTES - at);
    if (size <= 0) return at;
    out.set(other.subarray(from, from + size), at);
    return at + size;
  }

  toJson(data: Uint8Array): unknown {
    return inputToWords(data);
  }

  fromJson(json: unknown): Uint8Array {
    return inputFromWords(json);
  }
}

export function sequenceTargets(): SequenceTarget[] {
  return [
    new SequenceTarget({
      name: "connection",
      about: "one connection: segments, calls and time in every state",
      flows: 1,
      openings: OPENINGS.filter((name) => name !== "listen"),
      profiles: 13,
    }),
    new SequenceTarget({
      name: "listener",
      about: "a listener and eight peers",
      flows: 8,
      openings: ["listen"],
      profiles: 14,
    }),
    new SequenceTarget({
      name: "stack",
      about: "everything at once, through every kind of device",
      flows: 8,
      openings: null,
      profiles: 16,
    }),
  ];
}
