/**
 * One listener to server-sent events. It gets a frame when it has taken the one before: a slow browser sees fewer, and nothing
 * waits for it here.
 */
import type { ServerResponse } from "node:http";
import { HEADERS } from "./guard.ts";

export class EventStream {
  readonly #response: ServerResponse;
  /** Frames that were left out for it. */
  skipped = 0;

  constructor(response: ServerResponse, onClose: () => void) {
    this.#response = response;
    response.writeHead(200, { ...HEADERS, "Content-Type": "text/event-stream" });
    response.write("retry: 1000\n\n");
    response.on("close", onClose);
    response.on("error", onClose);
  }

  /** False, and counted, while it still has something to take. */
  takes(): boolean {
    if (this.#response.writableLength === 0 && !this.#response.writableNeedDrain) return true;
    this.skipped++;
    return false;
  }

  send(json: string): void {
    this.#response.write(`data: ${json}\n\n`);
  }

  end(): void {
    this.#response.end();
  }
}
