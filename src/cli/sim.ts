/** `tuntcp sim FILE`: a scenario in virtual time, once, over replicates and over sweeps of its parameters; and `sim merge`. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import type { SimRun } from "../sim/index.ts";
import { LoadError } from "../tools/load-module/index.ts";
import { qlogTrace } from "../tools/qlog/index.ts";
import { JobRunner } from "../tools/sim/job.ts";
import { type Experiment, inShard, jobsOf, type NumberedJob } from "../tools/sim/jobs.ts";
import { runJobs } from "../tools/sim/pool.ts";
import { QUEUE_NAME } from "../tools/sim/queue/broker.ts";
import { packScenario } from "../tools/sim/queue/parcel.ts";
import { submitJobs } from "../tools/sim/queue/submit.ts";
import { csv, tables } from "../tools/sim/report.ts";
import { merge, type Results, results, toText } from "../tools/sim/results.ts";
import {
  fullDigest,
  loadScenario,
  planOf,
  type ScenarioFile,
  simulatorCode,
} from "../tools/sim/scenario-file.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import {
  addPictures,
  checkPictures,
  type PictureOptions,
  wantsPictures,
  writeRuns,
} from "./pictures.ts";
import { addressOf, asFailure, checkQueueName, registerSimWorker } from "./sim-worker.ts";
import { openQlogFolder } from "./open-stack.ts";
import { Progress } from "./progress.ts";
import { SimCapture } from "./sim-capture.ts";
import { stdoutOf } from "./stdout.ts";
import { checkSimOptions, type RawSimOptions, type SimOptions } from "./sim-options.ts";

type Outputs = Pick<RawSimOptions, "out" | "csv" | "json" | "capture"> & PictureOptions;

const OUTPUTS = ["capture", "out", "csv", "svg", "html", "json"] as const;

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

function addOutputs(command: Command): Command {
  return addPictures(command)
    .option("--out <file>", "write all results as JSON (- for stdout, instead of the tables)")
    .option("--csv <file>", "write all figures as CSV, one a line (- for stdout)")
    .option("--json", "print the results as JSON instead of the tables");
}

export function registerSim(program: Command): void {
  const command = program
    .command("sim")
    .enablePositionalOptions()
    .summary("run a simulated network in virtual time")
    .description(
      "Runs the scenario in FILE (TypeScript, JavaScript or JSON; docs/simulation.md tells how to write one) with this TCP at every host, in virtual time, and prints what each flow and each link did. The same seed gives the same packets on every machine.\n\nExample: tuntcp sim lossy.ts --sweep loss=0,0.1%,1% --replicates 10 --csv lossy.csv",
    )
    .argument("<file>", "the scenario")
    .option("--seed <n>", "where all chance comes from; replicate i has seed n + i", "1")
    .option("--duration <s>", "seconds of virtual time, instead of the scenario's")
    .option("--param <name=value>", "a parameter of the scenario; repeatable", collect, [])
    .option(
      "--set <key=value>",
      "a setting of all hosts by its sysctl name; repeatable",
      collect,
      [],
    )
    .option("--replicates <n>", "runs that differ in their seed only", "1")
    .option(
      "--sweep <name=a,b,c>",
      "a parameter with several values; repeatable: all combinations",
      collect,
      [],
    )
    .option(
      "--shard <i/n>",
      "only every n-th run, from the i-th on; tuntcp sim merge puts the files together",
    )
    .option("--jobs <n>", "runs at a time; as many as there are cores")
    .option(
      "--queue <url>",
      "have the runs done by tuntcp sim worker on any number of machines, through redis://HOST:PORT/DB",
    )
    .option("--queue-name <name>", "which of its queues", QUEUE_NAME)
    .option(
      "--series",
      "keep the series over time of every run in the results; of a single run they are always kept",
    )
    .option("--capture <file>", "write the packets of a single run as pcapng (- for stdout)")
    .option("--qlog <folder>", "write the events of each connection of a single run there");
  addOutputs(command).action(sim);
  const merging = command
    .command("merge")
    .summary("put the results of shards together")
    .description(
      "Puts together what runs with --shard wrote to --out: the same as one run without it.",
    )
    .argument("<files...>", "results of all shards");
  registerSimWorker(command);
  addOutputs(merging).action((files: string[], options: Outputs) => {
    stdoutOf(options, OUTPUTS);
    report(
      explained(() => merge(files)),
      options,
    );
  });
}

async function sim(file: string, raw: RawSimOptions): Promise<void> {
  const options = checkSimOptions(raw);
  stdoutOf(raw, OUTPUTS);
  const scenario = await explainedAsync(loadScenario(file));
  const series = raw.series === true || wantsPictures(raw);
  const { experiment, modules } = explained(() => experimentOf(scenario, options, series));
  const jobs = inShard(jobsOf(experiment), options.shard);
  const watching = raw.capture !== undefined ? "--capture" : "--qlog";
  const isWatched = raw.capture !== undefined || raw.qlog !== undefined;
  if (isWatched && jobs.length !== 1) {
    throw usage(`${watching}: is for a single run, and these are ${jobs.length}`);
  }
  if (isWatched && raw.queue !== undefined) {
    throw usage(`${watching}: cannot be written by the workers of --queue`);
  }
  checkPictures(raw, jobs.length);
  const runs = isWatched
    ? [await watched(scenario, jobs[0]!, raw)]
    : raw.queue !== undefined
      ? await queued(scenario, modules, jobs, raw)
      : await explainedAsync(run(scenario, jobs, options));
  report(results(experiment, options.shard, runs), raw);
}

/** Every combination of parameters is looked at before the first run. Throws a LoadError. */
function experimentOf(
  scenario: ScenarioFile,
  options: SimOptions,
  series: boolean,
): { readonly experiment: Experiment; readonly modules: readonly string[] } {
  const { seed, parameters, sweeps, replicates, settings, duration } = options;
  const draft: Experiment = {
    code: simulatorCode(),
    scenario: scenario.digest,
    name: "",
    seed,
    parameters,
    sweeps,
    replicates: 1,
    settings,
    duration,
    series: false,
  };
  const modules = new Set<string>();
  let name = "";
  for (const { job } of jobsOf(draft)) {
    const plan = planOf(scenario, {
      parameters: job.parameters,
      settings,
      ...(duration === null ? {} : { duration }),
    });
    for (const path of plan.modules) modules.add(path);
    name = plan.name;
  }
  const single = jobsOf(draft).length * replicates === 1;
  const digest = fullDigest(scenario, [...modules]);
  const experiment = {
    ...draft,
    name,
    scenario: digest,
    replicates,
    series: series || single,
  };
  return { experiment, modules: [...modules] };
}

