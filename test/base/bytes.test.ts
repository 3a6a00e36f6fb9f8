/** Reads and writes of network order, against DataView. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { readI32, readU16, readU8, writeI32, writeU16, writeU8 } from "../../src/base/bytes.ts";

const memory = fc.uint8Array({ minLength: 12, maxLength: 12 });
const anyI32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });

test("reads have the most significant byte first, unsigned but for 32 bits", () => {
  fc.assert(
    fc.property(memory, fc.nat(8), (bytes, at) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      expect(readU8(bytes, at)).toBe(view.getUint8(at));
      expect(readU16(bytes, at)).toBe(view.getUint16(at));
      expect(readI32(bytes, at)).toBe(view.getInt32(at));
    }),
  );
});

test("writes put the same bytes as DataView and touch no neighbour", () => {
  fc.assert(
    fc.property(memory, fc.nat(8), anyI32, (bytes, at, value) => {
      for (const [write, method] of [
        [writeU8, "setUint8"],
        [writeU16, "setUint16"],
        [writeI32, "setInt32"],
      ] as const) {
        const ours = bytes.slice();
        const theirs = bytes.slice();
        write(ours, at, value);
        new DataView(theirs.buffer)[method](at, value);
        expect(ours).toEqual(theirs);
      }
    }),
  );
});

test("a value above 2^31 is written as the same bits", () => {
  const bytes = new Uint8Array(4);
  writeI32(bytes, 0, 0xfedcba98);
  expect([...bytes]).toEqual([0xfe, 0xdc, 0xba, 0x98]);
  expect(readI32(bytes, 0) >>> 0).toBe(0xfedcba98);
});
