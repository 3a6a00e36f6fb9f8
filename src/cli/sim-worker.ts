/** `tuntcp sim worker`: works the runs of sweeps that were put into a queue with --queue. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { LoadError } from "../tools/load-module/index.ts";
import { parseAddress, QUEUE_NAME } from "../tools/sim/queue/broker.ts";
import { work } from "../tools/sim/queue/work.ts";
import { simulatorCode } from "../tools/sim/scenario-file.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";

interface WorkerOptions {
  readonly queue?: string;
  readonly queueName: string;
  readonly concurrency?: string;
  readonly lostAfter: string;
}

export function registerSimWorker(sim: Command): void {
  sim
    .command("worker")
    .summary("work the runs of a queue, until a signal")
    .description(
      "Takes runs that tuntcp sim --queue put into a queue, on any machine that reaches the broker and has the same build. It can be ended or killed at any time: its runs go to other workers. Whoever may write to the broker decides what code runs here, so give it a password and no open port.\n\nExample: tuntcp sim worker --queue redis://127.0.0.1:6379/0",
    )
    .option("--queue <url>", "the broker, redis://[USER:PASSWORD@]HOST:PORT/DB")
    .option("--queue-name <name>", "which of its queues", QUEUE_NAME)
    .option("--concurrency <n>", "runs at a time; as many as there are cores")
    .option(
      "--lost-after <s>",
      "seconds of silence after which the runs of a worker go to another",
      "15",
    )
    .action(simWorker);
}

async function simWorker(options: WorkerOptions): Promise<void> {
  if (options.queue === undefined) throw usage("sim worker needs --queue redis://HOST:PORT/DB");
  const queue = checkQueueName(options.queueName);
  const address = addressOf(options.queue);
  const concurrency =
    options.concurrency === undefined
      ? availableParallelism()
      : number("--concurrency", options.concurrency, /^\d{1,4}$/, "a whole number from 1 on");
  const lostAfter = number("--lost-after", options.lostAfter, /^\d{1,5}(\.\d+)?$/, "seconds");
  const ending = new AbortController();
  const say = (line: string): void => void process.stderr.write(`tuntcp: ${line}\n`);
  const { signal } = ending;
  const code = simulatorCode();
  const done = work({
    address,
    queue,
    concurrency,
    lostAfter: lostAfter * 1000,
    code,
    say,
    signal,
  });
  endOnSignals(() => {
    ending.abort();
    return done;
  });
  try {
    await done;
  } catch (error) {
    throw asFailure(error);
  }
}

/** BullMQ puts names into keys, between colons. */
export function checkQueueName(name: string): string {
  if (/^[\w.-]{1,100}$/.test(name)) return name;
  throw usage(`--queue-name ${name}: expected letters, digits, and . _ -`);
}

export function addressOf(text: string): ReturnType<typeof parseAddress> {
  try {
    return parseAddress(text);
  } catch (error) {
    throw error instanceof LoadError ? usage(error.message) : error;
  }
}

/** What the broker or its packages lack is no fault of the command line. */
export function asFailure(error: unknown): unknown {
  return error instanceof LoadError ? new CommandFailure(EXIT_FAILED, error.message) : error;
}

function number(option: string, text: string, form: RegExp, what: string): number {
  if (form.test(text) && Number(text) > 0) return Number(text);
  throw usage(`${option} ${text}: expected ${what}`);
}
