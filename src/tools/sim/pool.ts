/** Runs the jobs of a sweep on several cores. */
import type { SimRun } from "../../sim/index.ts";
import { runOnThreads } from "../job-threads/index.ts";
import type { Job } from "./job.ts";

/** Throws a LoadError where a run cannot be made, and ends the others. */
export async function runJobs(
  file: string,
  jobs: readonly Job[],
  threads: number,
  onDone: (done: number) => void,
): Promise<SimRun[]> {
  const module = new URL("./worker-main.js", import.meta.url);
  return await runOnThreads<Job, SimRun>(jobs, { module, data: { file }, threads, onDone });
}
