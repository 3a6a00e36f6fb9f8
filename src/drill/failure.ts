/** How a drill fails: one record that says where, what was expected, what was seen, and what led there. */

export type DrillFailureKind =
  /** The text is no script. */
  | "syntax"
  /** It is one, and asks for what is not there. */
  | "unsupported"
  /** A packet that was sent differs, or none was sent. */
  | "packet"
  /** It is right, and comes too early or too late. */
  | "time"
  | "call"
  | "code"
  /** The script contradicts itself: an unknown descriptor, time that goes backwards. */
  | "script";

/** A field of a packet that is not as the script says. */
export interface FieldDifference {
  readonly field: string;
  readonly expected: string;
  readonly seen: string;
}

/** Why a script failed, and where. */
export interface DrillFailure {
  readonly kind: DrillFailureKind;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** One line. */
  readonly message: string;
  /** The event as it was expected, and what was seen in its place; "" where there is no such. */
  readonly expected: string;
  readonly seen: string;
  /** What differs, in the order of the comparison. */
  readonly fields: readonly FieldDifference[];
  /** The connection at that moment, `name=value` each. */
  readonly state: readonly string[];
  /** The last events that happened, the latest last. */
  readonly history: readonly string[];
}

/** Thrown inside of the parser and the runner, and turned into a {@link DrillFailure} at their edge. */
export class DrillError extends Error {
  readonly kind: DrillFailureKind;
  readonly line: number;
  readonly expected: string;
  readonly seen: string;
  readonly fields: readonly FieldDifference[];

  constructor(
    kind: DrillFailureKind,
    line: number,
    message: string,
    more: {
      readonly expected?: string;
      readonly seen?: string;
      readonly fields?: readonly FieldDifference[];
    } = {},
  ) {
    super(message);
    this.name = "DrillError";
    this.kind = kind;
    this.line = line;
    this.expected = more.expected ?? "";
    this.seen = more.seen ?? "";
    this.fields = more.fields ?? [];
  }
}

export function syntax(line: number, message: string): DrillError {
  return new DrillError("syntax", line, message);
}

export function unsupported(line: number, message: string): DrillError {
  return new DrillError("unsupported", line, message);
}

/** As people read it, several lines without the last line break. */
export function formatFailure(failure: DrillFailure): string {
  const lines = [`${failure.file}:${failure.line}: ${failure.message}`];
  if (failure.expected !== "") lines.push(`  expected: ${failure.expected}`);
  if (failure.seen !== "") lines.push(`  seen:     ${failure.seen}`);
  const width = Math.max(0, ...failure.fields.map((f) => f.field.length));
  for (const { field, expected, seen } of failure.fields)
    lines.push(`    ${field.padEnd(width)}  expected ${expected}, seen ${seen}`);
  if (failure.state.length > 0) lines.push(`  connection: ${failure.state.join(" ")}`);
  if (failure.history.length > 0) {
    lines.push("  before:");
    for (const event of failure.history) lines.push(`    ${event}`);
  }
  return lines.join("\n");
}
