/** A worker thread of a run over many scripts: one after the other. */
import { parentPort } from "node:worker_threads";
import { LoadError } from "../load-module/index.ts";
import type { FromThread, ToThread } from "../job-threads/index.ts";
import { type DrillJob, type DrillOutcome, runJob } from "./job.ts";

const port = parentPort!;

function work({ index, job }: ToThread<DrillJob>): FromThread<DrillOutcome> {
  try {
    return { index, result: runJob(job) };
  } catch (error) {
    if (error instanceof LoadError) return { index, wrong: error.message };
    throw error;
  }
}

port.on("message", (message: ToThread<DrillJob>) => port.postMessage(work(message)));
