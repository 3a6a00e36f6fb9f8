/**
 * Source routes (RFC 791 §3.1, RFC 1122 §3.2.1.8): the option as we send it, and the way back along one that has arrived.
 * An option of n addresses has 3 + 4n bytes; the next hop stands in the header, the destination last in the option.
 */
import { readI32, writeI32 } from "../base/bytes.ts";
import { ipv4, type Ipv4Address } from "./address.ts";

export const LOOSE_SOURCE_ROUTE = 131;
export const STRICT_SOURCE_ROUTE = 137;
/** As many addresses as 40 bytes of options hold. */
export const MAX_HOPS = 9;
/** Behind kind and length stands where the next address is, counted from 1; the first is 4. */
const FIRST = 4;

export interface SourceRoute {
  /** The destination in the IP header. */
  readonly firstHop: Ipv4Address;
  /** Padded to a multiple of 4. */
  readonly option: Uint8Array;
}

/** Through `hops`, 1 to {@link MAX_HOPS} of them, to `destination`. */
export function sourceRoute(
  kind: number,
  hops: readonly Ipv4Address[],
  destination: Ipv4Address,
): SourceRoute {
  const option = new Uint8Array(4 + 4 * hops.length);
  option[0] = kind;
  option[1] = option.length - 1;
  option[2] = FIRST;
  const list = [...hops.slice(1), destination];
  list.forEach((address, i) => writeI32(option, 3 + 4 * i, address));
  return { firstHop: hops[0]!, option };
}

/** Whether the option at buf[at ..], whose length was checked, has been used up: we are the destination. */
export function isRouteCompleted(buf: Uint8Array, at: number): boolean {
  const length = buf[at + 1]!;
  return length >= 3 && length % 4 === 3 && buf[at + 2]! > length;
}

/**
 * The completed route at buf[at ..] of a packet from `source`, turned round; null where it names no hop. A record that begins
 * with the source itself is understood too (RFC 1122 §3.2.1.8 (c)).
 */
export function returnRoute(buf: Uint8Array, at: number, source: Ipv4Address): SourceRoute | null {
  const end = at + buf[at + 1]!;
  const hops: Ipv4Address[] = [];
  for (let p = at + 3; p + 4 <= end; p += 4) hops.unshift(ipv4(readI32(buf, p)));
  if (hops.at(-1) === source) hops.pop();
  if (hops.length === 0 || hops.length > MAX_HOPS) return null;
  return sourceRoute(buf[at]!, hops, source);
}