/** The runs by workers elsewhere. */
async function queued(
  scenario: ScenarioFile,
  modules: readonly string[],
  jobs: readonly NumberedJob[],
  raw: RawSimOptions,
): Promise<SimRun[]> {
  if (raw.jobs !== undefined) throw usage("--jobs: with --queue the workers say how many");
  const queue = checkQueueName(raw.queueName);
  const address = addressOf(raw.queue!);
  const progress = new Progress(jobs.length);
  try {
    return await submitJobs({
      address,
      queue,
      parcel: packScenario(scenario, modules),
      jobs: jobs.map(({ job }) => job),
      onDone: (done) => progress.at(done),
      say: (line) => void process.stderr.write(`tuntcp: ${line}\n`),
    });
  } catch (error) {
    throw asFailure(error);
  } finally {
    progress.end();
  }
}

async function run(
  scenario: ScenarioFile,
  jobs: readonly NumberedJob[],
  options: SimOptions,
): Promise<SimRun[]> {
  const threads = Math.min(options.threads ?? availableParallelism(), jobs.length);
  const progress = new Progress(jobs.length);
  try {
    const list = jobs.map(({ job }) => job);
    if (threads > 1) {
      return await runJobs(scenario.file, list, threads, (done) => progress.at(done));
    }
    const runner = new JobRunner(scenario);
    const runs: SimRun[] = [];
    for (const job of list) {
      runs.push(await runner.run(job));
      progress.at(runs.length);
    }
    return runs;
  } finally {
    progress.end();
  }
}

async function watched(
  scenario: ScenarioFile,
  { job }: NumberedJob,
  { capture: path, qlog: folder }: RawSimOptions,
): Promise<SimRun> {
  const capture = path === undefined ? null : new SimCapture(path);
  const logs = folder === undefined ? null : openQlogFolder(folder);
  const trace = logs === null ? null : qlogTrace(logs.open, null);
  try {
    const runner = new JobRunner(scenario);
    return await explainedAsync(
      runner.run(job, {
        onPacket: (now, link, p) => capture?.packet(now, link, p),
        ...(trace === null ? {} : { trace }),
      }),
    );
  } finally {
    capture?.close();
    trace?.end();
    logs?.close();
  }
}

function report(all: Results, options: Outputs): void {
  checkPictures(options, all.runs.length);
  const files = [
    ["--out", options.out, toText],
    ["--csv", options.csv, csv],
  ] as const;
  for (const [option, path, text] of files) {
    if (path === undefined) continue;
    if (path === "-") process.stdout.write(text(all));
    else write(option, path, text(all));
  }
  writeRuns(options, all.runs);
  const taker = stdoutOf(options, OUTPUTS);
  if (taker === null) process.stdout.write(tables(all));
  else if (taker === "json") process.stdout.write(toText(all));
}

function write(option: string, path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `${option} ${path}: ${lineOf(error)}`);
  }
}

/** A LoadError is the user's to mend, so its line is told as one of usage. */
function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof LoadError ? usage(error.message) : error;
  }
}

async function explainedAsync<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof LoadError ? usage(error.message) : error;
  }
}
