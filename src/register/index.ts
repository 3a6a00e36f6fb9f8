/**
 * `node --import tuntcp/register app.js`: the program's TCP runs on the stack, unchanged. docs/node-programs.md tells what runs and what
 * the environment says.
 *
 * @module tuntcp/register
 */
import { writeSync } from "node:fs";
import { lineOf } from "../base/errors.ts";
import { CommandFailure, EXIT_FAILED } from "../cli/failure.ts";
import { fromEnvironment, namingVariable, OWNER } from "../cli/preload-environment.ts";
import type { UserStack } from "../sockets/create-stack.ts";
import { warnOfKernel } from "./elsewhere.ts";
import { checkInternals } from "./internals.ts";
import { leaveInOrder } from "./leave.ts";
import { Network } from "./network.ts";
import { open } from "./open.ts";
import { patch } from "./patch.ts";

const STACK = Symbol.for("tuntcp.register");
/** Once, even where the package is there twice. */
const shared = globalThis as { [STACK]?: UserStack | null };

/** Null in a thread or process whose TCP is the kernel's, as another has the TUN. */
async function start(): Promise<UserStack | null> {
  const options = fromEnvironment(process.env);
  checkInternals();
  // each thread and process has a loopback of its own; a TUN is one stack's
  const owner = process.env[OWNER] ?? "";
  if (!options.loopback && owner.endsWith(` ${options.tun}`)) {
    warnOfKernel(options.tun);
    return null;
  }
  const { stack, restore } = await open(options);
  const network = new Network(stack, options.loopback);
  leaveInOrder(() => {
    network.leave();
    restore();
  });
  if (!options.loopback) process.env[OWNER] = `${process.pid} ${options.tun}`;
  stack.onDeviceLost((error) => process.emitWarning(error.message, { code: "TUNTCP_DEVICE" }));
  patch({ network, keptLocal });
  return stack;
}

let said = false;

function keptLocal(address: string, port: number): void {
  if (said) return;
  said = true;
  process.emitWarning(
    `${address}${port === 0 ? "" : `:${port}`} is the kernel's: what is to be reached through the TUN listens on 0.0.0.0 or the stack's address`,
    { code: "TUNTCP_LOCAL" },
  );
}

async function startOrEnd(): Promise<UserStack | null> {
  try {
    return await start();
  } catch (error) {
    const failure =
      error instanceof CommandFailure
        ? namingVariable(error)
        : new CommandFailure(EXIT_FAILED, lineOf(error));
    writeSync(2, `tuntcp: ${failure.message}\n`);
    return process.exit(failure.exitCode);
  }
}

if (shared[STACK] === undefined) shared[STACK] = await startOrEnd();

/** What the program's TCP runs on: its settings, its table of connections; null where that is the kernel. */
export const stack: UserStack | null = shared[STACK];
