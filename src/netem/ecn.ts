/** The ECN field of an IPv4 packet (RFC 3168 §5), read and set in its bytes as a router does. */
import { readU16, readU8, writeU16, writeU8 } from "../base/bytes.ts";

const TOS = 1;
const CHECKSUM = 10;
const SMALLEST = 20;
/** The two bits: 00 not ECN-capable, 01 and 10 capable, 11 congestion experienced. */
const ECN = 3;

/** Marks the packet CE; false when it is not of an ECN-capable transport, and is as it was. */
export function markCe(bytes: Uint8Array, length: number): boolean {
  if (length < SMALLEST) return false;
  const tos = readU8(bytes, TOS);
  if ((tos & ECN) === 0) return false;
  if ((tos & ECN) === ECN) return true;
  // RFC 1624: HC' = ~(~HC + ~m + m'), with m the 16-bit word that holds the field
  const before = readU16(bytes, 0);
  writeU8(bytes, TOS, tos | ECN);
  const sum = (~readU16(bytes, CHECKSUM) & 0xffff) + (~before & 0xffff) + readU16(bytes, 0);
  const once = (sum & 0xffff) + (sum >>> 16);
  writeU16(bytes, CHECKSUM, ~((once & 0xffff) + (once >>> 16)) & 0xffff);
  return true;
}
