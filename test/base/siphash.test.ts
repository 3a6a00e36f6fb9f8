import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Rng, seededRng } from "../../src/base/rng.ts";
import { halfSip, sipHash, type SipKey, sipKey } from "../../src/base/siphash.ts";

/** The key of the published vectors: bytes 00 01 .. 0f. */
const KEY: SipKey = { k0: 0x03020100, k1: 0x07060504, k2: 0x0b0a0908, k3: 0x0f0e0d0c };

const M64 = (1n << 64n) - 1n;
const u32 = (n: number): bigint => BigInt(n >>> 0);
const rotl = (x: bigint, n: bigint, bits: bigint): bigint =>
  ((x << n) | (x >> (bits - n))) & ((1n << bits) - 1n);

/** SipHash-c-d as the paper writes it, on whole words of `bits`: the reference for the one on halves. */
function reference(
  bits: bigint,
  rounds: [number, number],
  rotations: readonly bigint[],
  state: bigint[],
  words: readonly bigint[],
): bigint {
  const mask = (1n << bits) - 1n;
  let [a, b, c, d] = state as [bigint, bigint, bigint, bigint];
  const [r0, r1, r2, r3, swap] = rotations as [bigint, bigint, bigint, bigint, bigint];
  const round = (): void => {
    a = (a + b) & mask;
    c = (c + d) & mask;
    b = rotl(b, r0, bits) ^ a;
    d = rotl(d, r1, bits) ^ c;
    a = rotl(a, swap, bits);
    c = (c + b) & mask;
    a = (a + d) & mask;
    b = rotl(b, r2, bits) ^ c;
    d = rotl(d, r3, bits) ^ a;
    c = rotl(c, swap, bits);
  };
  for (const m of words) {
    d ^= m;
    for (let i = 0; i < rounds[0]; i++) round();
    a ^= m;
  }
  c ^= 0xffn;
  for (let i = 0; i < rounds[1]; i++) round();
  return bits === 64n ? a ^ b ^ c ^ d : b ^ d;
}

function sipReference(k: SipKey, w: readonly number[]): bigint {
  const k0 = u32(k.k0) | (u32(k.k1) << 32n);
  const k1 = u32(k.k2) | (u32(k.k3) << 32n);
  const state = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const words = [
    u32(w[0]!) | (u32(w[1]!) << 32n),
    u32(w[2]!) | (u32(w[3]!) << 32n),
    (16n << 56n) & M64,
  ];
  return reference(64n, [2, 4], [13n, 16n, 17n, 21n, 32n], state, words);
}

function halfReference(k: SipKey, w: readonly number[]): bigint {
  const state = [u32(k.k0), u32(k.k1), u32(k.k0) ^ 0x6c796765n, u32(k.k1) ^ 0x74656462n];
  const words = [...w.map(u32), 12n << 24n];
  return reference(32n, [1, 3], [5n, 8n, 13n, 7n, 16n], state, words);
}

describe("SipHash-2-4 on halves", () => {
  test("gives the published vector for 16 bytes 00 .. 0f", () => {
    const words = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c] as const;
    expect(sipReference(KEY, words)).toBe(0x3f2acc7f57c29bdbn);
    expect(sipHash(KEY, ...words)).toBe(0x57c29bdb | 0);
  });

  test("agrees with the paper's words of 64 bits for any key and input", () => {
    const word = fc.integer({ min: -2147483648, max: 2147483647 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 8, maxLength: 8 }), (w) => {
        const key: SipKey = { k0: w[4]!, k1: w[5]!, k2: w[6]!, k3: w[7]! };
        const expected = Number(BigInt.asIntN(32, sipReference(key, w)));
        expect(sipHash(key, w[0]!, w[1]!, w[2]!, w[3]!)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

test("HalfSipHash-1-3 agrees with its definition for any key and three words", () => {
  const word = fc.integer({ min: -2147483648, max: 2147483647 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 5, maxLength: 5 }), (w) => {
      const key: SipKey = { k0: w[3]!, k1: w[4]!, k2: 0, k3: 0 };
      const expected = Number(BigInt.asIntN(32, halfReference(key, w.slice(0, 3))));
      expect(halfSip(key, w[0]!, w[1]!, w[2]!)).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

test("a key is 128 bits of the generator", () => {
  let n = 0;
  const counting: Rng = { i32: () => ++n };
  expect(sipKey(counting)).toEqual({ k0: 1, k1: 2, k2: 3, k3: 4 });
  expect(sipKey(seededRng(1))).not.toEqual(sipKey(seededRng(2)));
});
