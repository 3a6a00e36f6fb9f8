/** `tuntcp fuzz --replay FILE`: the run of a finding once more, told step by step, as a script and as packets. */
import { readFileSync, writeFileSync } from "node:fs";
import { lineOf } from "../base/errors.ts";
import { PcapngWriter } from "../devices/pcapng.ts";
import * as harness from "../fuzz/index.ts";
import type { Outcome, TraceEvent } from "../fuzz/index.ts";
import { BRIEF, decode, formatPacket } from "../packet/index.ts";
import { drillScript } from "../tools/fuzz/drill-script.ts";
import { parseFinding, replay } from "../tools/fuzz/finding.ts";
import { LoadError } from "../tools/load-module/index.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import type { RawFuzzOptions } from "./fuzz-options.ts";
import { stdoutOf } from "./stdout.ts";

export function replayFinding(raw: RawFuzzOptions): void {
  const taker = stdoutOf(raw, ["drill", "pcapng", "json"]);
  const file = raw.replay!;
  const { finding, target, data } = parsed(file);
  const outcome = replay(target, data);
  const isSame = finding.hash === undefined ? null : finding.hash === outcome.hash;
  if (raw.drill !== undefined) {
    const { head } = harness.decode(data);
    const settings = harness.PROFILES[head.profile]!.settings;
    const about = [what(outcome), `target ${target.name}, trace ${outcome.hash}`];
    put("--drill", raw.drill, drillScript(outcome, { about, settings }));
  }
  if (raw.pcapng !== undefined) capture(raw.pcapng, outcome.trace);
  const { violation, hash } = outcome;
  if (taker === "json") {
    const report = { target: target.name, violation, hash, same: isSame };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else if (taker === null) {
    process.stdout.write(outcome.trace.map(eventLine).join(""));
    process.stdout.write(`${target.name}: ${what(outcome)}; trace ${hash}${sameness(isSame)}\n`);
  }
  if (violation !== null) {
    throw new CommandFailure(
      EXIT_FAILED,
      `${file}: ${what(outcome)}; trace ${hash}${sameness(isSame)}`,
    );
  }
}

function parsed(file: string): ReturnType<typeof parseFinding> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--replay ${file}: ${lineOf(error)}`);
  }
  try {
    return parseFinding(harness, file, text);
  } catch (error) {
    if (error instanceof LoadError) throw usage(`--replay ${error.message}`);
    throw error;
  }
}

function what({ violation }: Outcome): string {
  if (violation === null) return "nothing is broken";
  return `${violation.rule} in step ${violation.step}: ${violation.message}`;
}

function sameness(isSame: boolean | null): string {
  if (isSame === null) return "";
  return isSame ? ", the same as when it was found" : ", another than when it was found";
}

function eventLine({ at, step, what: kind, text, bytes }: TraceEvent): string {
  const shown = bytes === undefined ? text : formatPacket(decode(bytes), BRIEF);
  const sign = { in: "<", out: ">", call: "call ", event: "heard ", state: "state " }[kind];
  return `${String(at).padStart(10)} ms  ${String(step).padStart(3)}  ${sign}${kind === "in" || kind === "out" ? " " : ""}${shown}\n`;
}

function capture(path: string, trace: readonly TraceEvent[]): void {
  try {
    const writer = new PcapngWriter(path, "fuzz");
    for (const { at, what: kind, bytes, text } of trace) {
      if (bytes === undefined || (kind !== "in" && kind !== "out")) continue;
      writer.packet(at, kind, bytes, 0, bytes.length, text === "" ? null : text);
    }
    writer.close();
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `--pcapng ${path}: ${lineOf(error)}`);
  }
}

function put(option: string, path: string, text: string): void {
  try {
    if (path === "-") process.stdout.write(text);
    else writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `${option} ${path}: ${lineOf(error)}`);
  }
}
