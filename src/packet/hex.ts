/** Bytes as hexadecimal digits. Reading takes what people paste: blanks, `0x`, colons, and the dumps of tcpdump and xxd. */
import type { PacketError } from "./packet.ts";

const DIGITS = "0123456789abcdef";

/** Plain bytes of their own. Node's Buffer has a `slice` that shares memory. */
export function copyOf(bytes: Uint8Array, from: number, to: number = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

/** Two digits a byte, nothing between. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) text += DIGITS[b >> 4]! + DIGITS[b & 15]!;
  return text;
}

export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Of an even number of digits and nothing else; null for any other text. */
export function bytesOfDigits(text: string): Uint8Array | null {
  if (text.length % 2 !== 0) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigit(text.charCodeAt(2 * i));
    const low = hexDigit(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return null;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** A line of a dump: an offset with a colon before the digits, and what the bytes look like behind two blanks. */
const DUMP_LINE = /^\s*(?:0x)?[0-9a-f]{4,8}:\s+((?:[0-9a-f]{2,8} ?)*)(?:\s.*)?$/i;

/** The bytes that `text` writes in hexadecimal, or what is wrong with it. */
export function parseHex(text: string): Uint8Array | PacketError {
  let digits = "";
  for (const line of text.split("\n")) {
    const dump = DUMP_LINE.exec(line);
    digits += (dump === null ? line : dump[1]!).replace(/0x|[\s:,]/gi, "");
  }
  const bytes = bytesOfDigits(digits);
  if (bytes !== null) return bytes;
  const odd = /[^0-9a-f]/i.exec(digits);
  if (odd === null) return { error: `${digits.length} hex digits: a byte takes two`, at: 0 };
  return {
    error: `${JSON.stringify(odd[0])} is no hex digit`,
    at: Math.max(0, text.indexOf(odd[0])),
  };
}
