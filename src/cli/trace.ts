/** `tuntcp trace FILE`: the ladder of each connection in a capture, with the states of both ends. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import { type CapturedPacket, readCapture } from "../devices/pcap-reader.ts";
import { ladder, ladderJson } from "../tools/observe/ladder.ts";
import { type Conversation, Tracker } from "../tools/observe/tracker.ts";
import { addControlOptions, type RawControlOptions } from "./control-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { addPictures, type PictureOptions, wantsPictures, writePictures } from "./pictures.ts";
import { stdoutOf } from "./stdout.ts";
import { traceFigure } from "./trace-figure.ts";
import { traceLive } from "./trace-live.ts";

interface TraceOptions extends PictureOptions, RawControlOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly port?: string;
  readonly limit?: string;
}

/** Segments in one ladder of a picture; more are summed up. */
const MOST_DRAWN = 2000;

export function registerTrace(program: Command): void {
  const command = program
    .command("trace")
    .summary("print the ladder of segments, of a capture or live")
    .description(
      "Prints each connection of a pcap or pcapng file as a ladder: time, direction, flags, numbers, and the states of both ends after each segment. Without a file it watches a running stack until Ctrl-C. Numbers count from each end's first one; times are ms from the first segment.\n\nExample: tuntcp serve --capture run.pcapng   and then: tuntcp trace run.pcapng",
    )
    .argument("[file]", "pcap or pcapng; - for standard input")
    .option("--port <n>", "only connections with this port at one end")
    .option("--all", "fold nothing, however long")
    .option("--limit <n>", "only the first segments of each connection")
    .option("--json", "as JSON");
  addControlOptions(command);
  addPictures(command).action(trace);
}

async function trace(file: string | undefined, options: TraceOptions): Promise<void> {
  const port = checkPort(options.port);
  const limit = checkLimit(options.limit);
  const taker = stdoutOf(options, ["svg", "html", "json"]);
  if (file === undefined) return await live(options, port, limit, taker);
  if (options.tun !== undefined || options.control !== undefined)
    throw usage("--tun and --control: watch a running stack, and go without a file");
  const conversations = follow(read(file), file).filter(
    (c) => port === null || [c.left, c.right].some((end) => end.endsWith(`:${port}`)),
  );
  if (conversations.length === 0) {
    const which = port === null ? "" : ` with port ${port}`;
    throw new CommandFailure(EXIT_FAILED, `${file} has no TCP connection${which}`);
  }
  const all = options.all === true;
  if (wantsPictures(options)) {
    const most = Math.min(limit, MOST_DRAWN);
    writePictures(options, traceFigure(file, conversations, all, most));
  }
  if (taker === null) {
    const how = { ...screen(all), limit };
    process.stdout.write(conversations.map((c) => ladder(c, how)).join("\n"));
  } else if (taker === "json") {
    const data = conversations.map((c) => ladderJson(c, limit));
    process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
  }
}

/** A running stack's segments, as they pass. */
async function live(
  options: TraceOptions,
  port: number | null,
  limit: number,
  taker: string | null,
): Promise<void> {
  const form = taker === null ? "ladder" : taker === "json" ? "json" : "none";
  const keeps = wantsPictures(options);
  const seen = await traceLive(options, { port, limit, screen: screen(true), form, keeps });
  if (keeps && seen.length > 0)
    writePictures(options, traceFigure("live", seen, options.all === true, MOST_DRAWN));
}

export function screen(all: boolean): { width: number; color: boolean; all: boolean } {
  const { stdout, env } = process;
  const color = stdout.isTTY && env["NO_COLOR"] === undefined;
  return { width: Math.min(stdout.columns ?? 100, 120), color, all };
}

function checkPort(text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw usage(`--port ${text}: a number from 1 to 65535`);
}

function checkLimit(text: string | undefined): number {
  if (text === undefined) return Infinity;
  const limit = Number(text);
  if (/^\d{1,9}$/.test(text) && limit >= 1) return limit;
  throw usage(`--limit ${text}: a number of segments, 1 or more`);
}

function read(file: string): CapturedPacket[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : lineOf(error);
    throw new CommandFailure(EXIT_FAILED, `${file}: ${why}`);
  }
  try {
    return readCapture(bytes);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `${file}: ${lineOf(error)}; give a pcap or pcapng file`);
  }
}

function follow(packets: readonly CapturedPacket[], file: string): Conversation[] {
  const tracker = new Tracker();
  for (const { time, packet, comment } of packets) tracker.packet(time, packet, comment);
  if (packets.length > 0 && tracker.skipped === packets.length) {
    throw new CommandFailure(EXIT_FAILED, `${file} has packets, but none of TCP over IPv4`);
  }
  return tracker.conversations;
}
