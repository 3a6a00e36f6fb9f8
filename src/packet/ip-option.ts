/** Options of IPv4 (RFC 791 §3.1) one by one, in the order and with the bytes they have on the wire: read and written. */
import {
  type EndOrNop,
  optionListSize,
  type RawOption,
  readOptionList,
  writeOptionList,
  writePlain,
} from "./option-list.ts";
import { readI32, readU16, writeI32, writeU16 } from "../base/bytes.ts";
import { ipv4, type Ipv4Address } from "../wire/address.ts";

/** Record route, loose and strict source route: a pointer, counted from 1, and addresses. */
export type RouteKind = "rr" | "lsrr" | "ssrr";

/** An option of IPv4, wrong ones included. */
export type IpOption =
  | EndOrNop
  | { readonly kind: RouteKind; readonly pointer: number; readonly route: readonly Ipv4Address[] }
  /** Router alert (RFC 2113). */
  | { readonly kind: "ra"; readonly value: number }
  | RawOption;

const ROUTER_ALERT = 148;
const ROUTES: Readonly<Record<RouteKind, number>> = { rr: 7, lsrr: 131, ssrr: 137 };
/** Behind kind, length and pointer; what the pointer is at first. */
export const ROUTE_START = 4;

export function ipOptionLength(o: IpOption): number {
  switch (o.kind) {
    case "eol":
    case "nop":
      return 1;
    case "rr":
    case "lsrr":
    case "ssrr":
      return 3 + 4 * o.route.length;
    case "ra":
      return 4;
    case "raw":
      return o.bytes.length;
  }
}

/** Bytes of the list, padded to whole words. */
export function ipOptionsSize(options: readonly IpOption[]): number {
  return optionListSize(options, ipOptionLength);
}

/** Writes the list and zeros up to the next whole word, which is where it ends. */
export function writeIpOptionList(
  buf: Uint8Array,
  from: number,
  options: readonly IpOption[],
): number {
  return writeOptionList(buf, from, options, writeIpOption);
}

function writeIpOption(buf: Uint8Array, at: number, o: IpOption): number {
  switch (o.kind) {
    case "eol":
    case "nop":
    case "raw":
      return writePlain(buf, at, o);
    case "ra":
      buf[at] = ROUTER_ALERT;
      buf[at + 1] = 4;
      writeU16(buf, at + 2, o.value);
      break;
    case "rr":
    case "lsrr":
    case "ssrr":
      buf[at] = ROUTES[o.kind];
      buf[at + 1] = 3 + 4 * o.route.length;
      buf[at + 2] = o.pointer;
      o.route.forEach((address, i) => writeI32(buf, at + 3 + 4 * i, address));
      break;
  }
  return at + ipOptionLength(o);
}

export function readIpOptionList(buf: Uint8Array, from: number, to: number): IpOption[] {
  return readOptionList<IpOption>(buf, from, to, (at, kind, length) =>
    readIpOption(buf, at, kind, length),
  );
}

function readIpOption(buf: Uint8Array, at: number, kind: number, length: number): IpOption | null {
  if (kind === ROUTER_ALERT && length === 4) return { kind: "ra", value: readU16(buf, at + 2) };
  for (const name of ["rr", "lsrr", "ssrr"] as const) {
    if (kind !== ROUTES[name] || length % 4 !== 3) continue;
    const route: Ipv4Address[] = [];
    for (let p = at + 3; p < at + length; p += 4) route.push(ipv4(readI32(buf, p)));
    return { kind: name, pointer: buf[at + 2]!, route };
  }
  return null;
}
