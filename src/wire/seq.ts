/**
 * Sequence numbers (RFC 9293 §3.4): 32 bits that wrap, kept as int32 because V8 stores those without a
 * heap number. Only this file does `|0` or `>>> 0` on one; everybody else compares through these.
 */

declare const seqNum: unique symbol;
/** A sequence number, as an int32 inside: only the functions of this file calculate with it. */
export type SeqNum = number & { readonly [seqNum]: true };

export function seq(n: number): SeqNum {
  return (n | 0) as SeqNum;
}

export function seqAdd(a: SeqNum, n: number): SeqNum {
  return ((a + n) | 0) as SeqNum;
}

/** a - b, in (-2^31, 2^31): positive when `a` is later. */
export function seqDiff(a: SeqNum, b: SeqNum): number {
  return (a - b) | 0;
}

export function seqLt(a: SeqNum, b: SeqNum): boolean {
  return ((a - b) | 0) < 0;
}

export function seqLeq(a: SeqNum, b: SeqNum): boolean {
  return ((a - b) | 0) <= 0;
}

export function seqGt(a: SeqNum, b: SeqNum): boolean {
  return ((a - b) | 0) > 0;
}

export function seqGeq(a: SeqNum, b: SeqNum): boolean {
  return ((a - b) | 0) >= 0;
}

export function seqMax(a: SeqNum, b: SeqNum): SeqNum {
  return ((a - b) | 0) >= 0 ? a : b;
}

export function seqMin(a: SeqNum, b: SeqNum): SeqNum {
  return ((a - b) | 0) <= 0 ? a : b;
}

/** Whether `n` lies in [left, left + size). */
export function seqInWindow(n: SeqNum, left: SeqNum, size: number): boolean {
  const distance = (n - left) | 0;
  return distance >= 0 && distance < size;
}

/** As people read it: 0 .. 4294967295. */
export function seqUnsigned(n: SeqNum): number {
  return n >>> 0;
}
