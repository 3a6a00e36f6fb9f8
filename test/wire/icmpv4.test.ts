/** ICMP messages: the fields of each kind, the checksum over all of it, and bytes that are no message. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createIcmpMessage,
  type IcmpMessage,
  type IcmpMalformed,
  readIcmp,
  writeIcmp,
} from "../../src/wire/icmpv4.ts";
import { anyI32, anyU8, bookSum, guarded, seal } from "./support.ts";

function read(bytes: Uint8Array): { verdict: IcmpMalformed | null; message: IcmpMessage } {
  const message = createIcmpMessage();
  return { verdict: readIcmp(bytes, 0, bytes.length, message), message };
}

function sealed(...bytes: number[]): Uint8Array {
  const message = Uint8Array.from(bytes);
  seal(message, 2);
  return message;
}

test("an echo request has its identifier, sequence number and data", () => {
  const bytes = sealed(8, 0, 0, 0, 0x12, 0x34, 0xff, 0xfe, 1, 2, 3);
  const { verdict, message } = read(bytes);
  expect(verdict).toBeNull();
  expect(message).toMatchObject({ type: 8, code: 0, identifier: 0x1234, sequence: 0xfffe });
  expect([message.buffer, message.bodyOffset, message.bodyLength]).toEqual([bytes, 8, 3]);
});

test("fragmentation needed tells the MTU of the next hop, as an unsigned number", () => {
  expect(read(sealed(3, 4, 0, 0, 0, 0, 0xff, 0xff)).message.nextHopMtu).toBe(65535);
  expect(read(sealed(3, 4, 0, 0, 0, 0, 0, 0)).message.nextHopMtu).toBe(0);
});

test("a parameter problem tells the byte it points at", () => {
  expect(read(sealed(12, 0, 0, 0, 20, 0, 0, 0)).message.pointer).toBe(20);
});

test("a message shorter than 8 bytes is dropped", () => {
  for (let n = 0; n < 8; n++)
    expect(read(sealed(...Array<number>(n).fill(8))).verdict).toBe("truncated");
});

test("a message with any one bit flipped is dropped, in its body too [792-CKSUM]", () => {
  for (const size of [11, 12, 200, 201]) {
    const good = sealed(8, 0, 0, 0, ...Array.from({ length: size - 4 }, (_, i) => i & 255));
    expect(read(good).verdict).toBeNull();
    for (let bit = 0; bit < size * 8; bit += size > 100 ? 7 : 1) {
      const bytes = good.slice();
      bytes[bit >> 3]! ^= 128 >> (bit & 7);
      expect(read(bytes).verdict, `bit ${bit} of ${size}`).toBe("bad-checksum");
    }
  }
});

test("what is written reads back, and sums to 0xffff by the book [792-CKSUM]", () => {
  const body = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(
      anyU8,
      anyU8,
      anyI32,
      body,
      fc.nat(3),
      fc.nat(3),
      (type, code, rest, data, at, cut) => {
        const from = Math.min(cut, data.length);
        const buf = new Uint8Array(at + 8 + data.length + 2).fill(0xcc);
        const length = writeIcmp(buf, at, type, code, rest, data, from, data.length);
        expect(length).toBe(8 + data.length - from);
        expect(bookSum(buf.slice(at, at + length))).toBe(0xffff);
        expect(buf.subarray(at + length).every((b) => b === 0xcc)).toBe(true);
        const message = createIcmpMessage();
        expect(readIcmp(buf, at, length, message)).toBeNull();
        expect(message).toMatchObject({
          type,
          code,
          identifier: rest >>> 16,
          sequence: rest & 0xffff,
          bodyOffset: at + 8,
          bodyLength: data.length - from,
        });
        expect(buf.slice(at + 8, at + length)).toEqual(data.slice(from));
      },
    ),
  );
});

test("random bytes never throw and are never read outside", () => {
  const verdicts = ["bad-checksum", "truncated", null];
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.boolean(),
      fc.nat(3),
      (bytes, repair, before) => {
        if (repair && bytes.length >= 4) seal(bytes, 2);
        const g = guarded(bytes, before);
        const verdict = readIcmp(g.buffer, g.offset, g.length, createIcmpMessage());
        expect(verdicts).toContain(verdict);
        if (repair && bytes.length >= 8) expect(verdict).toBeNull();
      },
    ),
    { numRuns: 500 },
  );
});
