/** What routers change in the header of an IPv4 packet. */
import { readU16, writeU16 } from "../base/bytes.ts";

const CHECKSUM = 10;

/**
 * Sets the 16-bit word at `at` and mends the checksum by the difference (RFC 1624: HC' = ~(~HC + ~m + m')), so that one that was
 * wrong before still is.
 */
export function setHeaderWord(bytes: Uint8Array, at: number, value: number): void {
  const before = readU16(bytes, at);
  writeU16(bytes, at, value);
  const sum = (~readU16(bytes, CHECKSUM) & 0xffff) + (~before & 0xffff) + value;
  const once = (sum & 0xffff) + (sum >>> 16);
  writeU16(bytes, CHECKSUM, ~((once & 0xffff) + (once >>> 16)) & 0xffff);
}
