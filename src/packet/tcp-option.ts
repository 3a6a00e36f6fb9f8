/** TCP options one by one, in the order and with the bytes they have on the wire: read and written. */
import { copyOf } from "./hex.ts";
import {
  type EndOrNop,
  optionListSize,
  type RawOption,
  readOptionList,
  writeOptionList,
  writePlain,
} from "./option-list.ts";
import { readI32, readU16, writeI32, writeU16 } from "../base/bytes.ts";

/** An option of TCP, wrong ones included. */
export type TcpOption =
  | EndOrNop
  | { readonly kind: "mss"; readonly value: number }
  | { readonly kind: "wscale"; readonly value: number }
  | { readonly kind: "sackOK" }
  /** Left edge, and right edge exclusive, of each. */
  | { readonly kind: "sack"; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: "TS"; readonly val: number; readonly ecr: number }
  /** User timeout (RFC 5482): 15 bits of seconds, or of minutes. */
  | { readonly kind: "uto"; readonly value: number; readonly minutes: boolean }
  | { readonly kind: "md5"; readonly digest: Uint8Array }
  /** Fast Open (RFC 7413), kind 34. */
  | { readonly kind: "FO"; readonly cookie: Uint8Array }
  /** Fast Open as it was tried: kind 254, magic f989. */
  | { readonly kind: "FOEXP"; readonly cookie: Uint8Array }
  /** Accurate ECN: one to three counters of 24 bits, from `first` on in the order e0b ceb e1b or e1b ceb e0b. */
  | { readonly kind: "ECN"; readonly first: "e0b" | "e1b"; readonly counters: readonly number[] }
  | RawOption;

const MSS = 2;
const WSCALE = 3;
const SACK_OK = 4;
const SACK = 5;
const TS = 8;
const MD5 = 19;
const UTO = 28;
const FO = 34;
const ECN_E0B_FIRST = 172;
const ECN_E1B_FIRST = 174;
const EXPERIMENT = 254;
const FO_MAGIC = 0xf989;

export function tcpOptionLength(o: TcpOption): number {
  switch (o.kind) {
    case "eol":
    case "nop":
      return 1;
    case "sackOK":
      return 2;
    case "wscale":
      return 3;
    case "mss":
    case "uto":
      return 4;
    case "TS":
      return 10;
    case "sack":
      return 2 + 8 * o.blocks.length;
    case "md5":
      return 2 + o.digest.length;
    case "FO":
      return 2 + o.cookie.length;
    case "FOEXP":
      return 4 + o.cookie.length;
    case "ECN":
      return 2 + 3 * o.counters.length;
    case "raw":
      return o.bytes.length;
  }
}

/** Bytes of the list, padded to whole words. */
export function tcpOptionsSize(options: readonly TcpOption[]): number {
  return optionListSize(options, tcpOptionLength);
}

/** Writes the list and zeros up to the next whole word, which is where it ends. */
export function writeTcpOptionList(
  buf: Uint8Array,
  from: number,
  options: readonly TcpOption[],
): number {
  return writeOptionList(buf, from, options, writeTcpOption);
}

function writeTcpOption(buf: Uint8Array, at: number, o: TcpOption): number {
  return o.kind === "eol" || o.kind === "nop" || o.kind === "raw"
    ? writePlain(buf, at, o)
    : writeWithLength(buf, at, o);
}

type WithLength = Exclude<TcpOption, EndOrNop | RawOption>;

