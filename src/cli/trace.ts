/** `tuntcp trace FILE`: the ladder of each connection in a capture, with the states of both ends. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import { type CapturedPacket, readCapture } from "../devices/pcap-reader.ts";
import { ladder, ladderJson } from "../tools/observe/ladder.ts";
import { type Conversation, Tracker } from "../tools/observe/tracker.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { addPictures, type PictureOptions, wantsPictures, writePictures } from "./pictures.ts";
import { stdoutOf } from "./stdout.ts";
import { traceFigure } from "./trace-figure.ts";

interface TraceOptions extends PictureOptions {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly port?: string;
}

export function registerTrace(program: Command): void {
  const command = program
    .command("trace")
    .summary("print the ladder of segments in a capture")
    .description(
      "Prints each connection of a pcap or pcapng file as a ladder: time, direction, flags, numbers, and the states of both ends after each segment. Numbers count from each end's first one; times are ms from the first segment.\n\nExample: tuntcp serve --capture run.pcapng   and then: tuntcp trace run.pcapng",
    )
    .argument("[file]", "pcap or pcapng; - for standard input")
    .option("--port <n>", "only connections with this port at one end")
    .option("--all", "fold nothing, however long")
    .option("--json", "as JSON");
  addPictures(command).action(trace);
}

function trace(file: string | undefined, options: TraceOptions): void {
  if (file === undefined) {
    throw usage(
      "trace cannot watch live yet and needs a file: tuntcp serve --capture FILE, then tuntcp trace FILE",
    );
  }
  const port = checkPort(options.port);
  const taker = stdoutOf(options, ["svg", "html", "json"]);
  const conversations = follow(read(file), file).filter(
    (c) => port === null || [c.left, c.right].some((end) => end.endsWith(`:${port}`)),
  );
  if (conversations.length === 0) {
    const which = port === null ? "" : ` with port ${port}`;
    throw new CommandFailure(EXIT_FAILED, `${file} has no TCP connection${which}`);
  }
  const all = options.all === true;
  if (wantsPictures(options)) writePictures(options, traceFigure(file, conversations, all));
  if (taker === null) {
    process.stdout.write(conversations.map((c) => ladder(c, screen(all))).join("\n"));
  } else if (taker === "json") {
    process.stdout.write(`${JSON.stringify(conversations.map(ladderJson), null, 2)}\n`);
  }
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
