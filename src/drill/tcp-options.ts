/** TCP options byte for byte, in the order written, and back; whatever a script may want, not what our codec would write. */
import { readI32, readU16 } from "../base/bytes.ts";
import type { TcpOption } from "./ast.ts";

const FOEXP_MAGIC = 0xf989;

/** Numbers of `option` are live already. */
export function optionBytes(option: TcpOption): number[] {
  switch (option.kind) {
    case "nop":
      return [1];
    case "eol":
      return [0];
    case "mss":
      return [2, 4, ...u16(option.value)];
    case "wscale":
      return [3, 3, option.value];
    case "sackOK":
      return [4, 2];
    case "sack":
      return [5, 2 + 8 * option.blocks.length, ...option.blocks.flat().flatMap(u32)];
    case "TS":
      return [8, 10, ...u32(option.val), ...u32(option.ecr)];
    case "md5":
      return [19, 2 + option.bytes.length, ...option.bytes];
    case "FO":
      return [34, 2 + option.bytes.length, ...option.bytes];
    case "FOEXP":
      return [254, 4 + option.bytes.length, ...u16(FOEXP_MAGIC), ...option.bytes];
    case "ECN":
      return [
        option.number,
        2 + 3 * option.counters.length,
        ...option.counters.flatMap(([, n]) => u32(n).slice(1)),
      ];
    case "other":
      return [option.number, 2 + option.bytes.length, ...option.bytes];
  }
}

function u16(n: number): number[] {
  return [(n >>> 8) & 255, n & 255];
}

function u32(n: number): number[] {
  return [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
}

/** What stands at buf[from .. to); null when it does not fit its lengths. */
export function readOptions(buf: Uint8Array, from: number, to: number): TcpOption[] | null {
  const options: TcpOption[] = [];
  for (let at = from; at < to;) {
    const kind = buf[at]!;
    if (kind <= 1) {
      options.push({ kind: kind === 0 ? "eol" : "nop" });
      at++;
      continue;
    }
    const length = at + 1 < to ? buf[at + 1]! : 0;
    if (length < 2 || at + length > to) return null;
    options.push(readOne(kind, buf, at + 2, at + length));
    at += length;
  }
  return options;
}

function readOne(kind: number, buf: Uint8Array, from: number, to: number): TcpOption {
  const size = to - from;
  const bytes = buf.slice(from, to);
  switch (kind) {
    case 2:
      if (size === 2) return { kind: "mss", value: readU16(buf, from) };
      break;
    case 3:
      if (size === 1) return { kind: "wscale", value: buf[from]! };
      break;
    case 4:
      if (size === 0) return { kind: "sackOK" };
      break;
    case 5:
      if (size % 8 === 0) return { kind: "sack", blocks: readBlocks(buf, from, to) };
      break;
    case 8: {
      const [val, ecr] = [readI32(buf, from) >>> 0, readI32(buf, from + 4) >>> 0];
      if (size === 8) return { kind: "TS", val, ecr };
      break;
    }
    case 19:
      return { kind: "md5", bytes };
    case 34:
      return { kind: "FO", bytes };
    default:
      return readRare(kind, bytes);
  }
  return { kind: "other", number: kind, bytes };
}

/** Experimental Fast Open and accurate ECN. */
function readRare(kind: number, bytes: Uint8Array): TcpOption {
  const { length } = bytes;
  if (kind === 254 && length >= 2 && readU16(bytes, 0) === FOEXP_MAGIC)
    return { kind: "FOEXP", bytes: bytes.slice(2) };
  if ((kind !== 172 && kind !== 174) || length % 3 !== 0 || length > 9)
    return { kind: "other", number: kind, bytes };
  const names = kind === 172 ? ["e0b", "ceb", "e1b"] : ["e1b", "ceb", "e0b"];
  const counters = names.slice(0, length / 3).map((name, i) => {
    return [name, (bytes[3 * i]! << 16) | readU16(bytes, 3 * i + 1)] as const;
  });
  return { kind: "ECN", number: kind, counters };
}

function readBlocks(buf: Uint8Array, from: number, to: number): (readonly [number, number])[] {
  const blocks: (readonly [number, number])[] = [];
  for (let at = from; at < to; at += 8) {
    blocks.push([readI32(buf, at) >>> 0, readI32(buf, at + 4) >>> 0]);
  }
  return blocks;
}

/** As a script writes it. */
export function optionText(option: TcpOption): string {
  switch (option.kind) {
    case "nop":
    case "eol":
    case "sackOK":
      return option.kind;
    case "mss":
    case "wscale":
      return `${option.kind} ${option.value}`;
    case "sack":
      return ["sack", ...option.blocks.map(([left, right]) => `${left}:${right}`)].join(" ");
    case "TS":
      return `TS val ${option.val} ecr ${option.ecr}`;
    case "md5":
    case "FO":
    case "FOEXP":
      return option.bytes.length === 0 ? option.kind : `${option.kind} ${hex(option.bytes)}`;
    case "ECN":
      return ["ECN", ...option.counters.map(([name, n]) => `${name} ${n}`)].join(" ");
    case "other":
      return `option-${option.number} ${hex(option.bytes)}`.trimEnd();
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
