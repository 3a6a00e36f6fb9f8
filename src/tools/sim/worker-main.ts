/** A worker thread of a sweep: loads the scenario once, then does one job after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { lineOf } from "../../base/errors.ts";
import { JobRunner } from "./job.ts";
import type { FromWorker, ToWorker } from "./pool.ts";
import { loadScenario } from "./scenario-file.ts";

const port = parentPort!;
const { file } = workerData as { file: string };
const runner = loadScenario(file).then((scenario) => new JobRunner(scenario));

async function work({ index, job }: ToWorker): Promise<FromWorker> {
  try {
    return { index, run: await (await runner).run(job) };
  } catch (error) {
    return { index, wrong: lineOf(error) };
  }
}

port.on("message", (message: ToWorker) => {
  void work(message).then((answer) => port.postMessage(answer));
});
