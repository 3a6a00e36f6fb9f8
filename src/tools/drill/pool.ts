/** Runs scripts on several cores where that is worth a thread. */
import { runOnThreads } from "../job-threads/index.ts";
import { type DrillJob, type DrillOutcome, runJob } from "./job.ts";

/** A thread takes as long to start as some hundred scripts to run. */
const WORTH_A_THREAD = 50;

/** Throws a LoadError where a file cannot be read or written, and ends the others. */
export async function runScripts(
  jobs: readonly DrillJob[],
  most: number,
  onDone: (done: number) => void,
): Promise<DrillOutcome[]> {
  const threads = Math.min(most, Math.ceil(jobs.length / WORTH_A_THREAD));
  if (threads > 1) {
    const module = new URL("./worker-main.js", import.meta.url);
    return await runOnThreads<DrillJob, DrillOutcome>(jobs, { module, threads, onDone });
  }
  return jobs.map((job, i) => {
    const outcome = runJob(job);
    onDone(i + 1);
    return outcome;
  });
}
