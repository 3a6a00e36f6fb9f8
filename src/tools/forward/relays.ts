/** The relays under way: how many, what is told of them, and how they end together. */
import type { Socket } from "node:net";
import { Relay, type RelayEnd } from "./relay.ts";
import type { ForwardEvent } from "./report.ts";

type Names = Pick<ForwardEvent, "client" | "to" | "target">;

export class Relays {
  readonly report: (event: ForwardEvent) => void;
  private readonly open = new Map<Relay, Names>();
  private emptied: (() => void) | null = null;

  constructor(report: (event: ForwardEvent) => void) {
    this.report = report;
  }

  get size(): number {
    return this.open.size;
  }

  add(client: Socket, target: Socket, names: Names): void {
    if (target.destroyed) {
      // it failed before there was somebody to tell
      client.resetAndDestroy();
      this.report({ event: "reset", ...names, why: "target: gone", sent: 0, received: 0 });
      return;
    }
    const relay = new Relay(client, target, this.onOver);
    this.open.set(relay, names);
    this.report({ event: "open", ...names });
  }

  private readonly onOver = (relay: Relay, end: RelayEnd): void => {
    const names = this.open.get(relay)!;
    this.open.delete(relay);
    const { bytesWritten: sent, bytesRead: received } = relay.target;
    if (end === null) this.report({ event: "closed", ...names, sent, received });
    else {
      const { code, message } = end.error as NodeJS.ErrnoException;
      const why = `${end.side}: ${code ?? message}`;
      this.report({ event: "reset", ...names, why, sent, received });
    }
    if (this.open.size === 0) this.emptied?.();
  };

  /** Waits for the end of all, `graceMs` long; then resets, so that no cut is silent. */
  async finish(graceMs: number): Promise<void> {
    if (this.open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.emptied = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
    for (const relay of this.open.keys()) relay.reset();
  }
}
