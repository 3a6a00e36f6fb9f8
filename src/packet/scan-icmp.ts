/** The line of an ICMP message behind the addresses: `icmp unreachable frag_needed mtu 1400 {…}`. */
import { nearest } from "../base/nearest.ts";
import {
  hasIdentifier,
  ICMP_CODE_WORDS,
  ICMP_TYPE_WORDS,
  icmpCodeOf,
  icmpTypeOf,
  quotes,
} from "./icmp-words.ts";
import { scanAddress } from "./option-text.ts";
import { createIcmp, type IcmpFields, type IpFields, NO_BYTES, type Packet } from "./packet.ts";
import { quoteOf } from "./quote.ts";
import { atEnd, fitting, Once, scanData, scanIpWords, scanLength, wordOf } from "./scan-parts.ts";
import type { Scanner } from "./scanner.ts";

const U8 = 255;
const U16 = 65535;
const U32 = 0xffffffff;
const ICMP_WORDS = ["id", "seq", "mtu", "gateway", "ptr", "rest", "sum", "data"] as const;
/** `quoted` reads a packet between braces; null where that may not be. */
export function scanIcmp(
  s: Scanner,
  ip: IpFields,
  quoted: ((s: Scanner) => Packet) | null,
): Packet {
  const start = s.at;
  const name = s.takeWord();
  const type =
    icmpTypeOf(name) ??
    s.fail(
      `${name === "" ? s.here() : name} is no ICMP type; did you mean ${nearest(name, ICMP_TYPE_WORDS)}, or type_N?`,
      start,
    );
  const icmp = createIcmp(type, 0);
  const codeWord = s.peekWord();
  const code = icmpCodeOf(type, codeWord);
  if (code !== null) {
    icmp.code = code;
    s.takeWord();
  }
  const packet: Packet = { ip, tcp: null, icmp, payload: NO_BYTES, trailer: NO_BYTES };
  const once = new Once(s);
  let length: number | null = null;
  let data: Uint8Array | null = null;
  while (!atEnd(s)) {
    const found = scanLength(s);
    if (found !== null) {
      once.mark("the length");
      length = found;
    } else if (s.take("[")) scanIpWords(s, once, packet, ip);
    else if (s.take("{")) {
      once.mark("data");
      data = scanQuote(s, type, quoted);
    } else {
      const word = wordOf(s, once, ICMP_WORDS, code === null ? ICMP_CODE_WORDS : []);
      if (word === "data") data = scanData(s);
      else scanIcmpWord(s, word, icmp);
    }
  }
  packet.payload = fitting(s, length, data);
  return packet;
}

function scanQuote(s: Scanner, type: number, quoted: ((s: Scanner) => Packet) | null): Uint8Array {
  if (!quotes(type)) s.fail("this type of ICMP message quotes no packet");
  if (quoted === null) s.fail("a quoted packet quotes no other: give its bytes with data");
  const bytes = quoteOf(quoted(s));
  s.need("}", "behind the packet that is quoted");
  return bytes;
}

function scanIcmpWord(
  s: Scanner,
  word: Exclude<(typeof ICMP_WORDS)[number], "data">,
  icmp: IcmpFields,
): void {
  const start = s.at;
  switch (word) {
    case "id":
    case "seq": {
      if (!hasIdentifier(icmp.type)) s.fail(`this type of ICMP message has no ${word}`, start);
      const value = s.number(word, U16);
      const other = word === "id" ? icmp.rest & 0xffff : icmp.rest & 0xffff0000;
      icmp.rest = (other | (word === "id" ? value << 16 : value)) >>> 0;
      return;
    }
    case "mtu":
      icmp.rest = s.number(word, U16);
      return;
    case "gateway":
      icmp.rest = scanAddress(s) >>> 0;
      return;
    case "ptr":
      icmp.rest = (s.number(word, U8) << 24) >>> 0;
      return;
    case "rest":
      icmp.rest = s.number(word, U32);
      return;
    case "sum":
      icmp.checksum = s.number(word, U16);
      return;
  }
}
