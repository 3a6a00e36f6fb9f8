/** How a script fails: what it expected, and what came instead, in one line. */
import { isPacketError } from "./packet.ts";
import type { SaidSegment } from "./scan-tcp.ts";
import { parseSegment } from "./segment.ts";

/** Segments that a message lists at most. */
const LISTED = 3;

/** What a peer expected did not come; the message lists what did. */
export class PeerError extends Error {
  /** Nothing at all came in time; otherwise something else did, or the script is at fault. */
  readonly timedOut: boolean;

  constructor(line: string, timedOut: boolean) {
    super(line);
    this.name = "PeerError";
    this.timedOut = timedOut;
  }

  /** `seen`: what came and did not fit. */
  static missing(like: string, within: number, seen: readonly string[]): PeerError {
    const what = like === "*" ? "any segment" : `a segment "${like}"`;
    if (seen.length === 0)
      return new PeerError(`expected ${what} within ${within} ms: nothing came`, true);
    const more = seen.length > LISTED ? ` and ${seen.length - LISTED} more` : "";
    const list = seen.slice(0, LISTED).join("; ");
    return new PeerError(
      `expected ${what} within ${within} ms: ${list}${more} came instead`,
      false,
    );
  }
}

/** Throws a PeerError where the text is no segment. */
export function segmentOf(text: string): SaidSegment {
  const said = parseSegment(text);
  if (isPacketError(said)) throw new PeerError(`${text}: ${said.error}`, false);
  return said;
}
