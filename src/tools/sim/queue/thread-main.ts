/** A thread of a queue's worker: one run after the other, each scenario loaded once. */
import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { lineOf } from "../../../base/errors.ts";
import { JobRunner } from "../job.ts";
import { openParcel } from "./parcel.ts";
import type { FromThread, Outcome, Task } from "./threads.ts";

const port = parentPort!;
const runners = new Map<string, Promise<JobRunner>>();

function runnerFor({ folder, parcel, job }: Task): Promise<JobRunner> {
  const known = runners.get(job.scenario);
  if (known !== undefined) return known;
  const made = openParcel(parcel, folder, job.scenario).then((file) => new JobRunner(file));
  runners.set(job.scenario, made);
  return made;
}

async function work(task: Task): Promise<Outcome> {
  const run = await (await runnerFor(task)).run(task.job);
  const text = JSON.stringify(run);
  return { packed: gzipSync(text), sha256: createHash("sha256").update(text).digest("hex") };
}

port.on("message", (task: Task) => {
  work(task).then(
    (outcome) => answer({ outcome }),
    (error: unknown) => answer({ wrong: lineOf(error).replaceAll(`${task.folder}/`, "") }),
  );
});

function answer(message: FromThread): void {
  port.postMessage(message);
}
