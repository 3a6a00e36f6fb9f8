/**
 * Jobs given to a queue, and their results in the order of the jobs. Events say what is done; now and then every job that is not is
 * looked at, so that an event lost with a connection costs time and nothing else.
 */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import type { SimRun } from "../../../sim/index.ts";
import { LoadError } from "../../load-module/index.ts";
import type { Job } from "../job.ts";
import {
  type Address,
  announce,
  connect,
  jobId,
  KEPT,
  loadPackages,
  openEvents,
  openQueue,
  resultKey,
  type RunQueue,
  scenarioKey,
} from "./broker.ts";
import type { Parcel } from "./parcel.ts";

export interface Submission {
  readonly address: Address;
  readonly queue: string;
  readonly parcel: Parcel;
  readonly jobs: readonly Job[];
  readonly onDone: (done: number) => void;
  readonly say: (line: string) => void;
}

/** Jobs that are sent or asked about at a time. */
const BATCH = 500;
/** ms between two looks at every job that is not done. */
const LOOK = 2000;
/** Looks without a worker after which somebody should be told. */
const LONELY = 3;

/** Throws a LoadError with the reason of the first job that failed. */
export async function submitJobs(submission: Submission): Promise<SimRun[]> {
  const packages = await loadPackages();
  const { address, queue: name, say } = submission;
  const redis = await connect(packages, address);
  announce(redis, address, say);
  const queue = openQueue(packages, address, name);
  const events = openEvents(packages, address, name);
  // each says by itself what `redis` says
  queue.on("error", () => {});
  events.on("error", () => {});
  const gathering = new Gathering(submission, redis, queue, events);
  try {
    return await gathering.run();
  } finally {
    gathering.stop();
    await Promise.allSettled([queue.close(), events.close()]);
    redis.disconnect();
  }
}

class Gathering {
  private readonly submission: Submission;
  private readonly redis: Redis;
  private readonly queue: RunQueue;
  private readonly events: QueueEvents;
  private readonly runs: SimRun[] = [];
  /** Jobs by id; equal ones are one. What is done is taken out. */
  private readonly pending: Map<string, { readonly job: Job; readonly indexes: number[] }> =
    new Map();
  private readonly taken: Set<string> = new Set();
  /** Failures of an earlier submission are tried once more. */
  private readonly retried: Set<string> = new Set();
  private done = 0;
  private lonely = 0;
  private refused = false;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined = undefined;
  private finish: (error: Error | null) => void = () => {};

  constructor(submission: Submission, redis: Redis, queue: RunQueue, events: QueueEvents) {
    this.submission = submission;
    this.redis = redis;
    this.queue = queue;
    this.events = events;
    submission.jobs.forEach((job, index) => {
      const id = jobId(job);
      const known = this.pending.get(id);
      if (known === undefined) this.pending.set(id, { job, indexes: [index] });
      else known.indexes.push(index);
    });
  }

  async run(): Promise<SimRun[]> {
    if (this.pending.size === 0) return [];
    const { queue: name, parcel, jobs } = this.submission;
    const key = scenarioKey(name, jobs[0]!.scenario);
    await this.redis.set(key, JSON.stringify(parcel), "EX", KEPT);
    await this.events.waitUntilReady();
    const finished = new Promise<void>((resolve, reject) => {
      this.finish = (error) => (error === null ? resolve() : reject(error));
    });
    this.listen();
    const sending = this.send([...this.pending.keys()]).then(() => this.look());
    await Promise.all([sending, finished]);
    return this.runs;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private listen(): void {
    this.events.on("completed", ({ jobId: id }) => this.later(this.collect(id)));
    this.events.on("failed", ({ jobId: id, failedReason }) => this.failed(id, failedReason));
    this.events.on("progress", ({ data }) => this.onRefusal(data));
  }

  /** What goes wrong in between ends the whole, once. */
  private later(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.stopped) this.finish(error instanceof Error ? error : new Error(String(error)));
    });
  }

  private async send(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH).map((id) => ({
        name: "run",
        data: { format: 1 as const, job: this.pending.get(id)!.job },
        opts: { jobId: id, removeOnComplete: { age: KEPT }, removeOnFail: { age: KEPT } },
      }));
      await this.queue.addBulk(batch);
    }
  }

  /** Every job that is not done is looked at, again and again. */
  private async look(): Promise<void> {
    if (this.stopped) return;
    const ids = [...this.pending.keys()];
    for (let at = 0; at < ids.length; at += BATCH) {
      await Promise.all(ids.slice(at, at + BATCH).map((id) => this.lookAt(id)));
    }
    if (this.stopped || this.pending.size === 0) return;
    await this.tellIfLonely();
    this.timer = setTimeout(() => this.later(this.look()), LOOK);
  }

  private async lookAt(id: string): Promise<void> {
    const state = await this.queue.getJobState(id);
    if (state === "completed") return this.collect(id);
    // taken out of the queue by somebody, or with a Redis that forgot
    if (state === "unknown" && this.pending.has(id)) return this.send([id]);
    if (state !== "failed") return;
    const job = await this.queue.getJob(id);
    if (job === undefined) return;
    if (this.retried.has(id)) return this.failed(id, job.failedReason);
    this.retried.add(id);
    await job.retry("failed");
  }

  private async collect(id: string): Promise<void> {
    const entry = this.pending.get(id);
    if (entry === undefined || this.taken.has(id)) return;
    this.taken.add(id);
    const packed = await this.redis.getBuffer(resultKey(this.submission.queue, id));
    if (packed === null) {
      // done long ago, and the result has been thrown away since
      this.taken.delete(id);
      await this.queue.remove(id);
      return this.send([id]);
    }
    const text = gunzipSync(packed).toString("utf8");
    const job = await this.queue.getJob(id);
    const sha256 = createHash("sha256").update(text).digest("hex");
    if (job !== undefined && job.returnvalue?.sha256 !== sha256) {
      throw new LoadError(`run ${id.slice(0, 12)}: the result is not the one its worker reported`);
    }
    const run = JSON.parse(text) as SimRun;
    for (const index of entry.indexes) this.runs[index] = run;
    this.pending.delete(id);
    this.done += entry.indexes.length;
    this.submission.onDone(this.done);
    if (this.pending.size === 0) this.finish(null);
  }

  private failed(id: string, reason: string): void {
    if (!this.pending.has(id)) return;
    this.finish(new LoadError(reason));
  }

  private onRefusal(data: unknown): void {
    if (this.refused || typeof data !== "object" || data === null || !("refused" in data)) return;
    this.refused = true;
    const own = this.submission.jobs[0]!.code.slice(0, 12);
    const { refused } = data;
    this.submission.say(
      `a worker with code ${String(refused).slice(0, 12)} refuses these runs, which are of code ${own}: start workers of the same build`,
    );
  }

  private async tellIfLonely(): Promise<void> {
    this.lonely = (await this.queue.getWorkersCount()) > 0 ? 0 : this.lonely + 1;
    if (this.lonely !== LONELY) return;
    const { address, queue, say } = this.submission;
    const name = queue === "tuntcp-sim" ? "" : ` --queue-name ${queue}`;
    say(`nobody works these runs: start tuntcp sim worker --queue ${address.shown}${name}`);
  }
}
