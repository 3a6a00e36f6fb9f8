#!/usr/bin/env node
/** The command `tuntcp`: what it understands, and how it ends. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { lineOf } from "../base/errors.ts";
import { registerBench } from "./bench.ts";
import { registerDemoPair } from "./demo-pair.ts";
import { registerDoctor } from "./doctor.ts";
import { CommandFailure, EXIT_FAILED, EXIT_USAGE } from "./failure.ts";
import { registerNc } from "./nc.ts";
import { registerServe } from "./serve.ts";
import { registerSim } from "./sim.ts";
import { registerTrace } from "./trace.ts";

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function build(): Command {
  const program = new Command("tuntcp")
    .description("A complete TCP over IPv4 in user space, behind a TUN device.")
    .version(version())
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  // inherited by the commands made from it
  program.commandsGroup("Commands:");
  registerServe(program);
  registerNc(program);
  registerTrace(program);
  registerSim(program);
  registerBench(program);
  registerDoctor(program);
  registerDemoPair(program);
  for (const command of program.commands.flatMap((c) => [c, ...c.commands]))
    command.exitOverride().configureOutput({ writeErr: () => {} });
  return program;
}

/** One line on standard error, and the exit code. */
function end(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === "commander.help") return EXIT_USAGE;
    const line = error.message.replace(/^error: |\.$/g, "").replaceAll("\n", " ");
    process.stderr.write(`tuntcp: ${line}; see tuntcp --help\n`);
    return EXIT_USAGE;
  }
  if (isReaderGone(error)) return 0;
  process.stderr.write(`tuntcp: ${lineOf(error)}\n`);
  return error instanceof CommandFailure ? error.exitCode : EXIT_FAILED;
}

/** A reader that went away (tuntcp … | head) is no fault of ours. */
function isReaderGone(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "EPIPE";
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (isReaderGone(error)) process.exit(0);
  throw error;
});
process.on("uncaughtException", (error) => {
  process.exit(end(error));
});

const program = build();
if (process.argv.length <= 2) {
  process.stderr.write(program.helpInformation());
  process.exitCode = EXIT_USAGE;
} else {
  program.parseAsync().catch((error: unknown) => {
    process.exitCode = end(error);
  });
}
