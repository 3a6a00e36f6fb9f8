/**
 * A figure as JSON and one piece of memory: each column in the smallest type that keeps it, one behind the other, so that a
 * page carries a million points in some ten megabytes and reads them without parsing. Runs in Node and in a browser.
 */
import type { Figure } from "./figure.ts";

type Kind = "u8" | "u16" | "u32" | "f32" | "f64";

/** In the JSON it stands where the figure has a column. */
interface Stored {
  readonly column: Kind;
  /** Bytes into the memory. */
  readonly at: number;
  readonly length: number;
  /** What stored numbers are multiplied by. */
  readonly unit: number;
}

export interface Packed {
  readonly json: string;
  readonly bytes: Uint8Array;
}

/** Times are kept to a microsecond: less than a pixel of any zoom that makes sense. */
const MICROSECOND = 0.001;

const SIZES: Readonly<Record<Kind, number>> = { u8: 1, u16: 2, u32: 4, f32: 4, f64: 8 };
const KINDS = Object.keys(SIZES) as Kind[];

export function pack(figure: Figure): Packed {
  const columns = new Map<Float64Array, { stored: Stored; values: ArrayLike<number> }>();
  let at = 0;
  const json = JSON.stringify(figure, function (this: unknown, key, value: unknown) {
    if (!(value instanceof Float64Array)) return value;
    // the lines of a flow have one column of times
    const known = columns.get(value);
    if (known !== undefined) return known.stored;
    const unit = key === "t" && !whole(value) ? MICROSECOND : 1;
    const values = unit === 1 ? value : value.map((x) => Math.round(x / unit));
    const kind = kindFor(values, key === "v");
    const stored: Stored = { column: kind, at, length: values.length, unit };
    columns.set(value, { stored, values });
    // columns begin at multiples of eight bytes, as typed arrays ask
    at += Math.ceil((values.length * SIZES[kind]) / 8) * 8;
    return stored;
  });
  const memory = new ArrayBuffer(at);
  for (const { stored, values } of columns.values()) view(memory, stored).set(values);
  return { json, bytes: new Uint8Array(memory) };
}

/** Null where this is no packed figure. */
export function unpack(json: string, memory: ArrayBuffer): Figure | null {
  const read: unknown = JSON.parse(json, (_key, value: unknown) => {
    if (!isStored(value)) return value;
    const stored = Float64Array.from(view(memory, value));
    return value.unit === 1 ? stored : stored.map((x) => x * value.unit);
  });
  return isFigure(read) ? read : null;
}

function isStored(value: unknown): value is Stored {
  return typeof value === "object" && value !== null && "column" in value && "at" in value;
}

function isFigure(value: unknown): value is Figure {
  return typeof value === "object" && value !== null && "panels" in value && "owners" in value;
}

function whole(values: Float64Array): boolean {
  return values.every((x) => Number.isInteger(x));
}

/** What is only looked at (`short`) may lose digits beyond the seventh. */
function kindFor(values: Float64Array, short: boolean): Kind {
  let most = 0;
  for (const x of values) {
    if (!Number.isInteger(x) || x < 0) return short ? "f32" : "f64";
    if (x > most) most = x;
  }
  if (most > 0xffffffff) return short ? "f32" : "f64";
  if (most > 0xffff) return "u32";
  return most > 0xff ? "u16" : "u8";
}

type View = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

function view(memory: ArrayBuffer, { column, at, length }: Stored): View {
  switch (KINDS.find((kind) => kind === column)) {
    case "u8":
      return new Uint8Array(memory, at, length);
    case "u16":
      return new Uint16Array(memory, at, length);
    case "u32":
      return new Uint32Array(memory, at, length);
    case "f32":
      return new Float32Array(memory, at, length);
    case "f64":
      return new Float64Array(memory, at, length);
    case undefined:
      throw new RangeError(`${String(column)} is no kind of column`);
  }
}
