/** The one-line form of a packet read. The words behind the numbers may stand in any order; what is not said is filled in. */
import { nearest } from "../base/nearest.ts";
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from "../wire/tcp-segment.ts";
import {
  hasIdentifier,
  ICMP_CODE_WORDS,
  ICMP_TYPE_WORDS,
  icmpCodeOf,
  icmpTypeOf,
  quotes,
} from "./icmp-words.ts";
import { scanAddress, scanIpOption, scanTcpOptions } from "./option-text.ts";
import {
  AE,
  createIcmp,
  createIp,
  createTcp,
  type IcmpFields,
  type IpFields,
  NO_BYTES,
  type Packet,
  type PacketError,
  rawPacket,
  type TcpFields,
} from "./packet.ts";
import { quoteOf } from "./quote.ts";
import { scan, type Scanner } from "./scanner.ts";
import type { TcpOption } from "./tcp-option.ts";
import { tcpOptionsSize } from "./tcp-option.ts";

const U8 = 255;
const U16 = 65535;
const U32 = 0xffffffff;
/** Bytes of options that a header of TCP or IPv4 has room for. */
const OPTION_ROOM = 40;
const LETTERS: Readonly<Record<string, number>> = {
  S: SYN,
  F: FIN,
  R: RST,
  P: PSH,
  ".": ACK,
  U: URG,
  E: ECE,
  W: CWR,
  A: AE,
};
const TCP_WORDS = ["ack", "win", "urg", "doff", "rsv", "sum", "data"] as const;
const ICMP_WORDS = ["id", "seq", "mtu", "gateway", "ptr", "rest", "sum", "data"] as const;
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

/** `192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460>`; never throws. */
export function parsePacket(text: string): Packet | PacketError {
  return scan(text, (s) => scanPacket(s, 0));
}

/** `S.`, `FP.`, `-`, `none`; null for anything else. */
export function parseTcpFlags(text: string): number | null {
  if (text === "-" || text === "none") return 0;
  let flags = 0;
  for (const letter of text) {
    const bit = Object.hasOwn(LETTERS, letter) ? LETTERS[letter]! : 0;
    if (bit === 0 || (flags & bit) !== 0) return null;
    flags |= bit;
  }
  return text === "" ? null : flags;
}

/** `mss 1460,nop,wscale 7`, without brackets; never throws. */
export function parseTcpOptions(text: string): TcpOption[] | PacketError {
  return scan(text, (s) => (s.done ? [] : scanTcpOptions(s)));
}

