/** The ECN field of an IPv4 packet (RFC 3168 §5), read and set in its bytes as a router does. */
import { readU16, readU8 } from "../base/bytes.ts";
import { setHeaderWord } from "./ipv4-header.ts";

const TOS = 1;
const SMALLEST = 20;
/** The two bits: 00 not ECN-capable, 01 and 10 capable, 11 congestion experienced. */
const ECN = 3;

/** Marks the packet CE; false when it is not of an ECN-capable transport, and is as it was. */
export function markCe(bytes: Uint8Array, length: number): boolean {
  if (length < SMALLEST) return false;
  const tos = readU8(bytes, TOS);
  if ((tos & ECN) === 0) return false;
  if ((tos & ECN) === ECN) return true;
  setHeaderWord(bytes, 0, readU16(bytes, 0) | ECN);
  return true;
}
