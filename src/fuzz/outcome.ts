/** What came of an input: plain data, the same for the same input on every machine. */

/** What was broken. I1 to I10 are of the list of invariants in docs/fuzz.md, MODEL is the table of model.ts. */
export type Rule = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8" | "I9" | "I10" | "MODEL";

/** A rule that was broken. */
export interface Violation {
  readonly rule: Rule;
  /** Which step it was, from 0; -1: before the first; the number of steps: behind the last. */
  readonly step: number;
  /** One line. The part before the first colon names the kind: violations of a kind are one finding. */
  readonly message: string;
}

/** Something that happened in a run. */
export interface TraceEvent {
  /** ms of virtual time. */
  readonly at: number;
  /** As in {@link Violation}. */
  readonly step: number;
  /** A packet to the stack, one from it, a call of its program, what the program heard, a change of state. */
  readonly what: "in" | "out" | "call" | "event" | "state";
  /** Of packets. */
  readonly bytes?: Uint8Array;
  /** `send 100`, `readable`, `SYN-RECEIVED > ESTABLISHED`; for a packet the stack's remark, or "". */
  readonly text: string;
}

/** What came of an input. */
export interface Outcome {
  /** Null where nothing was broken. */
  readonly violation: Violation | null;
  /** Of all that happened: 16 hexadecimal digits. Empty unless it was asked for. */
  readonly hash: string;
  /** Empty unless it was asked for. */
  readonly trace: readonly TraceEvent[];
}

/** What is kept of a run. */
export interface RunOptions {
  /** Keep the trace and its hash; a run without it is several times as fast. */
  readonly trace?: boolean;
}
