/** JSON values, one a line, over a stream; with a bound for what a stranger may make us hold. */
import type { Duplex } from "node:stream";

/** Of a line, bytes. */
export const LONGEST_LINE: number = 1 << 16;

export interface LineReader {
  /** A line that is JSON. */
  onValue(value: unknown): void;
  /** A line that is none, or too long; nothing more is read after a long one. */
  onGarbage(why: string): void;
}

export function readLines(
  stream: Duplex,
  reader: LineReader,
  longest: number = LONGEST_LINE,
): void {
  let held: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(10, from);
      const piece = chunk.subarray(from, end < 0 ? chunk.length : end);
      held.push(piece);
      size += piece.length;
      if (size > longest) {
        held = [];
        stream.pause();
        return reader.onGarbage(`a line of more than ${longest} bytes`);
      }
      if (end < 0) return;
      const line = Buffer.concat(held).toString("utf8");
      held = [];
      size = 0;
      from = end + 1;
      if (line.trim() !== "") take(line, reader);
    }
  });
}

function take(line: string, reader: LineReader): void {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return reader.onGarbage("a line that is not JSON");
  }
  reader.onValue(value);
}

export function writeLine(stream: Duplex, value: unknown): void {
  stream.write(`${JSON.stringify(value)}\n`);
}
