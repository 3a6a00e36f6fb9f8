/** `tuntcp trace` without a file: the segments of a running stack as they pass, over its control socket. */
import { lineOf } from "../base/errors.ts";
import type { ConnectionTable } from "../tools/control/requests.ts";
import type { SeenSegment } from "../tools/control/watch.ts";
import { LadderPrinter, ladderJson, type LadderOptions } from "../tools/observe/ladder.ts";
import { type Conversation, Tracker } from "../tools/observe/tracker.ts";
import { type RawControlOptions, reach } from "./control-options.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";

export interface LiveOptions {
  readonly port: number | null;
  /** Segments after which it ends. */
  readonly limit: number;
  readonly screen: LadderOptions;
  /** A line of JSON for each segment instead of a ladder; "none": nothing. */
  readonly form: "ladder" | "json" | "none";
  /** Conversations are kept whole, to be drawn in the end. */
  readonly keeps: boolean;
}

/** Until Ctrl-C, SIGTERM, the limit or the end of the stack; resolves with what was seen. */
export async function traceLive(
  raw: RawControlOptions,
  options: LiveOptions,
): Promise<Conversation[]> {
  const client = await reach(raw);
  const view = new LiveView(options);
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    const { port } = options;
    const { connections } = await client.ask<ConnectionTable>("connections");
    for (const info of connections) view.tracker.resume(info);
    await client.listen("watch", port === null ? {} : { port }, (told) => {
      if (view.takes(told as SeenSegment) >= options.limit) end();
    });
    process.stderr.write("tuntcp: watching until Ctrl-C\n");
    await Promise.race([ended, client.gone]);
    return view.tracker.conversations.filter(({ rungs }) => rungs.length > 0);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  } finally {
    client.close();
  }
}

class LiveView {
  readonly tracker = new Tracker();
  private readonly options: LiveOptions;
  private readonly printers = new Map<Conversation, LadderPrinter>();
  private shown: Conversation | null = null;
  private count = 0;

  constructor(options: LiveOptions) {
    this.options = options;
  }

  /** How many there were. */
  takes({ time, packet, remark, missed }: SeenSegment): number {
    if (this.count >= this.options.limit) return this.count;
    this.tracker.packet(time, Buffer.from(packet, "base64"), remark);
    const c = this.tracker.latest;
    if (c === null) return this.count;
    if (missed > 0) process.stderr.write(`tuntcp: ${missed} segments were not told\n`);
    if (this.options.form !== "none") process.stdout.write(this.linesOf(c).join(""));
    if (!this.options.keeps) this.forget(c);
    return ++this.count;
  }

  private linesOf(c: Conversation): string[] {
    const rung = c.rungs.at(-1)!;
    if (this.options.form === "json") {
      const { segments, ...ends } = ladderJson({ ...c, rungs: [rung] }) as { segments: object[] };
      return [`${JSON.stringify({ ...ends, ...segments[0], ms: rung.time })}\n`];
    }
    const known = this.printers.get(c);
    const printer = known ?? new LadderPrinter(this.options.screen);
    this.printers.set(c, printer);
    const lines: string[] = [];
    if (known === undefined) lines.push("", ...printer.begins(c));
    else if (this.shown !== c) lines.push("", printer.heading(c));
    if (this.shown === null) lines.shift();
    this.shown = c;
    return [...lines, ...printer.passes(rung)].map((line) => `${line}\n`);
  }

  /** Numbers and states are the tracker's own: of what is told nothing need be kept. */
  private forget(c: Conversation): void {
    c.rungs.length = 0;
  }
}
