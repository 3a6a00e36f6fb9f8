/**
 * The public names of the script runner: `import … from "tuntcp/drill"`.
 *
 * @module tuntcp/drill
 */
import type { Event, Script } from "./ast.ts";
import { Blessing } from "./bless.ts";
import { DrillError, type DrillFailure } from "./failure.ts";
import { readCommandOptions } from "./command-options.ts";
import { readRunSettings, type RunSettings } from "./options.ts";
import { parseScript } from "./parser.ts";
import { Runner } from "./runner.ts";
import type { PacketListener } from "./world.ts";

export type * from "./ast.ts";
export {
  type DrillFailure,
  type DrillFailureKind,
  type FieldDifference,
  formatFailure,
} from "./failure.ts";
export { LANGUAGE_OPTIONS } from "./options.ts";
export type { PacketListener } from "./world.ts";

/** How a script is run. */
export interface DrillOptions {
  /** What failures call the script. Default: "script". */
  readonly file?: string;
  /** Options of the language as on a command line, `--tolerance_usecs=1000` or `-D NAME=VALUE`; they win over the script's. */
  readonly args?: readonly string[];
  /** PSH is not compared. */
  readonly ignorePsh?: boolean;
  /** The echo in timestamp options of the stack is not compared; packetdrill does not. */
  readonly ignoreEcr?: boolean;
  /** A packet of the connection that nothing expects, at the end, is a failure. */
  readonly strictEnd?: boolean;
  /** Expectations of packets that fail become what was seen: see {@link DrillResult.blessed}. */
  readonly bless?: boolean;
  /** Where the stack's own chance comes from. Default: 1. */
  readonly seed?: number;
  /** Hears of each packet, `at` in microseconds. */
  readonly onPacket?: PacketListener;
  /** Hears what `print` in a script says. */
  readonly print?: (text: string) => void;
}

/** What came of a script. */
export interface DrillResult {
  readonly ok: boolean;
  /** Null when it passed. */
  readonly failure: DrillFailure | null;
  /** Mismatches that the script calls not fatal. */
  readonly warnings: readonly DrillFailure[];
  /** Events that were as the script says. */
  readonly events: number;
  /** With `bless`: the text of the script with the expectations that were wrong rewritten. */
  readonly blessed: string | null;
}

/** A script as data, or why it is none. */
export type ParseResult =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly failure: DrillFailure };

/** What a script says, without running it. */
export function parseDrill(text: string, options: DrillOptions = {}): ParseResult {
  const file = options.file ?? "script";
  try {
    const { script } = prepare(text, file, options);
    return { ok: true, script };
  } catch (error) {
    return { ok: false, failure: failureOf(error, file) };
  }
}

/** Runs a script against a stack of its own, in virtual time. A failure is a value; only a fault of ours throws. */
export function runDrill(text: string, options: DrillOptions = {}): DrillResult {
  const file = options.file ?? "script";
  const warnings: DrillFailure[] = [];
  let runner: Runner | null = null;
  const blessing = options.bless === true ? new Blessing(text) : null;
  const result = (failure: DrillFailure | null): DrillResult => ({
    ok: failure === null,
    failure,
    warnings,
    events: runner?.events ?? 0,
    blessed: blessing?.text() ?? null,
  });
  try {
    const { script, run } = prepare(text, file, options);
    if (run.dryRun) return result(null);
    runner = new Runner(script, run, {
      ignorePsh: options.ignorePsh === true,
      ignoreEcr: options.ignoreEcr === true,
      strictEnd: options.strictEnd === true,
      seed: options.seed ?? 1,
      onPacket: options.onPacket ?? null,
      print: options.print ?? (() => {}),
      warn: (error) => warnings.push(failureOf(error, file, runner)),
      bless:
        blessing === null
          ? null
          : (event: Event, seen: string, at: number | null) => blessing.replace(event, seen, at),
    });
    try {
      runner.all();
    } finally {
      runner.cleanup();
    }
    return result(null);
  } catch (error) {
    return result(failureOf(error, file, runner));
  }
}

/** What is wrong with options of the language on a command line, in one line; null for nothing. */
export function checkDrillArgs(args: readonly string[]): string | null {
  try {
    readRunSettings([], readCommandOptions(args).options);
    return null;
  } catch (error) {
    if (error instanceof DrillError) return error.message;
    throw error;
  }
}

function prepare(
  text: string,
  file: string,
  options: DrillOptions,
): { readonly script: Script; readonly run: RunSettings } {
  const command = readCommandOptions(options.args ?? []);
  const script = parseScript(text, file, command.definitions);
  return { script, run: readRunSettings(script.options, command.options) };
}

/** What is no DrillError is a fault of ours, and is thrown on. */
function failureOf(error: unknown, file: string, runner: Runner | null = null): DrillFailure {
  if (!(error instanceof DrillError)) throw error;
  const { kind, line, message, expected, seen, fields } = error;
  return {
    kind,
    file,
    line,
    message,
    expected,
    seen,
    fields,
    state: runner?.state ?? [],
    history: runner?.history.lines() ?? [],
  };
}
