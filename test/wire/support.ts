/** For the codecs' tests: bytes that notice who reads outside, and a checksum by the book. */
import fc from "fast-check";

/**
 * `bytes` in the middle of a larger array whose every index outside [from, to) throws when it is read. Only for
 * ranges too short for the checksum's view, which goes round the array.
 */
export interface Guarded {
  readonly buffer: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

export function guarded(bytes: Uint8Array, before: number): Guarded {
  const whole = new Uint8Array(before + bytes.length + 64).fill(0xa5);
  whole.set(bytes, before);
  const buffer = new Proxy(whole, {
    get(target, key): unknown {
      const index = typeof key === "string" && /^-?\d+$/.test(key) ? Number(key) : null;
      if (index !== null && (index < before || index >= before + bytes.length)) {
        throw new Error(`read at ${index - before} of ${bytes.length} bytes`);
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { buffer, offset: before, length: bytes.length };
}

/** The same bytes between random neighbours, in a plain array. */
export function surrounded(bytes: Uint8Array, before: Uint8Array, behind: Uint8Array): Uint8Array {
  const whole = new Uint8Array(before.length + bytes.length + behind.length);
  whole.set(before);
  whole.set(bytes, before.length);
  whole.set(behind, before.length + bytes.length);
  return whole;
}

/** RFC 1071 §1, word by word with the end-around carry at once. */
export function bookSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** Puts the complement of the sum at `at`, `seed` (such as a pseudo-header) summed in front. */
export function seal(bytes: Uint8Array, at: number, seed: Uint8Array = new Uint8Array(0)): void {
  bytes[at] = 0;
  bytes[at + 1] = 0;
  const sum = bookSum(Uint8Array.from([...seed, ...bytes]));
  bytes[at] = (0xffff - sum) >>> 8;
  bytes[at + 1] = (0xffff - sum) & 0xff;
}

/** 12 bytes as RFC 9293 §3.1 draws them. */
export function pseudoHeader(source: number, destination: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, source);
  view.setInt32(4, destination);
  view.setUint8(9, 6);
  view.setUint16(10, length);
  return bytes;
}

export const anyI32: fc.Arbitrary<number> = fc.integer({ min: -0x80000000, max: 0x7fffffff });
export const anyU16: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff });
export const anyU8: fc.Arbitrary<number> = fc.integer({ min: 0, max: 255 });
