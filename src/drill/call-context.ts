/** What the calls of a script act on, and what each of them gives: an attempt that is made until it does not block. */
import type { FieldDifference } from "./failure.ts";
import type { Descriptors } from "./descriptors.ts";
import type { RunSettings } from "./options.ts";
import { BLOCKED, type DrillSocket, type Outcome } from "./socket.ts";
import type { Value } from "./values.ts";
import type { World } from "./world.ts";

export interface CallContext {
  readonly world: World;
  readonly run: RunSettings;
  readonly descriptors: Descriptors;
  /** The socket under test changes. */
  onSocket(socket: DrillSocket): void;
  /** It has sent a SYN, or is about to. */
  onConnect(socket: DrillSocket): void;
  onAccept(socket: DrillSocket): void;
}

/** How a call ended: a number, or the name of an error; and what differs of what it gave beside that. */
export interface CallEnd {
  readonly outcome: Outcome;
  readonly differences: readonly FieldDifference[];
}

/** Null: it blocks. */
export type Attempt = () => CallEnd | null;

/** A call as the script writes it. */
export interface Call {
  readonly line: number;
  readonly name: string;
  readonly args: readonly Value[];
  /** The result that is expected: the name of a descriptor that the call makes. */
  readonly result: number;
}

export function ends(
  outcome: Outcome,
  differences: readonly FieldDifference[] = [],
): CallEnd | null {
  return outcome === BLOCKED ? null : { outcome, differences };
}

export function always(outcome: Outcome, differences: readonly FieldDifference[] = []): Attempt {
  return () => ends(outcome, differences);
}

/** A wait of `ms`, negative for ever: its attempts hear whether the time is over. */
export function waiting(
  c: CallContext,
  ms: number,
  attempt: (over: boolean) => CallEnd | null,
): Attempt {
  const until = ms < 0 ? Infinity : c.world.now + ms * 1000;
  return () => {
    // the clock is in ms inside, so that a sum may miss by a rounding
    const over = c.world.now >= until - 0.001;
    const end = attempt(over);
    if (end === null) c.world.wakeAt = Math.min(c.world.wakeAt, until);
    return end;
  };
}
