/** Which running stack a command means, and how it is reached. */
import type { Command } from "commander";
import { basename } from "node:path";
import { lineOf } from "../base/errors.ts";
import { ControlClient } from "../tools/control/client.ts";
import { controlPath, controlPaths } from "../tools/control/path.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";

export interface RawControlOptions {
  readonly tun?: string;
  readonly control?: string;
}

export function addControlOptions(command: Command): Command {
  return command
    .option("--tun <name>", "the stack behind this TUN; left out, the only one that runs")
    .option("--control <path>", "its control socket, if it was given one");
}

export async function reach(options: RawControlOptions): Promise<ControlClient> {
  const path =
    options.control ?? (options.tun === undefined ? await theOne() : controlPath(options.tun));
  try {
    return await ControlClient.open(path);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, unreached(path, error));
  }
}

function unreached(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "ENOENT" || code === "ECONNREFUSED")
    return `no stack runs behind ${path} (${code}): start one with tuntcp serve`;
  if (code === "EACCES" || code === "EPERM")
    return `${path} belongs to another user's stack (${code}): ask as that user`;
  return `${path}: ${lineOf(error)}`;
}

/** The socket of the only stack that answers. */
async function theOne(): Promise<string> {
  const alive: string[] = [];
  for (const path of controlPaths()) {
    try {
      (await ControlClient.open(path)).close();
      alive.push(path);
    } catch {
      // one that was killed left it
    }
  }
  const [first] = alive;
  if (first === undefined)
    throw new CommandFailure(EXIT_FAILED, "no stack runs here: start one with tuntcp serve");
  if (alive.length > 1) {
    const names = alive.map((path) => basename(path, ".sock")).join(", ");
    throw usage(`several stacks run here (${names}): choose one with --tun`);
  }
  return first;
}
