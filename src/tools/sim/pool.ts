/** Runs jobs on several cores; the results stand in the order of the jobs, whichever thread did what. */
import { Worker } from "node:worker_threads";
import type { SimRun } from "../../sim/index.ts";
import { LoadError } from "../load-module/index.ts";
import type { Job } from "./job.ts";

export interface ToWorker {
  readonly index: number;
  readonly job: Job;
}

export type FromWorker =
  | { readonly index: number; readonly run: SimRun }
  | { readonly index: number; readonly wrong: string };

/** Throws a LoadError where a run cannot be made, and ends the others. */
export async function runJobs(
  file: string,
  jobs: readonly Job[],
  threads: number,
  onDone: (done: number) => void,
): Promise<SimRun[]> {
  const runs: SimRun[] = [];
  let next = 0;
  let done = 0;
  const workers = Array.from(
    { length: Math.min(threads, jobs.length) },
    () => new Worker(new URL("./worker-main.js", import.meta.url), { workerData: { file } }),
  );
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            const give = (): void => {
              if (next >= jobs.length) return resolve();
              const message: ToWorker = { index: next, job: jobs[next]! };
              next++;
              worker.postMessage(message);
            };
            worker.on("message", (message: FromWorker) => {
              if ("wrong" in message) return reject(new LoadError(message.wrong));
              runs[message.index] = message.run;
              onDone(++done);
              give();
            });
            worker.on("error", reject);
            worker.on("exit", () => reject(new Error("a worker thread ended before its time")));
            give();
          }),
      ),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return runs;
}
