/** Jobs on several cores; the results stand in the order of the jobs, whichever thread did what. */
import { Worker } from "node:worker_threads";
import { LoadError } from "../load-module/index.ts";

export interface ToThread<Job> {
  readonly index: number;
  readonly job: Job;
}

/** `wrong`: the user's file is, in one line. */
export type FromThread<Result> =
  | { readonly index: number; readonly result: Result }
  | { readonly index: number; readonly wrong: string };

export interface JobThreads {
  /** The module that each thread runs, and what it is told at its start. */
  readonly module: URL;
  readonly data?: unknown;
  readonly threads: number;
  onDone(done: number): void;
}

/** Throws a LoadError for the first job that says what is wrong, and ends the others. */
export async function runOnThreads<Job, Result>(
  jobs: readonly Job[],
  options: JobThreads,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let done = 0;
  const workers = Array.from(
    { length: Math.min(options.threads, jobs.length) },
    () => new Worker(options.module, { workerData: options.data }),
  );
  const serve = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = (): void => {
        if (next >= jobs.length) return resolve();
        const message: ToThread<Job> = { index: next, job: jobs[next]! };
        next++;
        worker.postMessage(message);
      };
      worker.on("message", (message: FromThread<Result>) => {
        if ("wrong" in message) return reject(new LoadError(message.wrong));
        results[message.index] = message.result;
        options.onDone(++done);
        give();
      });
      worker.on("error", reject);
      worker.on("exit", () => reject(new Error("a worker thread ended before its time")));
      give();
    });
  try {
    await Promise.all(workers.map(serve));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results;
}
