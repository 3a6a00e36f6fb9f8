#!/usr/bin/env node
/** The command `tuntcp`: what it understands, and how it ends. */
import { Command, CommanderError } from "commander";
import { lineOf } from "../base/errors.ts";
import { CommandFailure, EXIT_FAILED, EXIT_USAGE } from "./failure.ts";
import { version } from "./version.ts";

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  serve: async () => (await import("./serve.ts")).registerServe,
  ss: async () => (await import("./ss.ts")).registerSs,
  top: async () => (await import("./top.ts")).registerTop,
  forward: async () => (await import("./forward.ts")).registerForward,
  nc: async () => (await import("./nc.ts")).registerNc,
  run: async () => (await import("./run.ts")).registerRun,
  trace: async () => (await import("./trace.ts")).registerTrace,
  craft: async () => (await import("./craft.ts")).registerCraft,
  show: async () => (await import("./show.ts")).registerShow,
  sim: async () => (await import("./sim.ts")).registerSim,
  drill: async () => (await import("./drill.ts")).registerDrill,
  fuzz: async () => (await import("./fuzz.ts")).registerFuzz,
  bench: async () => (await import("./bench.ts")).registerBench,
  doctor: async () => (await import("./doctor.ts")).registerDoctor,
  "demo-pair": async () => (await import("./demo-pair.ts")).registerDemoPair,
};

/** A command that is named comes alone: it starts sooner without the others' code. */
async function build(named = ""): Promise<Command> {
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
  for (const name of Object.hasOwn(COMMANDS, named) ? [named] : Object.keys(COMMANDS))
    (await COMMANDS[name]!())(program);
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

async function main(): Promise<void> {
  const program = await build(process.argv[2]);
  if (process.argv.length > 2) return void (await program.parseAsync());
  process.stderr.write(program.helpInformation());
  process.exitCode = EXIT_USAGE;
}

main().catch((error: unknown) => {
  process.exitCode = end(error);
});
