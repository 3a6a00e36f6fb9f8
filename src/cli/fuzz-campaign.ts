/** `tuntcp fuzz --campaign`: this process as a worker of a campaign, on a broker or in a shared folder. */
import { lineOf } from "../base/errors.ts";
import type { Board } from "../tools/fuzz/campaign/board.ts";
import { takePart } from "../tools/fuzz/campaign/campaign.ts";
import { codeDigest } from "../tools/fuzz/campaign/code.ts";
import { openBoard } from "../tools/fuzz/campaign/index.ts";
import type { CampaignResult } from "../tools/fuzz/campaign/merge.ts";
import type { Begin, Specification } from "../tools/fuzz/campaign/work.ts";
import { LoadError } from "../tools/load-module/index.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";

export interface CampaignOptions {
  /** nats://HOST:PORT/NAME or a folder. */
  readonly place: string;
  /** Null joins the campaign that is there. */
  readonly target: string | null;
  readonly seed: number;
  /** Executions in all. */
  readonly runs: number;
  readonly begin: Begin;
  readonly json: boolean;
}

/** ms of silence after which a job goes to another worker. */
const LOST_AFTER = 15_000;
/** Executions of a job, and jobs that go from one corpus. */
const EACH = 2000;
const JOBS = 16;

/** Resolves when the whole is done, by whoever; throws a CommandFailure where it has findings. */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  const { place, target, seed, runs, begin, json } = options;
  const say = (line: string): void => void process.stderr.write(`tuntcp: ${line}\n`);
  const code = codeDigest();
  const specification: Specification | null =
    target === null
      ? null
      : { format: 1, target, seed, runs, each: EACH, jobs: JOBS, options: {}, code };
  const ending = new AbortController();
  const { signal } = ending;
  const onProgress = ({ round, rounds, done, corpus, findings }: Progress): void =>
    say(
      `round ${round + 1} of ${rounds}, ${done} jobs done here, corpus of ${corpus}, ${findings} findings`,
    );
  let board: Board | null = null;
  try {
    board = await openBoard(place, { lostAfter: LOST_AFTER, say });
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