/** Each word at most once. */
class Once {
  private readonly seen = new Set<string>();
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

function scanPacket(s: Scanner, depth: number): Packet {
  if (s.takeIf("raw")) return rawPacket(s.hex("raw"));
  const source = scanAddress(s);
  const sourcePort = s.take(":") ? s.number("a port", U16) : null;
  s.need(">", "between source and destination");
  const destination = scanAddress(s);
  const destinationPort = s.take(":") ? s.number("a port", U16) : null;
  const ip = createIp(source, destination);
  if (sourcePort !== null && destinationPort !== null) {
    return scanTcp(s, ip, createTcp(sourcePort, destinationPort));
  }
  if (sourcePort !== null || destinationPort !== null) {
    s.fail("a port at one end only: TCP needs both, as 192.0.2.1:1234 > 192.0.2.2:80");
  }
  if (s.takeIf("icmp")) return scanIcmp(s, ip, depth);
  if (s.takeIf("proto")) {
    ip.protocol = s.number("proto", U8);
    return scanOther(s, ip);
  }
  return s.fail(`expected ports behind the addresses, "icmp" or "proto N", not ${s.here()}`);
}

function scanTcp(s: Scanner, ip: IpFields, tcp: TcpFields): Packet {
  const start = s.at;
  const flags = takeFlags(s);
  tcp.flags =
    parseTcpFlags(flags) ??
    s.fail(`expected flags out of SFRPUEWA and . (or - for none), not ${s.here()}`, start);
  tcp.seq = s.number("the sequence number", U32);
  const end = s.take(":") ? s.number("the end of the sequence numbers", U32) : null;
  const length = scanLength(s);
  if (end !== null) {
    if (length === null) s.fail("expected the length in brackets, as 1:11(10)");
    if ((tcp.seq + length) >>> 0 !== end) {
      s.fail(`${tcp.seq}:${end}(${length}): the numbers are ${(end - tcp.seq) >>> 0} apart`, start);
    }
  }
  const packet: Packet = { ip, tcp, icmp: null, payload: NO_BYTES, trailer: NO_BYTES };
  const once = new Once(s);
  let data: Uint8Array | null = null;
  while (!atEnd(s)) {
    if (s.take("<")) {
      once.mark("<…>");
      tcp.options = s.take(">") ? [] : closed(s, scanTcpOptions(s));
    } else if (s.take("[")) scanIpWords(s, once, packet, ip);
    else {
      const word = wordOf(s, once, TCP_WORDS);
      if (word === "data") data = scanData(s);
      else scanTcpWord(s, word, tcp);
    }
  }
  if ((tcp.flags & ACK) !== 0 && !once.has("ack")) s.fail('the flag "." needs "ack N"');
  const size = tcpOptionsSize(tcp.options);
  if (size > OPTION_ROOM && tcp.dataOffset === null) {
    s.fail(
      `the options take ${size} bytes of ${OPTION_ROOM}: give doff N to send them all the same`,
    );
  }
  packet.payload = fitting(s, length, data);
  return packet;
}

/** Letters, and a dot among or behind them; "-" alone. */
function takeFlags(s: Scanner): string {
  if (s.take("-")) return "-";
  return s.takeWord();
}

function scanTcpWord(
  s: Scanner,
  word: Exclude<(typeof TCP_WORDS)[number], "data">,
  tcp: TcpFields,
): void {
  switch (word) {
    case "ack":
      tcp.ack = s.number(word, U32);
      return;
    case "win":
      tcp.window = s.number(word, U16);
      return;
    case "urg":
      tcp.urgentPointer = s.number(word, U16);
      return;
    case "doff":
      tcp.dataOffset = s.number(word, 15);
      return;
    case "rsv":
      tcp.reserved = s.number(word, 7);
      return;
    case "sum":
      tcp.checksum = s.number(word, U16);
      return;
  }
}

function scanIcmp(s: Scanner, ip: IpFields, depth: number): Packet {
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
      data = scanQuote(s, depth, type);
    } else {
      const word = wordOf(s, once, ICMP_WORDS, code === null ? ICMP_CODE_WORDS : []);
      if (word === "data") data = scanData(s);
      else scanIcmpWord(s, word, icmp);
    }
  }
  packet.payload = fitting(s, length, data);
  return packet;
}

function scanQuote(s: Scanner, depth: number, type: number): Uint8Array {
  if (!quotes(type)) s.fail("this type of ICMP message quotes no packet");
  if (depth > 0) s.fail("a quoted packet quotes no other: give its bytes with data");
  const quoted = scanPacket(s, depth + 1);
  s.need("}", "behind the packet that is quoted");
  return quoteOf(quoted);
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

function scanOther(s: Scanner, ip: IpFields): Packet {
  const packet: Packet = { ip, tcp: null, icmp: null, payload: NO_BYTES, trailer: NO_BYTES };
  const once = new Once(s);
  const length = scanLength(s);
  let data: Uint8Array | null = null;
  while (!atEnd(s)) {
    if (s.take("[")) scanIpWords(s, once, packet, ip);
    else {
      wordOf(s, once, ["data"]);
      data = scanData(s);
    }
  }
  packet.payload = fitting(s, length, data);
  return packet;
}

/** Of the line, or of a packet that is quoted. */
function atEnd(s: Scanner): boolean {
  return s.done || s.text[s.at] === "}";
}

function closed<T>(s: Scanner, value: T): T {
  s.need(">", "behind the options");
  return value;
}

/** `(10)`; null where no bracket opens. */
function scanLength(s: Scanner): number | null {
  if (!s.take("(")) return null;
  const length = s.number("the length", U16);
  s.need(")", "behind the length");
  return length;
}

function wordOf<T extends string>(
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
function scanData(s: Scanner): Uint8Array {
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
function fitting(s: Scanner, length: number | null, data: Uint8Array | null): Uint8Array {
  if (data === null) return length === null ? NO_BYTES : new Uint8Array(length);
  if (length !== null && length !== data.length) {
    s.fail(`the length is ${length}, but the data has ${data.length} bytes`);
  }
  return data;
}

function scanIpWords(s: Scanner, once: Once, packet: Packet, ip: IpFields): void {
  once.mark("[…]");
  const inside = new Once(s);
  const options = [];
  do {
    const start = s.at;
    const word = s.takeWord();
    if (word === "opt") {
      options.push(scanIpOption(s));
      continue;
    }
    inside.mark(word);
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
