/** The checksum against the book's word-by-word sum, at every parity, on both of its ways. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/wire/address.ts";
import { checksum, foldSum, pseudoHeaderSum, sum16 } from "../../src/wire/checksum.ts";
import { anyI32, anyU16, bookSum, pseudoHeader } from "./support.ts";

function folded(buf: Uint8Array, from: number, to: number): number {
  return foldSum(sum16(buf, from, to));
}

describe("the Internet checksum", () => {
  test("sums the example of RFC 1071 §3 to 0xddf2", () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(folded(bytes, 0, 8)).toBe(0xddf2);
    expect(checksum(bytes, 0, 8)).toBe(0x220d);
  });

  test("gives 0xffff for no bytes and for zeros, 0 for ones", () => {
    expect(checksum(new Uint8Array(0), 0, 0)).toBe(0xffff);
    expect(checksum(new Uint8Array(200), 0, 200)).toBe(0xffff);
    expect(checksum(new Uint8Array(200).fill(255), 0, 200)).toBe(0);
  });

  test("pads an odd last byte with zero on the right [792-CKSUM]", () => {
    for (const size of [1, 3, 131, 1461]) {
      const bytes = new Uint8Array(size + 1).fill(0x5a);
      const padded = bytes.slice();
      padded[size] = 0;
      expect(folded(bytes, 0, size)).toBe(folded(padded, 0, size + 1));
    }
  });

  test("agrees with the book for every start and end near a word boundary", () => {
    const memory = new Uint8Array(700).map((_, i) => (i * 167 + 13) & 255);
    for (const shift of [0, 1, 2, 3]) {
      const buf = memory.subarray(shift);
      for (let from = 0; from < 8; from++) {
        for (let size = 0; size < 300; size++) {
          const got = folded(buf, from, from + size);
          expect(got, `${shift} ${from} ${size}`).toBe(bookSum(buf.slice(from, from + size)));
        }
      }
    }
  });

  test("agrees with the book at any offset, length and start value", () => {
    const range = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(5));
    const bytes = fc.uint8Array({ minLength: 81, maxLength: 4000 });
    fc.assert(
      fc.property(bytes, range, anyU16, (memory, [from, cut, shift], initial) => {
        const buf = memory.subarray(shift);
        const to = Math.max(from, buf.length - cut);
        const start = Uint8Array.of(initial >>> 8, initial & 255);
        const want = bookSum(Uint8Array.from([...start, ...buf.subarray(from, to)]));
        expect(foldSum(sum16(buf, from, to, initial))).toBe(want);
      }),
      { numRuns: 300 },
    );
  });

  test("holds for 65,535 bytes of 0xff at either parity", () => {
    const bytes = new Uint8Array(65540).fill(255);
    for (const from of [0, 1, 2, 3]) {
      expect(folded(bytes, from, from + 65535)).toBe(0xff00);
      expect(folded(bytes, from, from + 65534)).toBe(0xffff);
    }
  });

  test("follows bytes that change, and memories in turn", () => {
    const memories = [1, 2, 3].map((n) => new Uint8Array(512).fill(n));
    for (let round = 0; round < 3; round++) {
      for (const buf of memories) {
        buf[200 + round] = round * 50;
        expect(folded(buf, 1, 500)).toBe(bookSum(buf.slice(1, 500)));
      }
    }
  });

  test("verifies to 0xffff once the checksum is in its place", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 1600 }), (buf) => {
        buf[0] = 0;
        buf[1] = 0;
        const sum = checksum(buf, 0, buf.length);
        buf[0] = sum >>> 8;
        buf[1] = sum & 255;
        expect(folded(buf, 0, buf.length)).toBe(0xffff);
      }),
    );
  });

  test("folds a sum above 32 bits too", () => {
    expect(foldSum(0xffff)).toBe(0xffff);
    expect(foldSum(0x10000)).toBe(1);
    expect(foldSum(0xffffffff)).toBe(0xffff);
    expect(foldSum(0x1_0000_0000)).toBe(1);
    expect(foldSum(0x7fff_ffff_ffff)).toBe(foldSum(0x7fff + 0xffff + 0xffff));
  });

  test("sums the pseudo-header's words as unsigned ones [MUST-2]", () => {
    fc.assert(
      fc.property(anyI32, anyI32, anyU16, (source, destination, length) => {
        const got = foldSum(pseudoHeaderSum(ipv4(source), ipv4(destination), 6, length));
        expect(got).toBe(bookSum(pseudoHeader(source, destination, length)));
      }),
    );
  });
});
