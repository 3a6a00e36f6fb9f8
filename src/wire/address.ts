/** IPv4 addresses are int32 in network order inside (one compare, no object); text at the edges. */

declare const ipv4Address: unique symbol;
/** An IPv4 address as a number; {@link parseIpv4} makes it. */
export type Ipv4Address = number & { readonly [ipv4Address]: true };

export const UNSPECIFIED: Ipv4Address = 0 as Ipv4Address;

export function ipv4(n: number): Ipv4Address {
  return (n | 0) as Ipv4Address;
}

/** Strict dotted quad, no leading zeros beyond one digit; `null` for anything else. */
export function parseIpv4(text: string): Ipv4Address | null {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (m === null) return null;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const part = m[i]!;
    const byte = Number(part);
    if (byte > 255 || (part.length > 1 && part.startsWith("0"))) return null;
    value = (value << 8) | byte;
  }
  return ipv4(value);
}

/** `192.0.2.1`. */
export function formatIpv4(a: Ipv4Address): string {
  return `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`;
}

/** An address with its prefix. */
export interface Cidr {
  readonly address: Ipv4Address;
  /** 0 to 32. */
  readonly prefix: number;
}

export function parseCidr(text: string): Cidr | null {
  const [host, length, ...rest] = text.split("/");
  if (host === undefined || length === undefined || rest.length > 0) return null;
  const address = parseIpv4(host);
  if (address === null || !/^\d{1,2}$/.test(length) || Number(length) > 32) return null;
  return { address, prefix: Number(length) };
}

export function prefixMask(prefix: number): number {
  return prefix === 0 ? 0 : (-1 << (32 - prefix)) | 0;
}

export function inPrefix(a: Ipv4Address, net: Cidr): boolean {
  return ((a ^ net.address) & prefixMask(net.prefix)) === 0;
}

/** Host part all ones (RFC 1122 §3.3.6); /31 and /32 have no broadcast address (RFC 3021). */
export function isSubnetBroadcast(a: Ipv4Address, net: Cidr): boolean {
  if (net.prefix >= 31) return false;
  return a === (net.address | ~prefixMask(net.prefix));
}

export function isMulticast(a: Ipv4Address): boolean {
  return a >>> 28 === 14;
}

export function isLoopback(a: Ipv4Address): boolean {
  return a >>> 24 === 127;
}

/** 240/4, the limited broadcast address among them. */
export function isReserved(a: Ipv4Address): boolean {
  return a >>> 28 === 15;
}

/** An address that one host can have: not 0/8, multicast, 240/4 (RFC 1122 §3.2.1.3). */
export function isUnicast(a: Ipv4Address): boolean {
  const top = a >>> 24;
  return top !== 0 && top < 224;
}
