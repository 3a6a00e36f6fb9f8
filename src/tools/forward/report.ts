/** What a forwarder tells of its connections, as data and as lines for people. */

export interface ForwardEvent {
  readonly event: "open" | "refused" | "given-up" | "closed" | "reset";
  /** Who connects, where to, and what it was connected to, as `ADDRESS:PORT`. */
  readonly client: string;
  readonly to: string;
  readonly target: string;
  /** Code or reason, where it went wrong. */
  readonly why?: string;
  /** Bytes to the target, and to the client. */
  readonly sent?: number;
  readonly received?: number;
}

export function lineOfEvent(e: ForwardEvent): string {
  const who = e.to === e.target ? `${e.client} > ${e.to}` : `${e.client} > ${e.to} > ${e.target}`;
  const bytes = e.sent === undefined ? "" : `, ${e.sent} bytes out and ${e.received!} in`;
  switch (e.event) {
    case "open":
      return `${who}: connected`;
    case "refused":
      return `${who}: refused (${e.why!})`;
    case "given-up":
      return `${who}: the client has given up (${e.why!})`;
    case "closed":
      return `${who}: closed${bytes}`;
    case "reset":
      return `${who}: reset (${e.why!})${bytes}`;
  }
}
