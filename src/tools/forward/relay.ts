/**
 * One connection carried on as another: the bytes of each way at the pace of the slower end, and how a way ends. A FIN becomes
 * a FIN; a RST, and every other failure, becomes a RST of the other end.
 */
import type { Socket } from "node:net";

/** Which end failed first, and how; null: both ways ended orderly. */
export type RelayEnd = { readonly side: "client" | "target"; readonly error: Error } | null;

export class Relay {
  readonly client: Socket;
  readonly target: Socket;
  private readonly onOver: (relay: Relay, end: RelayEnd) => void;
  private end: RelayEnd = null;
  private open = 2;

  /** Both are connected, and nobody has read of them; half-open is allowed to both. */
  constructor(client: Socket, target: Socket, onOver: (relay: Relay, end: RelayEnd) => void) {
    this.client = client;
    this.target = target;
    this.onOver = onOver;
    this.watch(client, target, "client");
    this.watch(target, client, "target");
    carry(client, target);
    carry(target, client);
  }

  /** RST to both. */
  reset(): void {
    this.client.resetAndDestroy();
    this.target.resetAndDestroy();
  }

  private watch(socket: Socket, other: Socket, side: "client" | "target"): void {
    socket.once("error", (error) => (this.end ??= { side, error }));
    socket.once("close", (hadError) => {
      if (hadError || !socket.readableEnded || !socket.writableFinished) other.resetAndDestroy();
      if (--this.open === 0) this.onOver(this, this.end);
    });
  }
}

function carry(from: Socket, to: Socket): void {
  from.on("data", (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
}
