/**
 * Writes the addresses and ports of one connection over those of another, in packets whose checksums may be wrong on purpose: sums are
 * changed by the difference (RFC 1624 §3), so what was wrong stays as wrong as it was.
 */
import { get16, put16 } from "../../../fuzz/bytes.ts";

export interface Ends {
  /** IPv4 addresses as 32 bits. */
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
}

/** The packet has a header of 20 bytes and at least both ports. */
export function translate(b: Uint8Array, ends: Ends): void {
  const difference = { value: 0 };
  word(b, 12, ends.source >>> 16, difference);
  word(b, 14, ends.source & 0xffff, difference);
  word(b, 16, ends.destination >>> 16, difference);
  word(b, 18, ends.destination & 0xffff, difference);
  adjust(b, 10, difference.value);
  word(b, 20, ends.sourcePort, difference);
  word(b, 22, ends.destinationPort, difference);
  adjust(b, 36, difference.value);
}

/** Adds ~m + m' to the difference. */
function word(b: Uint8Array, at: number, value: number, difference: { value: number }): void {
  difference.value += (~get16(b, at) & 0xffff) + value;
  put16(b, at, value);
}

/** HC' = ~(~HC + ~m + m'). */
function adjust(b: Uint8Array, at: number, difference: number): void {
  if (at + 2 > b.length) return;
  let sum = (~get16(b, at) & 0xffff) + difference;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  put16(b, at, ~sum & 0xffff);
}
