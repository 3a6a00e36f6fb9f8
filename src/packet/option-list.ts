/**
 * Lists of options, which IPv4 and TCP frame alike: END and NOP of one byte, all others with their length, zeros up to the next
 * whole word. What is read is written again byte by byte.
 */
import { copyOf } from "./hex.ts";

/** The end of a list of options, and padding. */
export type EndOrNop = { readonly kind: "eol" } | { readonly kind: "nop" };
/** These bytes, kind and length among them. */
export interface RawOption {
  readonly kind: "raw";
  readonly bytes: Uint8Array;
}

const EOL = 0;
const NOP = 1;

/** Bytes of the list, padded to whole words. */
export function optionListSize<Option>(
  options: readonly Option[],
  lengthOf: (o: Option) => number,
): number {
  let n = 0;
  for (let i = 0; i < options.length; i++) n += lengthOf(options[i]!);
  return (n + 3) & ~3;
}

/** Writes the list, one option with each call of `writeOne`, and zeros up to the next whole word, which is where it ends. */
export function writeOptionList<Option>(
  buf: Uint8Array,
  from: number,
  options: readonly Option[],
  writeOne: (buf: Uint8Array, at: number, o: Option) => number,
): number {
  let at = from;
  for (let i = 0; i < options.length; i++) at = writeOne(buf, at, options[i]!);
  while (((at - from) & 3) !== 0) buf[at++] = EOL;
  return at;
}

/** Those without more to them than the kind, or than their bytes. */
export function writePlain(buf: Uint8Array, at: number, o: EndOrNop | RawOption): number {
  if (o.kind === "raw") {
    buf.set(o.bytes, at);
    return at + o.bytes.length;
  }
  buf[at] = o.kind === "eol" ? EOL : NOP;
  return at + 1;
}

/**
 * The list in buf[from .. to). An option that `readOne` does not know, or not with that length (null), is "raw"; where no length
 * leads on, and behind an "eol" if not all is zero, one "raw" holds the rest. Zeros that only fill the last word are left out.
 */
export function readOptionList<Option>(
  buf: Uint8Array,
  from: number,
  to: number,
  readOne: (at: number, kind: number, length: number) => Option | null,
): (Option | EndOrNop | RawOption)[] {
  const list: (Option | EndOrNop | RawOption)[] = [];
  let at = from;
  while (at < to) {
    const kind = buf[at]!;
    if (kind === EOL) return [...list, ...readEnd(buf, from, at, to)];
    if (kind === NOP) {
      list.push({ kind: "nop" });
      at++;
      continue;
    }
    const length = at + 1 < to ? buf[at + 1]! : 0;
    if (length < 2 || at + length > to) return [...list, raw(buf, at, to)];
    list.push(readOne(at, kind, length) ?? raw(buf, at, at + length));
    at += length;
  }
  return list;
}

function readEnd(buf: Uint8Array, from: number, at: number, to: number): (EndOrNop | RawOption)[] {
  for (let i = at; i < to; i++) if (buf[i] !== 0) return [{ kind: "eol" }, raw(buf, at + 1, to)];
  const padding = (4 - ((at - from) & 3)) & 3;
  return to - at === padding ? [] : Array.from({ length: to - at }, () => ({ kind: "eol" }));
}

function raw(buf: Uint8Array, from: number, to: number): RawOption {
  return { kind: "raw", bytes: copyOf(buf, from, to) };
}
