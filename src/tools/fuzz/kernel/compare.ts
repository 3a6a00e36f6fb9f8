/** Two answers to the same sequence, step by step: the names of what differs, until the two are no longer in the same state. */
import type { Answer } from "./answer.ts";
import { CLASSES, type Context, type Earlier, type Field } from "./classes.ts";
import type { Played } from "./play.ts";

export interface Difference {
  /** -1: while opening; the number of steps: behind the last. */
  readonly step: number;
  readonly field: Field;
  readonly state: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface Comparison {
  /** Names of classes that were met. */
  readonly classes: ReadonlySet<string>;
  /** The first that has no name. */
  readonly unknown: Difference | null;
}

const FIELDS = ["syns", "resets", "sent", "finSent", "repeated", "sacks"] as const;
/** Of timing: an ACK that was delayed, a segment that was repeated. */
export const LATER_ACK = "ACK at another moment";
export const REPEATED = "repetition at another moment";

export function compare(ours: Played, theirs: Played): Comparison {
  const classes = new Set<string>();
  const earlier: Earlier[] = [];
  // what programs heard is compared when all is over
  const heard = { ours: JSON.stringify(ours.heard), theirs: JSON.stringify(theirs.heard) };
  const last = ours.answers.length - 1;
  let sameAcks = true;
  for (const [at, a] of ours.answers.entries()) {
    const b = theirs.answers[at]!;
    if (a.acked !== b.acked && at < last) classes.add(LATER_ACK);
    if (a.again !== b.again) classes.add(REPEATED);
    for (const field of differing(a, b, at === last, heard)) {
      // an ACK that came a step later is news there, and a repetition here
      if (field === "repeated" && !(sameAcks && a.acked === b.acked)) continue;
      const { state, facts } = a;
      const context: Context = { field, state, facts, earlier, ours: a, theirs: b, heard };
      const found = CLASSES.find((c) => c.is(context));
      if (found === undefined) return { classes, unknown: difference(context, at - 1) };
      classes.add(found.name);
      if (found.ends) return { classes, unknown: null };
    }
    sameAcks = a.acked === b.acked;
    earlier.push({ facts: a.facts, state: a.state, theirs: b.facts });
  }
  return { classes, unknown: null };
}

function differing(a: Answer, b: Answer, isLast: boolean, heard: Context["heard"]): Field[] {
  const fields: Field[] = FIELDS.filter((field) => String(a[field]) !== String(b[field]));
  if (isLast && a.acked !== b.acked) fields.push("acked");
  if (isLast && heard.ours !== heard.theirs) fields.push("heard");
  return fields;
}

function difference(context: Context, step: number): Difference {
  const { field, state, ours, theirs, heard } = context;
  if (field === "heard") return { step, field, state, ...heard };
  const [x, y] = [JSON.stringify(ours[field]), JSON.stringify(theirs[field])];
  return { step, field, state, ours: x, theirs: y };
}
