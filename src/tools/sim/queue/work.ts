/** A worker of a queue: takes runs, has threads do them, and puts down what came of them. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Job as QueuedJob } from "bullmq";
import type { Redis } from "ioredis";
import {
  type Address,
  announce,
  connect,
  KEPT,
  loadPackages,
  type Order,
  type Packages,
  type Receipt,
  resultKey,
  scenarioKey,
} from "./broker.ts";
import { layOut, type Parcel } from "./parcel.ts";
import { Threads } from "./threads.ts";

export interface WorkOptions {
  readonly address: Address;
  readonly queue: string;
  readonly concurrency: number;
  /** ms without a sign of life after which the runs of a worker are given to another. */
  readonly lostAfter: number;
  /** Digest of the simulator that is running. */
  readonly code: string;
  readonly say: (line: string) => void;
  /** Ends it; runs under way go back. */
  readonly signal: AbortSignal;
}

/** Workers that may be lost over one run, before the run itself is held to be the reason. */
const MOST_LOST = 5;
/** ms that a run of other code is left to other workers. */
const LEFT_ALONE = 1000;
/** ms for the broker to hear that we go. */
const FAREWELL = 1500;

type Taken = QueuedJob<Order, Receipt>;

/** Resolves when the signal came and what was under way has gone back. Throws a LoadError without a broker. */
export async function work(options: WorkOptions): Promise<void> {
  const packages = await loadPackages();
  const { address, queue, concurrency, lostAfter, say, signal } = options;
  const redis = await connect(packages, address);
  announce(redis, address, say);
  const shift = new Shift(options, packages, redis);
  const worker = new packages.bullmq.Worker<Order, Receipt>(
    queue,
    (job, token) => shift.take(job, token!),
    {
      connection: address.options,
      concurrency,
      lockDuration: lostAfter,
      stalledInterval: Math.max(200, lostAfter / 2),
      maxStalledCount: MOST_LOST,
    },
  );
  // what befalls the connection is said by `announce`
  worker.on("error", () => {});
  worker.on("failed", (job, error) => say(`run ${shortId(job?.id)} failed: ${error.message}`));
  say(`works ${queue} on ${address.shown}, ${concurrency} at a time`);
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const late = new Promise((resolve) => setTimeout(resolve, FAREWELL));
  await Promise.race([worker.close(), late]);
  await shift.end();
  redis.disconnect();
}

function shortId(id: string | undefined): string {
  return id?.slice(0, 12) ?? "?";
}

class Shift {
  private readonly options: WorkOptions;
  private readonly packages: Packages;
  private readonly redis: Redis;
  private readonly threads: Threads;
  private readonly folder: string;
  /** Scenarios that are laid out, by their digest. */
  private readonly parcels: Map<string, Promise<{ folder: string; parcel: Parcel }>> = new Map();
  /** Codes that were refused, each told once. */
  private readonly refused: Set<string> = new Set();
  private readonly ending: Promise<null>;

  constructor(options: WorkOptions, packages: Packages, redis: Redis) {
    this.options = options;
    this.packages = packages;
    this.redis = redis;
    this.threads = new Threads(options.concurrency);
    this.folder = mkdtempSync(join(tmpdir(), "tuntcp-sim-"));
    this.ending = new Promise((resolve) => {
      options.signal.addEventListener("abort", () => resolve(null), { once: true });
    });
  }

  async take(taken: Taken, token: string): Promise<Receipt> {
    const { format, job } = taken.data;
    if (format !== 1 || job.code !== this.options.code) {
      this.tellRefusal(job.code);
      await taken.updateProgress({ refused: this.options.code });
      return this.giveBack(taken, token, LEFT_ALONE);
    }
    const { folder, parcel } = await this.parcel(job.scenario);
    const outcome = await Promise.race([this.threads.run({ folder, parcel, job }), this.ending]);
    if (outcome === null) return this.giveBack(taken, token, 0);
    await this.putDown(taken.id!, outcome.packed, outcome.sha256);
    return { sha256: outcome.sha256 };
  }

  async end(): Promise<void> {
    await this.threads.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async giveBack(taken: Taken, token: string, delay: number): Promise<never> {
    await taken.moveToDelayed(Date.now() + delay, token);
    throw new this.packages.bullmq.DelayedError();
  }

  private tellRefusal(code: string): void {
    if (this.refused.has(code)) return;
    this.refused.add(code);
    this.options.say(
      `refuses runs of code ${code.slice(0, 12)}, as this worker has ${this.options.code.slice(0, 12)}: use the same build for both`,
    );
  }

  private parcel(digest: string): Promise<{ folder: string; parcel: Parcel }> {
    const known = this.parcels.get(digest);
    if (known !== undefined) return known;
    const made = this.fetchParcel(digest);
    this.parcels.set(digest, made);
    // what could not be had now may be there for the next run
    made.catch(() => this.parcels.delete(digest));
    return made;
  }

  private async fetchParcel(digest: string): Promise<{ folder: string; parcel: Parcel }> {
    const text = await this.redis.get(scenarioKey(this.options.queue, digest));
    if (text === null) throw new Error("the scenario of the run is no longer in the queue");
    const parcel = JSON.parse(text) as Parcel;
    const folder = join(this.folder, createHash("sha256").update(digest).digest("hex"));
    layOut(parcel, folder);
    return { folder, parcel };
  }

  /** Before the run counts as done. A second result, of a worker that was thought lost, must be the same. */
  private async putDown(id: string, packed: Uint8Array, sha256: string): Promise<void> {
    const key = resultKey(this.options.queue, id);
    const before = await this.redis.getBuffer(key);
    if (before !== null) {
      const same = createHash("sha256").update(gunzipSync(before)).digest("hex") === sha256;
      if (!same) throw new Error("the run gave another result than before: it is not repeatable");
    }
    await this.redis.set(key, Buffer.from(packed), "EX", KEPT);
  }
}
