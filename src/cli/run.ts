/** `tuntcp run`: a Node program, unchanged, with its TCP on the stack. */
import { spawn } from "node:child_process";
import type { Command } from "commander";
import { addDeviceOptions, type RawDeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";
import {
  checkPreloadOptions,
  fromEnvironment,
  OWNER,
  toEnvironment,
} from "./preload-environment.ts";
import { runRootless } from "./rootless.ts";

/** Passed on; a terminal sends SIGINT and SIGQUIT to the program itself. */
const SIGNALS: readonly NodeJS.Signals[] = ["SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"];
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];
/** How every command is asked to end: one that the program leaves to us is no failure. */
const ENDING: readonly string[] = ["SIGINT", "SIGTERM"];

export function registerRun(program: Command): void {
  const command = program
    .command("run")
    .summary("a Node program with its TCP on the stack")
    .description(
      "Runs SCRIPT as node does, with the TCP of net, http, https, tls, http2 and what is built on them on the stack. Options before SCRIPT are tuntcp's, those behind it the program's. --tun loopback needs no TUN: 127.0.0.1 answers, within the process. docs/node-programs.md tells more.\n\nExample: tuntcp run --tun loopback app.js",
    )
    .argument("<script>", "the program")
    .argument("[args...]", "what it is given")
    .passThroughOptions();
  addDeviceOptions(command).action(run);
}

async function run(
  script: string,
  args: readonly string[],
  raw: RawDeviceOptions,
  command: Command,
): Promise<void> {
  const { rootless } = checkPreloadOptions(raw);
  const env: NodeJS.ProcessEnv = { ...process.env, ...toEnvironment(command) };
  delete env[OWNER];
  fromEnvironment(env);
  if (rootless) {
    process.exitCode = await runRootless();
    return;
  }
  const preload = new URL("../register/index.js", import.meta.url).href;
  const argv = [...process.execArgv, "--import", preload, script, ...args];
  const child = spawn(process.execPath, argv, { stdio: "inherit", env });
  const asked = new Set<string>();
  const note = (signal: NodeJS.Signals): void => void asked.add(signal);
  const pass = (signal: NodeJS.Signals): void => {
    note(signal);
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  for (const signal of FROM_TERMINAL) process.on(signal, process.stdin.isTTY ? note : pass);
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", (error) => {
      reject(new CommandFailure(EXIT_FAILED, `node cannot be started: ${error.message}`));
    });
    child.once("exit", (code, killedBy) => {
      process.exitCode = code ?? EXIT_FAILED;
      resolve(killedBy);
    });
  });
  for (const each of [...SIGNALS, ...FROM_TERMINAL]) process.removeAllListeners(each);
  if (signal === null) return;
  if (asked.has(signal) && ENDING.includes(signal)) process.exitCode = 0;
  // as it ended, so do we
  else process.kill(process.pid, signal);
}
