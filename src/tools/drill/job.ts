/** One script of a run over many: read, run, its packets kept as a capture, the blessed text written back. */
import { readFileSync, writeFileSync } from "node:fs";
import { lineOf } from "../../base/errors.ts";
import { PcapngWriter } from "../../devices/pcapng.ts";
import { type DrillFailure, runDrill } from "../../drill/index.ts";
import { LoadError } from "../load-module/index.ts";

export interface DrillJob {
  readonly file: string;
  readonly args: readonly string[];
  readonly ignorePsh: boolean;
  readonly ignoreEcr: boolean;
  readonly strictEnd: boolean;
  readonly bless: boolean;
  /** Where the packets go as pcapng; null: nowhere. */
  readonly pcapng: string | null;
}

export interface DrillOutcome {
  readonly file: string;
  readonly ok: boolean;
  readonly failure: DrillFailure | null;
  readonly warnings: readonly DrillFailure[];
  /** Events that were as the script says. */
  readonly events: number;
  /** What `print` in the script said. */
  readonly printed: readonly string[];
  /** With `bless`: the file was rewritten. */
  readonly rewritten: boolean;
}

/** Throws a LoadError for a file that cannot be read or written. */
export function runJob(job: DrillJob): DrillOutcome {
  const { file } = job;
  const text = reading(file);
  const capture = job.pcapng === null ? null : capturing(job.pcapng);
  const printed: string[] = [];
  try {
    const result = runDrill(text, {
      file,
      args: job.args,
      ignorePsh: job.ignorePsh,
      ignoreEcr: job.ignoreEcr,
      strictEnd: job.strictEnd,
      bless: job.bless,
      print: (line) => printed.push(line),
      ...(capture === null
        ? {}
        : {
            onPacket: (at, direction, bytes, remark) =>
              capture.packet(at / 1000, direction, bytes, 0, bytes.length, remark),
          }),
    });
    const { ok, failure, warnings, events, blessed } = result;
    const rewritten = blessed !== null && blessed !== text;
    if (rewritten) writing(file, blessed);
    return { file, ok, failure, warnings, events, printed, rewritten };
  } finally {
    capture?.close();
  }
}

function reading(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new LoadError(`${file}: ${lineOf(error)}`);
  }
}

function writing(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new LoadError(`${file}: ${lineOf(error)}`);
  }
}

function capturing(path: string): PcapngWriter {
  try {
    return new PcapngWriter(path, "drill");
  } catch (error) {
    throw new LoadError(`--pcapng ${path}: ${lineOf(error)}`);
  }
}
