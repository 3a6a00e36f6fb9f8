/** A folder of event logs: a file for each connection, named after its ends, written a second behind at most. */
import { appendFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { LogSink } from "./trace.ts";

/** Characters that wait to be written. */
const ENOUGH = 1 << 16;
const EVERY_MS = 1000;

/** A folder with a file for each connection. */
export class QlogFolder {
  private readonly path: string;
  /** What waits, by file. */
  private readonly waiting = new Map<string, string[]>();
  private size = 0;
  private readonly timer: NodeJS.Timeout;
  /** A disk that is full ends the logging, and not the stack. */
  private failed = false;
  private readonly onError: (error: Error) => void;

  /** Makes the folder; throws the system's error where it cannot. */
  constructor(path: string, onError: (error: Error) => void = () => {}) {
    mkdirSync(path, { recursive: true });
    this.path = path;
    this.onError = onError;
    this.timer = setInterval(() => this.flush(), EVERY_MS);
    this.timer.unref();
  }

  /** For `qlog`: one that is there is not written over. */
  readonly open = (local: string, remote: string): LogSink => {
    const file = this.failed ? "" : this.create(local, remote);
    return {
      write: (text: string) => this.write(file, text),
      end: () => {},
    };
  };

  private create(local: string, remote: string): string {
    const name = `${local}-${remote}`.replaceAll(":", "_");
    for (let n = 1; ; n++) {
      const file = join(this.path, n === 1 ? `${name}.sqlog` : `${name}-${n}.sqlog`);
      try {
        closeSync(openSync(file, "wx"));
        return file;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
        this.fail(error as Error);
        return "";
      }
    }
  }

  private write(file: string, text: string): void {
    if (this.failed) return;
    const lines = this.waiting.get(file);
    if (lines === undefined) this.waiting.set(file, [text]);
    else lines.push(text);
    this.size += text.length;
    if (this.size > ENOUGH) this.flush();
  }

  private flush(): void {
    try {
      for (const [file, lines] of this.waiting) appendFileSync(file, lines.join(""));
    } catch (error) {
      this.fail(error as Error);
    }
    this.waiting.clear();
    this.size = 0;
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    this.onError(error);
  }

  /** Ends every file. */
  close(): void {
    clearInterval(this.timer);
    this.flush();
  }
}
