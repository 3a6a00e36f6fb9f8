/** A worker thread of a sweep: loads the scenario once, then does one job after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { lineOf } from "../../base/errors.ts";
import type { SimRun } from "../../sim/index.ts";
import type { FromThread, ToThread } from "../job-threads/index.ts";
import { type Job, JobRunner } from "./job.ts";
import { loadScenario } from "./scenario-file.ts";

const port = parentPort!;
const { file } = workerData as { file: string };
const runner = loadScenario(file).then((scenario) => new JobRunner(scenario));

async function work({ index, job }: ToThread<Job>): Promise<FromThread<SimRun>> {
  try {
    return { index, result: await (await runner).run(job) };
  } catch (error) {
    return { index, wrong: lineOf(error) };
  }
}

port.on("message", (message: ToThread<Job>) => {
  void work(message).then((answer) => port.postMessage(answer));
});
