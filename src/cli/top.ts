/** `tuntcp top`: the connections of a running stack, live, those that move most first. */
import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import { lineOf } from "../base/errors.ts";
import type { ControlClient } from "../tools/control/client.ts";
import { ratesOf, topText } from "../tools/control/rates.ts";
import type { ConnectionTable, StackSummary } from "../tools/control/requests.ts";
import { addControlOptions, type RawControlOptions, reach } from "./control-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";

interface TopOptions extends RawControlOptions {
  readonly d: string;
  readonly n?: string;
  readonly json?: boolean;
}

const CTRL_C = "\u0003";
const ESCAPE = "\u001b";
const SCREEN = {
  on: "\x1b[?1049h\x1b[?25l",
  home: "\x1b[H",
  wipe: "\x1b[J",
  off: "\x1b[?25h\x1b[?1049l",
};

export function registerTop(program: Command): void {
  const command = program
    .command("top")
    .summary("the connections of a running stack, live")
    .description(
      "Shows the connections of a running stack and what moves on them, again each second; q ends it.\n\nExample: tuntcp top -d 0.5",
    )
    .option("-d <seconds>", "between two looks", "1")
    .option("-n <times>", "so many looks, then end")
    .option("--json", "a line of JSON for each look");
  addControlOptions(command).action(top);
}

interface Look {
  readonly at: number;
  readonly table: ConnectionTable;
  readonly summary: StackSummary;
}

async function look(client: ControlClient): Promise<Look> {
  const [table, summary] = await Promise.all([
    client.ask<ConnectionTable>("connections"),
    client.ask<StackSummary>("summary"),
  ]);
  return { at: performance.now(), table, summary };
}

async function top(options: TopOptions): Promise<void> {
  const every = numberOf("-d", options.d, 0.1, 3600);
  const times = options.n === undefined ? Infinity : Math.floor(numberOf("-n", options.n, 1, 1e9));
  const client = await reach(options);
  const live = process.stdout.isTTY && options.json !== true;
  const ending = endings(live);
  try {
    let before = await look(client);
    for (let n = 0; n < times && !ending.aborted; n++) {
      await sleep(1000 * every, undefined, { signal: ending }).catch(() => {});
      if (ending.aborted) break;
      const after = await look(client);
      show(before, after, live, options.json === true);
      before = after;
    }
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  } finally {
    if (live) leaveScreen();
    client.close();
  }
}

function show(before: Look, after: Look, live: boolean, json: boolean): void {
  const rows = ratesOf(before.table, after.table, after.at - before.at);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...after.summary, connections: rows })}\n`);
    return;
  }
  // nobody cuts off what goes into a file
  const [width, height] = live ? [process.stdout.columns, process.stdout.rows] : [1000, Infinity];
  const text = topText(after.summary, rows, width, height);
  process.stdout.write(
    live ? `${SCREEN.home}${text.replaceAll("\n", "\x1b[K\n")}\x1b[K${SCREEN.wipe}` : `${text}\n\n`,
  );
}

/** By q, Ctrl-C or SIGTERM. */
function endings(live: boolean): AbortSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  if (!live) return controller.signal;
  process.stdout.write(SCREEN.on);
  const { stdin } = process;
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on("data", (keys: Buffer) => {
      if (["q", CTRL_C, ESCAPE].some((key) => String(keys).includes(key))) end();
    });
    stdin.unref();
  }
  return controller.signal;
}

function leaveScreen(): void {
  process.stdout.write(SCREEN.off);
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw usage(`${name} ${text}: ${least} to ${most}`);
  return value;
}
