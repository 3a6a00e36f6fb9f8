/** Runs scripts on several cores; the outcomes stand in the order of the files, whichever thread did what. */
import { Worker } from "node:worker_threads";
import { LoadError } from "../load-module/index.ts";
import { type DrillJob, type DrillOutcome, runJob } from "./job.ts";

export interface ToWorker {
  readonly index: number;
  readonly job: DrillJob;
}

export type FromWorker =
  | { readonly index: number; readonly outcome: DrillOutcome }
  | { readonly index: number; readonly wrong: string };

/** A thread takes as long to start as some hundred scripts to run. */
const WORTH_A_THREAD = 50;

/** Throws a LoadError where a file cannot be read or written, and ends the others. */
export async function runScripts(
  jobs: readonly DrillJob[],
  threads: number,
  onDone: (done: number) => void,
): Promise<DrillOutcome[]> {
  const most = Math.min(threads, Math.ceil(jobs.length / WORTH_A_THREAD));
  if (most > 1) return await onThreads(jobs, most, onDone);
  return jobs.map((job, i) => {
    const outcome = runJob(job);
    onDone(i + 1);
    return outcome;
  });
}

async function onThreads(
  jobs: readonly DrillJob[],
  threads: number,
  onDone: (done: number) => void,
): Promise<DrillOutcome[]> {
  const outcomes: DrillOutcome[] = [];
  let next = 0;
  let done = 0;
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("./worker-main.js", import.meta.url)),
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
              outcomes[message.index] = message.outcome;
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
  return outcomes;
}
