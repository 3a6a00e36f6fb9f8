/** A worker thread of a run over many scripts: one after the other. */
import { parentPort } from "node:worker_threads";
import { LoadError } from "../load-module/index.ts";
import { runJob } from "./job.ts";
import type { FromWorker, ToWorker } from "./pool.ts";

const port = parentPort!;

function work({ index, job }: ToWorker): FromWorker {
  try {
    return { index, outcome: runJob(job) };
  } catch (error) {
    if (error instanceof LoadError) return { index, wrong: error.message };
    throw error;
  }
}

port.on("message", (message: ToWorker) => port.postMessage(work(message)));
