/**
 * The Fast Open cookie that Linux makes of a key which an administrator sets, so that servers behind one address give the same:
 * SipHash-2-4 over both addresses. Only with such a key, and once a SYN with the option, hence BigInt.
 */
import { writeI32 } from "../base/bytes.ts";
import type { Ipv4Address } from "../wire/address.ts";

const MASK = 0xffffffffffffffffn;

export interface LinuxKey {
  readonly k0: bigint;
  readonly k1: bigint;
}

/** `a-b-c-d` as net.ipv4.tcp_fastopen_key has it. */
export function readKey(text: string): LinuxKey {
  const [a, b, c, d] = text.split("-").map((part) => BigInt(`0x${part}`));
  return { k0: a! | (b! << 32n), k1: c! | (d! << 32n) };
}

/** Writes eight bytes to the start of `to`. */
export function makeCookie(
  key: LinuxKey,
  local: Ipv4Address,
  remote: Ipv4Address,
  to: Uint8Array,
): void {
  const message = swapped(remote) | (swapped(local) << 32n);
  const hash = sipHash24(key, message);
  writeI32(to, 0, Number(BigInt.asIntN(32, swapped(Number(hash & 0xffffffffn)))));
  writeI32(to, 4, Number(BigInt.asIntN(32, swapped(Number(hash >> 32n)))));
}

/** Bytes in the other order: what stands in the packet, read as a little-endian word. */
function swapped(n: number): bigint {
  const bytes = ((n & 255) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24);
  return BigInt(bytes >>> 0);
}

function rotate(x: bigint, by: bigint): bigint {
  return ((x << by) | (x >> (64n - by))) & MASK;
}

/** Of a message of eight bytes. */
function sipHash24({ k0, k1 }: LinuxKey, message: bigint): bigint {
  let v0 = 0x736f6d6570736575n ^ k0;
  let v1 = 0x646f72616e646f6dn ^ k1;
  let v2 = 0x6c7967656e657261n ^ k0;
  let v3 = 0x7465646279746573n ^ k1;
  const rounds = (n: number): void => {
    for (let i = 0; i < n; i++) {
      v0 = (v0 + v1) & MASK;
      v1 = rotate(v1, 13n) ^ v0;
      v0 = rotate(v0, 32n);
      v2 = (v2 + v3) & MASK;
      v3 = rotate(v3, 16n) ^ v2;
      v0 = (v0 + v3) & MASK;
      v3 = rotate(v3, 21n) ^ v0;
      v2 = (v2 + v1) & MASK;
      v1 = rotate(v1, 17n) ^ v2;
      v2 = rotate(v2, 32n);
    }
  };
  for (const word of [message, 8n << 56n]) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}
