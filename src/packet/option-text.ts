/** Options of TCP and IPv4 as text, in the words of packetdrill where it has them: written and read. */
import { formatIpv4, type Ipv4Address, parseIpv4 } from "../wire/address.ts";
import { nearest } from "../base/nearest.ts";
import { toHex } from "./hex.ts";
import { type IpOption, ROUTE_START } from "./ip-option.ts";
import type { Scanner } from "./scanner.ts";
import type { TcpOption } from "./tcp-option.ts";

const TCP_WORDS = [
  "mss",
  "nop",
  "eol",
  "wscale",
  "sackOK",
  "sack",
  "TS",
  "FO",
  "FOEXP",
  "md5",
  "uto",
  "ECN",
  "raw",
] as const;
const IP_WORDS = ["nop", "eol", "rr", "lsrr", "ssrr", "ra", "raw"] as const;
const U8 = 255;
const U16 = 65535;
const U24 = 0xffffff;
const U32 = 0xffffffff;
/** Bytes of any option: its length field has 8 bits. */
const MAX_OPTION = 255;

/** `mss 1460`, `TS val 1 ecr 0`, `sack 1:11 21:31` … */
export function formatTcpOption(o: TcpOption): string {
  switch (o.kind) {
    case "eol":
    case "nop":
    case "sackOK":
      return o.kind;
    case "mss":
    case "wscale":
      return `${o.kind} ${o.value}`;
    case "sack":
      return `sack ${o.blocks.map(([left, right]) => `${left}:${right}`).join(" ")}`.trimEnd();
    case "TS":
      return `TS val ${o.val} ecr ${o.ecr}`;
    case "uto":
      return `uto ${o.value}${o.minutes ? "m" : "s"}`;
    case "md5":
      return `md5 ${toHex(o.digest)}`.trimEnd();
    case "FO":
    case "FOEXP":
      return `${o.kind} ${toHex(o.cookie)}`.trimEnd();
    case "ECN":
      return `ECN ${counterNames(o.first)
        .slice(0, o.counters.length)
        .map((name, i) => `${name} ${o.counters[i]!}`)
        .join(" ")}`;
    case "raw":
      return `raw ${toHex(o.bytes)}`.trimEnd();
  }
}

/** Without the brackets; "" for none. */
export function formatTcpOptions(options: readonly TcpOption[]): string {
  return options.map(formatTcpOption).join(",");
}

/** The counters of accurate ECN in the order of the option. */
export function counterNames(first: "e0b" | "e1b"): readonly string[] {
  return first === "e0b" ? ["e0b", "ceb", "e1b"] : ["e1b", "ceb", "e0b"];
}

/** One option, behind which stands a comma, a bracket or the end. */
export function scanTcpOption(s: Scanner): TcpOption {
  const start = s.at;
  const word = s.takeWord();
  switch (word) {
    case "eol":
    case "nop":
    case "sackOK":
      return { kind: word };
    case "mss":
      return { kind: word, value: s.number(word, U16) };
    case "wscale":
      return { kind: word, value: s.number(word, U8) };
    case "sack":
      return { kind: word, blocks: scanBlocks(s) };
    case "TS":
      return scanTimestamps(s);
    default:
      return scanRare(s, word, start);
  }
}

function scanTimestamps(s: Scanner): TcpOption {
  if (!s.takeIf("val")) s.fail(`TS val N ecr N: expected "val", not ${s.here()}`);
  const val = s.number("TS val", U32);
  if (!s.takeIf("ecr")) s.fail(`TS val N ecr N: expected "ecr", not ${s.here()}`);
  return { kind: "TS", val, ecr: s.number("TS ecr", U32) };
}

