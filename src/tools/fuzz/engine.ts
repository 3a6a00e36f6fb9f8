/**
 * Fuzzing of one target in one thread: inputs made by chance or out of those kept before, run, and kept where they reach what none
 * reached. A feature is a branch and how often it was taken, or a cell of the model's table. All of it follows from the seed.
 */
import { below, type Rng } from "../../base/rng.ts";
import type * as Harness from "../../fuzz/index.ts";
import type { Target, TargetName, Violation } from "../../fuzz/index.ts";

/** Buckets of a count, as libFuzzer has them: 1, 2, 3, 4, 8, 16, 32, 128 times or more. */
const BUCKETS = 8;
const BUCKET: Uint8Array = Uint8Array.from({ length: 256 }, (_, n) =>
  n < 4 ? Math.max(0, n - 1) : n < 8 ? 3 : n < 16 ? 4 : n < 32 ? 5 : n < 128 ? 6 : 7,
);
/** Inputs of a burst, where a target has such. */
const BURST = 5000;
/** Chances of 8 that an input is made out of one that was kept. */
const MUTATED = 6;
/** Findings of one kind are kept once; kinds at most. */
const MOST_KINDS = 50;

export interface Found {
  readonly data: Uint8Array;
  readonly violation: Violation;
}

export interface Kept {
  readonly data: Uint8Array;
  /** New with it. */
  readonly features: readonly number[];
}

export interface EngineOptions {
  readonly target: TargetName;
  readonly harness: typeof Harness;
  /** A byte a branch; null: nothing is counted, and inputs are made by chance alone. */
  readonly counters: Uint8Array | null;
  readonly rng: Rng;
  /** Features known before. */
  readonly known?: Iterable<number>;
  readonly onKept?: (kept: Kept) => void;
  readonly onFound?: (found: Found) => void;
  /** Before each input, for who watches over a run that does not end. */
  readonly onInput?: (data: Uint8Array, length: number) => void;
}

export class Engine {
  readonly target: Target;
  executions = 0;
  /** Features reached, those known before among them. */
  features = 0;
  readonly corpus: Uint8Array[] = [];
  /** By branch: it was taken. */
  readonly taken: Uint8Array;
  private readonly options: EngineOptions;
  private readonly rng: Rng;
  private readonly seen: Uint8Array;
  private readonly cells: Uint8Array;
  private readonly buffer: Uint8Array;
  private readonly words: Uint32Array | null;
  private readonly kinds = new Set<string>();
  private fresh: number[] = [];

  constructor(options: EngineOptions) {
    this.options = options;
    this.rng = options.rng;
    this.target = options.harness.createTarget(options.target);
    this.buffer = new Uint8Array(this.target.maxLength + 64);
    this.cells = options.harness.modelCells(this.target);
    const branches = options.counters?.length ?? 0;
    this.taken = new Uint8Array(branches);
    this.seen = new Uint8Array(branches * BUCKETS + this.cells.length);
    const counters = options.counters;
    // counters are looked at four at a time
    this.words =
      counters === null ? null : new Uint32Array(counters.buffer, 0, counters.length >> 2);
    for (const feature of options.known ?? []) {
      if (this.seen[feature] === 0) this.features++;
      this.seen[feature] = 1;
    }
  }

  /** Begins with an input of before; it is kept if it reaches something new, or always. */
  add(data: Uint8Array, always = false): void {
    this.buffer.set(data.subarray(0, this.target.maxLength));
    const length = Math.min(data.length, this.target.maxLength);
    if (!this.execute(length) && always) this.corpus.push(data.slice(0, length));
  }

  /** Runs some inputs: as many as take some ms, and `most` at most. */
  run(most: number): void {
    if (this.options.counters === null && this.target.burst !== undefined) return this.bursts(most);
    for (let n = 0; n < most; n++) this.execute(this.next());
  }

  private bursts(most: number): void {
    for (let left = most; left > 0; left -= BURST) {
      const count = Math.min(left, BURST);
      const failing = this.target.burst!(this.rng, count);
      this.executions += count;
      if (failing !== null) this.add(failing);
    }
  }

  /** Writes the next input; its length. */
  private next(): number {
    const { corpus, rng, target, buffer } = this;
    if (corpus.length === 0 || below(rng, 8) >= MUTATED) return target.generate(rng, buffer);
    // the younger ones more often
    const pick = corpus[this.choose()]!;
    buffer.set(pick);
    return target.mutate(rng, buffer, pick.length, corpus[this.choose()]!);
  }

  private choose(): number {
    const { length } = this.corpus;
    const one = below(this.rng, length);
    return (this.rng.i32() & 1) === 0 ? one : Math.max(one, below(this.rng, length));
  }

  /** True when the input was kept. */
  private execute(length: number): boolean {
    const { options, target } = this;
    const data = this.buffer.subarray(0, length);
    options.onInput?.(this.buffer, length);
    options.counters?.fill(0);
    this.cells.fill(0);
    const { violation } = target.run(data);
    this.executions++;
    if (violation !== null) {
      this.found(data, violation);
      return false;
    }
    if (options.counters === null) {
      this.lookAtCells(0);
      return false;
    }
    this.look(options.counters);
    if (this.fresh.length === 0) return false;
    const kept = { data: data.slice(), features: this.fresh };
    this.fresh = [];
    this.corpus.push(kept.data);
    options.onKept?.(kept);
    return true;
  }

  private found(data: Uint8Array, violation: Violation): void {
    const kind = `${violation.rule} ${violation.message.split(":", 1)[0]!}`;
    if (this.kinds.has(kind) || this.kinds.size >= MOST_KINDS) return;
    this.kinds.add(kind);
    this.options.onFound?.({ data: data.slice(), violation });
  }

  private look(counters: Uint8Array): void {
    const words = this.words!;
    for (let w = 0; w < words.length; w++) {
      if (words[w] === 0) continue;
      for (let i = w * 4; i < w * 4 + 4; i++) this.note(i, counters[i]!);
    }
    for (let i = words.length * 4; i < counters.length; i++) this.note(i, counters[i]!);
    this.lookAtCells(counters.length * BUCKETS);
  }

  private note(branch: number, count: number): void {
    if (count === 0) return;
    this.taken[branch] = 1;
    this.reach(branch * BUCKETS + BUCKET[count]!);
  }

  private lookAtCells(first: number): void {
    const { cells } = this;
    for (let i = 0; i < cells.length; i++) if (cells[i] !== 0) this.reach(first + i);
  }

  private reach(feature: number): void {
    if (this.seen[feature] !== 0) return;
    this.seen[feature] = 1;
    this.features++;
    this.fresh.push(feature);
  }

  /** Which cells of the model's table were reached, as `modelCells` numbers them. */
  cellsReached(): Uint8Array {
    return this.seen.slice(this.seen.length - this.cells.length);
  }
}
