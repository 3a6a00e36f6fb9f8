/** What the lines of all kinds of packets have in common: words, lengths, data, and the fields of IPv4 in brackets. */
import { nearest } from "../base/nearest.ts";
import { scanIpOption } from "./option-text.ts";
import { type IpFields, NO_BYTES, type Packet } from "./packet.ts";
import type { Scanner } from "./scanner.ts";

const U8 = 255;
const U16 = 65535;
const IP_WORDS = [
  "version",
  "ihl",
  "tos",
  "noecn",
  "ect0",
  "ect1",
  "ce",
  "length",
  "id",
  "RF",
  "DF",
  "MF",
  "frag",
  "ttl",
  "proto",
  "sum",
  "opt",
  "trailer",
] as const;

/** Each word at most once. */
export class Once {
  readonly seen: Set<string> = new Set();
  private readonly s: Scanner;

  constructor(s: Scanner) {
    this.s = s;
  }

  mark(word: string): void {
    if (this.seen.has(word)) this.s.fail(`${word} is given twice`);
    this.seen.add(word);
  }

  has(word: string): boolean {
    return this.seen.has(word);
  }
}

/** Of the line, or of a packet that is quoted. */
export function atEnd(s: Scanner): boolean {
  return s.done || s.text[s.at] === "}";
}

export function closed<T>(s: Scanner, value: T): T {
  s.need(">", "behind the options");
  return value;
}

/** `(10)`; null where no bracket opens. */
export function scanLength(s: Scanner): number | null {
  if (!s.take("(")) return null;
  const length = s.number("the length", U16);
  s.need(")", "behind the length");
  return length;
}

export function wordOf<T extends string>(
  s: Scanner,
  once: Once,
  words: readonly T[],
  others: readonly string[] = [],
): T {
  const start = s.at;
  const word = s.takeWord();
  if ((words as readonly string[]).includes(word)) {
    once.mark(word);
    return word as T;
  }
  s.at = start;
  if (word === "") s.fail(`${s.here()} is not understood here`);
  return s.fail(
    `${word} is not understood here; did you mean ${nearest(word, [...words, ...others])}?`,
  );
}

/** Hex digits or text in quotes, and how often. */
export function scanData(s: Scanner): Uint8Array {
  const start = s.at;
  const bytes = s.quoted() ?? s.hex("data");
  if (!s.take("*")) return bytes;
  const times = s.number("how often the data is repeated", U16);
  if (bytes.length * times > U16) s.fail("more than 65535 bytes of data", start);
  const all = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) all.set(bytes, i * bytes.length);
  return all;
}

/** Zeros where a length was given and no data. */
export function fitting(s: Scanner, length: number | null, data: Uint8Array | null): Uint8Array {
  if (data === null) return length === null ? NO_BYTES : new Uint8Array(length);
  if (length !== null && length !== data.length) {
    s.fail(`the length is ${length}, but the data has ${data.length} bytes`);
  }
  return data;
}

export function scanIpWords(s: Scanner, once: Once, packet: Packet, ip: IpFields): void {
  once.mark("[…]");
  const inside = new Once(s);
  const options = [];
  do {
    const start = s.at;
    const word = s.takeWord();
    if (word === "opt") {
      options.push(scanIpOption(s));
      once.seen.add("ip opt");
      continue;
    }
    inside.mark(word);
    once.seen.add(`ip ${word}`);
    if (word === "trailer") packet.trailer = s.hex(word);
    else if (!scanIpWord(s, word, ip)) {
      s.at = start;
      s.fail(
        word === ""
          ? `expected a field of IPv4, not ${s.here()}`
          : `${word} is no field of IPv4; did you mean ${nearest(word, IP_WORDS)}?`,
      );
    }
  } while (s.take(","));
  ip.options = options;
  s.need("]", "behind the fields of IPv4");
}

function scanIpWord(s: Scanner, word: string, ip: IpFields): boolean {
  const ecn = ["noecn", "ect1", "ect0", "ce"].indexOf(word);
  if (ecn >= 0) {
    ip.tos = ecn;
    return true;
  }
  switch (word) {
    case "version":
    case "ihl":
      ip[word] = s.number(word, 15);
      return true;
    case "tos":
    case "ttl":
      ip[word] = s.number(word, U8);
      return true;
    case "proto":
      ip.protocol = s.number(word, U8);
      return true;
    case "length":
      ip.totalLength = s.number(word, U16);
      return true;
    case "id":
      ip.id = s.number(word, U16);
      return true;
    case "sum":
      ip.checksum = s.number(word, U16);
      return true;
    case "frag":
      ip.fragmentOffset = s.number(word, 65528);
      if (ip.fragmentOffset % 8 !== 0) s.fail("frag is a multiple of 8, in bytes");
      return true;
    case "RF":
      ip.reservedFlag = true;
      return true;
    case "DF":
      ip.dontFragment = true;
      return true;
    case "MF":
      ip.moreFragments = true;
      return true;
    default:
      return false;
  }
}
