/** What happened last, for the report of a failure. Made into text only when somebody wants it. */
import type { Flow } from "./flow.ts";
import { packetLine } from "./packet-line.ts";
import { secondsText } from "./timing.ts";

const KEPT = 10;

interface Entry {
  readonly at: number;
  readonly text: string | (() => string);
}

export class History {
  private readonly entries: Entry[] = [];

  note(at: number, text: string): void {
    this.add({ at, text });
  }

  packet(at: number, direction: "in" | "out", bytes: Uint8Array, flow: Flow | null): void {
    this.add({ at, text: () => packetLine(direction, bytes, flow) });
  }

  private add(entry: Entry): void {
    if (this.entries.length === KEPT) this.entries.shift();
    this.entries.push(entry);
  }

  lines(): string[] {
    return this.entries.map(({ at, text }) => {
      return `${secondsText(at)} ${typeof text === "string" ? text : text()}`;
    });
  }
}