function scanRare(s: Scanner, word: string, start: number): TcpOption {
  switch (word) {
    case "uto": {
      const value = s.number(word, 0x7fff);
      const minutes = s.takeIf("m");
      if (!minutes) s.takeIf("s");
      return { kind: word, value, minutes };
    }
    case "md5":
      return { kind: word, digest: short(s, s.hex(word), start) };
    case "FO":
    case "FOEXP":
      return { kind: word, cookie: short(s, s.hex(word), start) };
    case "ECN":
      return scanEcn(s);
    case "raw":
      return { kind: word, bytes: short(s, s.hex(word), start) };
    case "":
      return s.fail(`expected a TCP option, not ${s.here()}`, start);
    default:
      return s.fail(
        `${word} is no TCP option; did you mean ${nearest(word, TCP_WORDS)}? Any bytes can be given as raw HEX`,
        start,
      );
  }
}

/** The length field has 8 bits. */
function short(s: Scanner, bytes: Uint8Array, start: number): Uint8Array {
  if (bytes.length > MAX_OPTION - 4) s.fail("an option of more than 255 bytes", start);
  return bytes;
}

function scanBlocks(s: Scanner): [number, number][] {
  const blocks: [number, number][] = [];
  while (s.atNumber()) {
    const left = s.number("a SACK edge", U32);
    s.need(":", "between the edges of a SACK block");
    blocks.push([left, s.number("a SACK edge", U32)]);
  }
  if (blocks.length > 31) s.fail("a SACK option holds at most 31 blocks");
  return blocks;
}

function scanEcn(s: Scanner): TcpOption {
  const first = s.peekWord();
  if (first !== "e0b" && first !== "e1b") {
    s.fail(`ECN begins with e0b N or e1b N, not ${s.here()}`);
  }
  const counters: number[] = [];
  for (const name of counterNames(first)) {
    if (!s.takeIf(name)) break;
    counters.push(s.number(name, U24));
  }
  return { kind: "ECN", first, counters };
}

/** Options with commas between them, up to but without what closes them. */
export function scanTcpOptions(s: Scanner): TcpOption[] {
  const options = [scanTcpOption(s)];
  while (s.take(",")) options.push(scanTcpOption(s));
  return options;
}

/** `lsrr 192.0.2.9`, `ra 0`, `raw 8302` … A pointer is said where it is not the first. */
export function formatIpOption(o: IpOption): string {
  switch (o.kind) {
    case "eol":
    case "nop":
      return o.kind;
    case "ra":
      return `ra ${o.value}`;
    case "raw":
      return `raw ${toHex(o.bytes)}`.trimEnd();
    case "rr":
    case "lsrr":
    case "ssrr": {
      const pointer = o.pointer === ROUTE_START ? "" : ` at ${o.pointer}`;
      return [o.kind + pointer, ...o.route.map(formatIpv4)].join(" ");
    }
  }
}

export function scanIpOption(s: Scanner): IpOption {
  const start = s.at;
  const word = s.takeWord();
  switch (word) {
    case "eol":
    case "nop":
      return { kind: word };
    case "ra":
      return { kind: word, value: s.number(word, U16) };
    case "raw":
      return { kind: word, bytes: short(s, s.hex(word), start) };
    case "rr":
    case "lsrr":
    case "ssrr": {
      const pointer = s.takeIf("at") ? s.number("at", U8) : ROUTE_START;
      const route: Ipv4Address[] = [];
      while (s.atNumber()) route.push(scanAddress(s));
      if (route.length > 63) s.fail("a route holds at most 63 addresses", start);
      return { kind: word, pointer, route };
    }
    case "":
      return s.fail(`expected an IP option, not ${s.here()}`, start);
    default:
      return s.fail(
        `${word} is no IP option; did you mean ${nearest(word, IP_WORDS)}? Any bytes can be given as raw HEX`,
        start,
      );
  }
}

export function scanAddress(s: Scanner): Ipv4Address {
  const start = s.at;
  const word = s.takeWord();
  const address = parseIpv4(word);
  if (address !== null) return address;
  s.at = start;
  return s.fail(`expected an IPv4 address, not ${s.here()}`, start);
}
