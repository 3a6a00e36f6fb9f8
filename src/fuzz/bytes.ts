/**
 * Big-endian numbers and checksums for the harness. None of it comes from src/wire, so that a mistake there is not made here,
 * too, and hides.
 */

export function put16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}

export function put32(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 24;
  b[at + 1] = value >>> 16;
  b[at + 2] = value >>> 8;
  b[at + 3] = value;
}

export function get16(b: Uint8Array, at: number): number {
  return (b[at]! << 8) | b[at + 1]!;
}

/** As an int32. */
export function get32(b: Uint8Array, at: number): number {
  return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
}

/** One's-complement sum of the 16-bit words of b[from .. to), folded; an odd last byte counts as a high one. */
export function sum(b: Uint8Array, from: number, to: number, start: number = 0): number {
  let total = start;
  let i = from;
  for (; i + 1 < to; i += 2) total += (b[i]! << 8) | b[i + 1]!;
  if (i < to) total += b[i]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** What the pseudo-header adds for a packet whose IPv4 header begins at 0 and is followed by `length` bytes. */
export function pseudoSum(b: Uint8Array, length: number): number {
  return sum(b, 12, 20, 6 + length);
}

/** The IPv4 header's checksum anew, over as many bytes as the header claims and there are. */
export function sealIp(b: Uint8Array, length: number): void {
  put16(b, 10, 0);
  put16(b, 10, 0xffff - sum(b, 0, Math.min(length, (b[0]! & 15) * 4)));
}

/** The TCP checksum anew, for a segment at b[at .. length). */
export function sealTcp(b: Uint8Array, at: number, length: number): void {
  if (at + 18 > length) return;
  put16(b, at + 16, 0);
  put16(b, at + 16, 0xffff - sum(b, at, length, pseudoSum(b, length - at)));
}

/** The byte of a stream that has this number: another for numbers that lie a few kilobytes apart. */
export function textByte(number: number): number {
  return (number ^ (number >>> 8) ^ (number >>> 17)) & 255;
}

/** a - b modulo 2^32, as an int32. */
export function minus(a: number, b: number): number {
  return (a - b) | 0;
}