function writeWithLength(buf: Uint8Array, at: number, o: WithLength): number {
  const length = tcpOptionLength(o);
  buf[at + 1] = length;
  switch (o.kind) {
    case "mss":
      buf[at] = MSS;
      writeU16(buf, at + 2, o.value);
      break;
    case "wscale":
      buf[at] = WSCALE;
      buf[at + 2] = o.value;
      break;
    case "sackOK":
      buf[at] = SACK_OK;
      break;
    case "sack":
      buf[at] = SACK;
      for (let i = 0; i < o.blocks.length; i++) {
        writeI32(buf, at + 2 + 8 * i, o.blocks[i]![0]);
        writeI32(buf, at + 6 + 8 * i, o.blocks[i]![1]);
      }
      break;
    case "TS":
      buf[at] = TS;
      writeI32(buf, at + 2, o.val);
      writeI32(buf, at + 6, o.ecr);
      break;
    case "uto":
      buf[at] = UTO;
      writeU16(buf, at + 2, (o.minutes ? 0x8000 : 0) | (o.value & 0x7fff));
      break;
    case "md5":
      buf[at] = MD5;
      buf.set(o.digest, at + 2);
      break;
    case "FO":
      buf[at] = FO;
      buf.set(o.cookie, at + 2);
      break;
    case "FOEXP":
      buf[at] = EXPERIMENT;
      writeU16(buf, at + 2, FO_MAGIC);
      buf.set(o.cookie, at + 4);
      break;
    case "ECN":
      buf[at] = o.first === "e0b" ? ECN_E0B_FIRST : ECN_E1B_FIRST;
      for (let i = 0; i < o.counters.length; i++) {
        buf[at + 2 + 3 * i] = o.counters[i]! >>> 16;
        writeU16(buf, at + 3 + 3 * i, o.counters[i]!);
      }
      break;
  }
  return at + length;
}

/** The list in buf[from .. to), which {@link writeTcpOptionList} writes again byte by byte. */
export function readTcpOptionList(buf: Uint8Array, from: number, to: number): TcpOption[] {
  return readOptionList<TcpOption>(buf, from, to, (at, kind, length) =>
    readTcpOption(buf, at, kind, length),
  );
}

function readTcpOption(
  buf: Uint8Array,
  at: number,
  kind: number,
  length: number,
): TcpOption | null {
  switch (kind) {
    case MSS:
      return length === 4 ? { kind: "mss", value: readU16(buf, at + 2) } : null;
    case WSCALE:
      return length === 3 ? { kind: "wscale", value: buf[at + 2]! } : null;
    case SACK_OK:
      return length === 2 ? { kind: "sackOK" } : null;
    case SACK:
      return length > 2 && length % 8 === 2 ? readSack(buf, at, length) : null;
    case TS:
      if (length !== 10) return null;
      return { kind: "TS", val: readI32(buf, at + 2) >>> 0, ecr: readI32(buf, at + 6) >>> 0 };
    default:
      return readRare(buf, at, kind, length);
  }
}

function readRare(buf: Uint8Array, at: number, kind: number, length: number): TcpOption | null {
  switch (kind) {
    case UTO: {
      if (length !== 4) return null;
      const field = readU16(buf, at + 2);
      return { kind: "uto", value: field & 0x7fff, minutes: field > 0x7fff };
    }
    case MD5:
      return length > 2 ? { kind: "md5", digest: copyOf(buf, at + 2, at + length) } : null;
    case FO:
      return { kind: "FO", cookie: copyOf(buf, at + 2, at + length) };
    case EXPERIMENT:
      if (length < 4 || readU16(buf, at + 2) !== FO_MAGIC) return null;
      return { kind: "FOEXP", cookie: copyOf(buf, at + 4, at + length) };
    case ECN_E0B_FIRST:
    case ECN_E1B_FIRST:
      return readEcn(buf, at, kind, length);
    default:
      return null;
  }
}

function readSack(buf: Uint8Array, at: number, length: number): TcpOption {
  const blocks: [number, number][] = [];
  for (let p = at + 2; p < at + length; p += 8) {
    blocks.push([readI32(buf, p) >>> 0, readI32(buf, p + 4) >>> 0]);
  }
  return { kind: "sack", blocks };
}

function readEcn(buf: Uint8Array, at: number, kind: number, length: number): TcpOption | null {
  if (length !== 5 && length !== 8 && length !== 11) return null;
  const counters: number[] = [];
  for (let p = at + 2; p < at + length; p += 3) {
    counters.push((buf[p]! << 16) | readU16(buf, p + 1));
  }
  return { kind: "ECN", first: kind === ECN_E0B_FIRST ? "e0b" : "e1b", counters };
}
