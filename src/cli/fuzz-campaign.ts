/** `tuntcp fuzz --campaign`: this process as a worker of a campaign, on a broker or in a shared folder. */
import { lineOf } from "../base/errors.ts";
import type { Board } from "../tools/fuzz/campaign/board.ts";
import { takePart } from "../tools/fuzz/campaign/campaign.ts";
import { campaignCode } from "../tools/fuzz/campaign/code.ts";
import { openBoard } from "../tools/fuzz/campaign/index.ts";
import type { CampaignResult } from "../tools/fuzz/campaign/merge.ts";
import type { Specification } from "../tools/fuzz/campaign/work.ts";
import { loadJobs } from "../tools/fuzz/job.ts";
import { LoadError } from "../tools/load-module/index.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";

export interface CampaignOptions {
  /** nats://HOST:PORT/NAME or a folder. */
  readonly place: string;
  /** Null joins the campaign that is there. */
  readonly target: string | null;
  readonly seed: number;
  /** Executions in all; Infinity: as many as is usual. */
  readonly runs: number;
  readonly json: boolean;
}

/** ms of silence after which a job goes to another worker. */
const LOST_AFTER = 15_000;
/** Jobs that go from one corpus, and rounds at least: what one found is to serve the others. */
const JOBS = 16;
const LEAST_ROUNDS = 4;
/** Executions of a job: some seconds at most, and worth the way. */
const LEAST = 25;
const MOST = 2000;
/** Executions in all where nothing else is said. */
const RUNS = 100_000;

function eachOf(runs: number): number {
  return Math.min(MOST, Math.max(LEAST, Math.ceil(runs / (JOBS * LEAST_ROUNDS))));
}

/** Resolves when the whole is done, by whoever; throws a CommandFailure where it has findings. */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  const { place, target, seed, json } = options;
  const runs = Number.isFinite(options.runs) ? options.runs : RUNS;
  const say = (line: string): void => void process.stderr.write(`tuntcp: ${line}\n`);
  const code = campaignCode();
  const specification: Specification | null =
    target === null
      ? null
      : { format: 1, target, seed, runs, each: eachOf(runs), jobs: JOBS, options: {}, code };
  const ending = new AbortController();
  const { signal } = ending;
  const onProgress = ({ round, rounds, done, corpus, findings }: Progress): void =>
    say(
      `round ${round + 1} of ${rounds}, ${done} jobs done here, corpus of ${corpus}, ${findings} findings`,
    );
  let board: Board | null = null;
  try {
    board = await openBoard(place, { lostAfter: LOST_AFTER, say });
    const begin = await loadJobs();
    const work = takePart({ board, specification, code, begin, signal, onProgress });
    endOnSignals(async () => {
      ending.abort();
      await work.catch(() => {});
    });
    const result = await work;
    if (result !== null) print(result, place, json);
  } catch (error) {
    if (error instanceof LoadError) throw new CommandFailure(EXIT_FAILED, lineOf(error));
    throw error;
  } finally {
    await board?.close();
  }
}

type Progress = Parameters<NonNullable<Parameters<typeof takePart>[0]["onProgress"]>>[0];

function print(result: CampaignResult, place: string, json: boolean): void {
  const { rounds, executions, corpus, features, findings, digest } = result;
  if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    const lines = [
      `${executions} executions in ${rounds} rounds, corpus of ${corpus.length}, ${features} features`,
      ...findings.map((finding) => `${finding.what} (findings/${finding.digest})`),
      `result ${digest.slice(0, 16)}`,
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  if (findings.length > 0) {
    const [first] = findings;
    throw new CommandFailure(
      EXIT_FAILED,
      `${place}: ${findings.length} findings, the first: ${first!.what}`,
    );
  }
}
