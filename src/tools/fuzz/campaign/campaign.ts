/**
 * A worker of a campaign. It comes at any time, learns what the rounds before found, does jobs until the last round is full,
 * and ends with the result of the whole, which is the same for each worker.
 */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { LoadError } from "../../load-module/index.ts";
import { type Board, type Claim, digestOf } from "./board.ts";
import { type CampaignResult, Merged, packReceipt, readReceipt, receiptOf } from "./merge.ts";
import {
  type Begin,
  type CampaignJob,
  jobsOf,
  type Outcome,
  roundsOf,
  type Specification,
  textOf,
} from "./work.ts";

export interface WorkerOptions {
  readonly board: Board;
  /** Null joins what stands on the board. */
  readonly specification: Specification | null;
  /** Digest of the code that runs here. */
  readonly code: string;
  readonly begin: Begin;
  readonly signal: AbortSignal;
  /** After each round, and each job of this worker. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly round: number;
  readonly rounds: number;
  /** Jobs this worker has done. */
  readonly done: number;
  readonly corpus: number;
  readonly findings: number;
}

/** ms between two signs of life. */
const KEEP_EVERY = 2000;

/** The result of the whole, or null where the signal came first. Throws a LoadError where this worker cannot take part. */
export async function takePart(options: WorkerOptions): Promise<CampaignResult | null> {
  return new Worker(options, await agree(options)).run();
}

/** What the campaign is about; the first worker says it. */
async function agree({ board, specification, code }: WorkerOptions): Promise<Specification> {
  const asked = specification === null ? null : textOf(specification);
  const stands = await board.open(asked);
  if (stands === null) {
    throw new LoadError(
      `--campaign ${board.shown}: there is no campaign yet; name a target to begin one`,
    );
  }
  const agreed = JSON.parse(stands) as Specification;
  const refuse = (why: string): never => {
    throw new LoadError(`--campaign ${board.shown}: ${why}`);
  };
  if (agreed.format !== 1) refuse("it was begun by another version of tuntcp");
  if (agreed.code !== code) {
    refuse(
      `it is about code ${agreed.code.slice(0, 12)}, and this worker has ${code.slice(0, 12)}: use the same build for all`,
    );
  }
  if (asked !== null && asked !== stands) refuse(`another campaign stands there: ${stands}`);
  return agreed;
}

class Worker {
  private readonly options: WorkerOptions;
  private readonly specification: Specification;
  private readonly merged: Merged = new Merged();
  /** The corpus' content, by digest. */
  private readonly content: Map<string, Uint8Array> = new Map();
  private round = 0;
  private done = 0;

  constructor(options: WorkerOptions, specification: Specification) {
    this.options = options;
    this.specification = specification;
  }

  async run(): Promise<CampaignResult | null> {
    const rounds = roundsOf(this.specification);
    for (; this.round < rounds; this.round++) {
      if (!(await this.workRound())) return null;
      this.tell();
    }
    return this.merged.result();
  }

  /** Until every job of the round has its outcome; false where the signal came. */
  private async workRound(): Promise<boolean> {
    const { board, signal } = this.options;
    const jobs = jobsOf(this.specification, this.round);
    for (;;) {
      if (signal.aborted) return false;
      // a round that others have done needs no look for work
      const outcomes = await board.outcomes(this.round);
      if (outcomes.size >= jobs) {
        this.merged.addRound(
          [...outcomes].toSorted(([a], [b]) => a - b).map(([, data]) => readReceipt(data)),
        );
        return true;
      }
      const claim = await board.claim(this.round, jobs);
      if (claim === null) await sleep(board.pause);
      else if (outcomes.has(claim.job)) await claim.done();
      else if (!(await this.work(claim))) return false;
    }
  }

  private async work(claim: Claim): Promise<boolean> {
    const { board, begin, signal } = this.options;
    const fuzzing = begin(this.specification, await this.job(claim.job));
    let kept = Date.now();
    while (!fuzzing.step()) {
      // lets the broker's client have its turn
      await setImmediate();
      if (signal.aborted) {
        await claim.giveBack();
        return false;
      }
      if (Date.now() - kept < KEEP_EVERY) continue;
      kept = Date.now();
      await claim.keep();
    }
    const outcome = fuzzing.outcome();
    await this.putDown(outcome);
    await board.putOutcome(this.round, claim.job, packReceipt(receiptOf(outcome)));
    await claim.done();
    this.done++;
    this.tell();
    return true;
  }

  /** Contents first: an outcome that stands names nothing that does not. */
  private async putDown(outcome: Outcome): Promise<void> {
    const { board } = this.options;
    for (const { data } of outcome.inputs) await board.put("inputs", digestOf(data), data);
    for (const { data } of outcome.findings) await board.put("findings", digestOf(data), data);
  }

  private async job(index: number): Promise<CampaignJob> {
    const { board } = this.options;
    const { corpus, known } = this.merged;
    for (const digest of corpus) {
      if (this.content.has(digest)) continue;
      const data = await board.get("inputs", digest);
      if (digestOf(data) !== digest) {
        throw new LoadError(`--campaign ${board.shown}: input ${digest} is not what its name says`);
      }
      this.content.set(digest, data);
    }
    return {
      round: this.round,
      index,
      seed: seedOf(this.specification.seed, this.round, index),
      executions: this.executions(index),
      corpus: corpus.map((digest) => this.content.get(digest)!),
      known,
    };
  }

  /** The last job of all does what is left. */
  private executions(index: number): number {
    const { runs, each, jobs } = this.specification;
    return Math.min(each, Math.max(1, runs - (this.round * jobs + index) * each));
  }

  private tell(): void {
    const { corpus, findings } = this.merged.result();
    this.options.onProgress?.({
      round: this.round,
      rounds: roundsOf(this.specification),
      done: this.done,
      corpus: corpus.length,
      findings: findings.length,
    });
  }
}

function seedOf(seed: number, round: number, index: number): number {
  return Number.parseInt(digestOf(`${seed}/${round}/${index}`).slice(0, 8), 16);
}
