/**
 * SipHash (Aumasson and Bernstein 2012) on 32-bit halves: a keyed function whose outputs tell nothing of the
 * key, for ISNs, ports and the connection table. Words in, an int32 out, no BigInt and no allocation.
 */
import type { Rng } from "./rng.ts";

export interface SipKey {
  readonly k0: number;
  readonly k1: number;
  readonly k2: number;
  readonly k3: number;
}

export function sipKey(rng: Rng): SipKey {
  return { k0: rng.i32(), k1: rng.i32(), k2: rng.i32(), k3: rng.i32() };
}

// the state v0..v3, each a high and a low half
let h0 = 0,
  l0 = 0,
  h1 = 0,
  l1 = 0,
  h2 = 0,
  l2 = 0,
  h3 = 0,
  l3 = 0;

function round(): void {
  let l = (l0 >>> 0) + (l1 >>> 0);
  h0 = (h0 + h1 + (l > 0xffffffff ? 1 : 0)) | 0;
  l0 = l | 0;
  let t = (h1 << 13) | (l1 >>> 19);
  l1 = ((l1 << 13) | (h1 >>> 19)) ^ l0;
  h1 = t ^ h0;
  t = h0;
  h0 = l0;
  l0 = t;
  l = (l2 >>> 0) + (l3 >>> 0);
  h2 = (h2 + h3 + (l > 0xffffffff ? 1 : 0)) | 0;
  l2 = l | 0;
  t = (h3 << 16) | (l3 >>> 16);
  l3 = ((l3 << 16) | (h3 >>> 16)) ^ l2;
  h3 = t ^ h2;
  l = (l0 >>> 0) + (l3 >>> 0);
  h0 = (h0 + h3 + (l > 0xffffffff ? 1 : 0)) | 0;
  l0 = l | 0;
  t = (h3 << 21) | (l3 >>> 11);
  l3 = ((l3 << 21) | (h3 >>> 11)) ^ l0;
  h3 = t ^ h0;
  l = (l2 >>> 0) + (l1 >>> 0);
  h2 = (h2 + h1 + (l > 0xffffffff ? 1 : 0)) | 0;
  l2 = l | 0;
  t = (h1 << 17) | (l1 >>> 15);
  l1 = ((l1 << 17) | (h1 >>> 15)) ^ l2;
  h1 = t ^ h2;
  t = h2;
  h2 = l2;
  l2 = t;
}

function absorb(low: number, high: number): void {
  l3 ^= low;
  h3 ^= high;
  round();
  round();
  l0 ^= low;
  h0 ^= high;
}

/** SipHash-2-4 of the 16 bytes w0 w1 w2 w3 (each little-endian); the low 32 bits of the result. */
export function sipHash(key: SipKey, w0: number, w1: number, w2: number, w3: number): number {
  l0 = key.k0 ^ 0x70736575;
  h0 = key.k1 ^ 0x736f6d65;
  l1 = key.k2 ^ 0x6e646f6d;
  h1 = key.k3 ^ 0x646f7261;
  l2 = key.k0 ^ 0x6e657261;
  h2 = key.k1 ^ 0x6c796765;
  l3 = key.k2 ^ 0x79746573;
  h3 = key.k3 ^ 0x74656462;
  absorb(w0, w1);
  absorb(w2, w3);
  absorb(0, 16 << 24);
  l2 ^= 0xff;
  round();
  round();
  round();
  round();
  return l0 ^ l1 ^ l2 ^ l3;
}

/** HalfSipHash-1-3 of three words: for the table, where a flood must not be steerable and look-ups are hot. */
export function halfSip(key: SipKey, w0: number, w1: number, w2: number): number {
  let a = key.k0;
  let b = key.k1;
  let c = key.k0 ^ 0x6c796765;
  let d = key.k1 ^ 0x74656462;
  for (let i = 0; i < 7; i++) {
    const m = i === 0 ? w0 : i === 1 ? w1 : i === 2 ? w2 : i === 3 ? 12 << 24 : 0;
    if (i === 4) c ^= 0xff;
    d ^= m;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= m;
  }
  return b ^ d;
}
