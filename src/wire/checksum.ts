/**
 * The Internet checksum (RFC 1071): one's-complement sum of 16-bit words. Summed two bytes at a time into a plain
 * number, unrolled by 16 bytes; 65,535 bytes of 0xffff stay below 2^31, so V8 keeps small integers.
 */
import type { Ipv4Address } from "./address.ts";

/** Sum of buf[from .. to), an odd last byte padded with zero; not folded. */
export function sum16(buf: Uint8Array, from: number, to: number, initial: number = 0): number {
  let high = 0;
  let low = 0;
  let i = from;
  const wide = to - 15;
  for (; i < wide; i += 16) {
    high +=
      buf[i]! +
      buf[i + 2]! +
      buf[i + 4]! +
      buf[i + 6]! +
      buf[i + 8]! +
      buf[i + 10]! +
      buf[i + 12]! +
      buf[i + 14]!;
    low +=
      buf[i + 1]! +
      buf[i + 3]! +
      buf[i + 5]! +
      buf[i + 7]! +
      buf[i + 9]! +
      buf[i + 11]! +
      buf[i + 13]! +
      buf[i + 15]!;
  }
  for (; i + 1 < to; i += 2) {
    high += buf[i]!;
    low += buf[i + 1]!;
  }
  if (i < to) high += buf[i]!;
  // both halves are below 2^23 for 65,535 bytes: fold the high one before it is shifted
  return initial + (high & 0xffff) * 256 + (high >>> 16) * 256 * 65536 + low;
}

/** Down to 16 bits, not inverted. */
export function foldSum(sum: number): number {
  let s = sum;
  while (s > 0xffff) s = (s % 65536) + Math.floor(s / 65536);
  return s;
}

/** Ready for the checksum field. */
export function checksum(buf: Uint8Array, from: number, to: number, initial: number = 0): number {
  return ~foldSum(sum16(buf, from, to, initial)) & 0xffff;
}

/** RFC 9293 §3.1: source, destination, protocol and length of the segment. */
export function pseudoHeaderSum(
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    length
  );
}
