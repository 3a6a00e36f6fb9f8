/** `tuntcp ss`: the connection table of a running stack. */
import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import { lineOf } from "../base/errors.ts";
import type { ControlClient } from "../tools/control/client.ts";
import { parseFilter } from "../tools/control/filter.ts";
import type { ConnectionTable, StackSummary } from "../tools/control/requests.ts";
import { summaryText, tableText } from "../tools/control/table.ts";
import { addControlOptions, type RawControlOptions, reach } from "./control-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";

interface SsOptions extends RawControlOptions {
  readonly t?: string | true;
  readonly listening?: boolean;
  readonly all?: boolean;
  readonly summary?: boolean;
  readonly json?: boolean;
  readonly watch?: string | true;
}

export function registerSs(program: Command): void {
  const command = program
    .command("ss")
    .summary("the connections of a running stack")
    .description(
      "Prints the connection table of a running stack: state, queues, addresses, timer, and what `ss -tin` shows; the last line of each says why it does not go faster.\n\nExample: tuntcp ss -t 'established and sport = :80'",
    )
    .argument(
      "[filter...]",
      "as of ss: a state, sport = :80, dport = :80, src ADDRESS[:PORT], dst …",
    )
    .option("-t [filter]", "the same filter")
    .option("-l, --listening", "only what listens")
    .option("-a, --all", "also what listens")
    .option("-s, --summary", "counts by state")
    .option("--json", "as JSON; counters with --summary")
    .option("--watch [seconds]", "again and again");
  addControlOptions(command).action(ss);
}

async function ss(words: string[], options: SsOptions): Promise<void> {
  const filter = filterOf(words, options);
  const every = options.watch === undefined ? 0 : secondsOf(options.watch);
  const client = await reach(options);
  try {
    do {
      const text = await page(client, options, filter);
      if (every > 0 && process.stdout.isTTY && options.json !== true)
        process.stdout.write("\x1b[H\x1b[2J");
      process.stdout.write(`${text}\n`);
      if (every > 0) await sleep(1000 * every);
    } while (every > 0);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  } finally {
    client.close();
  }
}

function filterOf(words: string[], options: SsOptions): ReturnType<typeof parseFilter> {
  const given = [...words, ...(typeof options.t === "string" ? [options.t] : [])].join(" ");
  const text =
    options.listening === true ? "listening" : options.all === true ? "all" : "connected";
  try {
    return parseFilter(given === "" ? text : given);
  } catch (error) {
    throw usage(lineOf(error));
  }
}

function secondsOf(text: string | true): number {
  const seconds = text === true ? 1 : Number(text);
  if (!(seconds >= 0.1 && seconds <= 3600)) throw usage(`--watch ${text}: 0.1 to 3600 seconds`);
  return seconds;
}

async function page(
  client: ControlClient,
  options: SsOptions,
  filter: ReturnType<typeof parseFilter>,
): Promise<string> {
  if (options.summary === true) {
    const summary = await client.ask<StackSummary>("summary");
    return options.json === true ? JSON.stringify(summary) : summaryText(summary);
  }
  const all = await client.ask<ConnectionTable>("connections");
  const table: ConnectionTable = {
    listeners: all.listeners.filter((l) =>
      filter({
        state: "LISTEN",
        localAddress: l.address,
        localPort: l.port,
        remoteAddress: "0.0.0.0",
        remotePort: 0,
      }),
    ),
    connections: all.connections.filter(filter),
  };
  return options.json === true ? JSON.stringify(table) : tableText(table);
}
