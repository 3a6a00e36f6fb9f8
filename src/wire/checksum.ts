/**
 * The Internet checksum (RFC 1071): one's-complement sum of 16-bit words. The sum does not care for byte order
 * (RFC 1071 §2 (B)), so a long range is summed through a view of 32-bit words in the machine's own order and
 * turned at the end; a short one two bytes at a time. Measured on Node 20 x64: 40 bytes 30 ns either way; 1460 bytes
 * 565 ns by bytes, 210 ns by words of 32 bits; 65,000 bytes 25 us and 7 us (words of 16 bits a third slower).
 */
import type { Ipv4Address } from "./address.ts";

/** Below this the way to the view costs more than it saves. */
const VIEW_FROM = 128;

/** Whether a word's first byte is its low one. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Views of the two memories used last: packets come from and go to a few large buffers. A view holds on to its
 * memory, hence only two; a third in turn costs an allocation, not a wrong sum.
 */
let recent = new Uint32Array(0);
let older = new Uint32Array(0);

/** A view of `memory` that has at least `words` words. */
function viewOf(memory: ArrayBufferLike, words: number): Uint32Array {
  if (recent.buffer === memory && recent.length >= words) return recent;
  const other = older;
  older = recent;
  recent =
    other.buffer === memory && other.length >= words
      ? other
      : new Uint32Array(memory as ArrayBuffer, 0, memory.byteLength >>> 2);
  return recent;
}

/** Sum of buf[from .. to), an odd last byte padded with zero; not folded. At most 65,535 bytes. */
export function sum16(buf: Uint8Array, from: number, to: number, initial: number = 0): number {
  return to - from < VIEW_FROM
    ? sumBytes(buf, from, to, initial)
    : sumWords(buf, from, to, initial);
}

function sumBytes(buf: Uint8Array, from: number, to: number, initial: number): number {
  let high = 0;
  let low = 0;
  let i = from;
  for (const wide = to - 7; i < wide; i += 8) {
    high = (high + buf[i]! + buf[i + 2]! + buf[i + 4]! + buf[i + 6]!) | 0;
    low = (low + buf[i + 1]! + buf[i + 3]! + buf[i + 5]! + buf[i + 7]!) | 0;
  }
  for (; i + 1 < to; i += 2) {
    high = (high + buf[i]!) | 0;
    low = (low + buf[i + 1]!) | 0;
  }
  if (i < to) high = (high + buf[i]!) | 0;
  return initial + (high << 8) + low;
}

function sumWords(buf: Uint8Array, from: number, to: number, initial: number): number {
  const base = buf.byteOffset;
  // up to three bytes before the first whole word of memory, up to three behind the last
  const head = -(base + from) & 3;
  const start = (base + from + head) >>> 2;
  const end = (base + to) >>> 2;
  const view = viewOf(buf.buffer, end);
  // 16,384 halves of 0xffff: below 2^31 each
  let low = 0;
  let high = 0;
  let i = start;
  for (const wide = end - 3; i < wide; i += 4) {
    const a = view[i]!;
    const b = view[i + 1]!;
    const c = view[i + 2]!;
    const d = view[i + 3]!;
    low = (low + (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)) | 0;
    high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0;
  }
  for (; i < end; i++) {
    const a = view[i]!;
    low = (low + (a & 0xffff)) | 0;
    high = (high + (a >>> 16)) | 0;
  }
  const odd = (head & 1) !== 0;
  const words = foldSum(low + high);
  // native order and an odd start each exchange the bytes of every word; both together leave them
  const sum = initial + (LITTLE_ENDIAN !== odd ? ((words & 0xff) << 8) | (words >>> 8) : words);
  const tail = (end << 2) - base;
  const edge = sumBytes(buf, from, from + head, sum);
  if (!odd) return sumBytes(buf, tail, to, edge);
  // behind an odd head a byte that looks like a first one is a second one
  return tail < to ? sumBytes(buf, tail + 1, to, edge + buf[tail]!) : edge;
}

/** Down to 16 bits, not inverted. */
export function foldSum(sum: number): number {
  let s = sum;
  // a sum of several sums can pass 32 bits
  while (s > 0x7fffffff) s = (s % 65536) + Math.floor(s / 65536);
  while (s > 0xffff) s = (s & 0xffff) + (s >>> 16);
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
