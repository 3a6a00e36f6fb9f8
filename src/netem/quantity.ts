/** Quantities as a person writes them: `1%`, `20ms`, `10mbit`, `64kb`. */

export type Kind = "share" | "time" | "rate" | "size" | "count";

const UNITS: Readonly<Record<Kind, Readonly<Record<string, number>>>> = {
  share: { "%": 0.01 },
  time: { us: 0.001, ms: 1, s: 1000, min: 60_000 },
  rate: { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 },
  size: { b: 1, kb: 1000, mb: 1e6, gb: 1e9, kib: 1024, mib: 1048576, gib: 1073741824 },
  count: { "": 1 },
};

/** For messages: what a quantity of the kind looks like. */
export const EXAMPLE: Readonly<Record<Kind, string>> = {
  share: "1%",
  time: "20ms",
  rate: "10mbit",
  size: "64kb",
  count: "100",
};

/** In the kind's own unit: a share of 1, ms, bit/s, bytes, a whole number from 1 on. `null` when the text is no such quantity. */
export function quantity(text: string, kind: Kind): number | null {
  const m = /^(\d+(?:\.\d+)?)([a-z%]*)$/.exec(text.trim().toLowerCase());
  if (m === null || !Object.hasOwn(UNITS[kind], m[2]!)) return null;
  const unit = UNITS[kind][m[2]!]!;
  // a share is divided, as 35 * 0.01 is not 0.35
  const value = kind === "share" ? Number(m[1]) / 100 : Number(m[1]) * unit;
  return inKind(value, kind) ? value : null;
}

/** As {@link quantity}, and numbers are taken as they are, in the kind's own unit. */
export function quantityOf(value: unknown, kind: Kind): number | null {
  if (typeof value === "string") return quantity(value, kind);
  return typeof value === "number" && inKind(value, kind) ? value : null;
}

function inKind(value: number, kind: Kind): boolean {
  if (!(value >= 0 && value < Infinity)) return false;
  if (kind === "share") return value <= 1;
  return kind !== "count" || (Number.isInteger(value) && value >= 1);
}
