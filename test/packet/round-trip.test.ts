/** The forms of a packet say the same, for any packet and any bytes. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  BRIEF,
  decode,
  encode,
  formatPacket,
  fromJson,
  isPacketError,
  packetLength,
  parseHex,
  parsePacket,
  toHex,
  toJson,
} from "../../src/packet/index.ts";
import { FULL } from "../support/full.ts";
import { anyBytes, packetArbitrary } from "./arbitraries.ts";

const RUNS = { numRuns: FULL ? 100_000 : 3000, seed: 6 };
vi.setConfig({ testTimeout: FULL ? 300_000 : 30_000 });

test("any packet is the same after its line is read again", () => {
  fc.assert(
    fc.property(packetArbitrary, (packet) => {
      const line = formatPacket(packet);
      expect(parsePacket(line), line).toEqual(packet);
    }),
    RUNS,
  );
});

test("any packet is the same after its JSON is read again", () => {
  fc.assert(
    fc.property(packetArbitrary, (packet) => {
      expect(fromJson(JSON.parse(JSON.stringify(toJson(packet))))).toEqual(packet);
    }),
    RUNS,
  );
});

test("any bytes are a packet, whose line, JSON and hex digits give the same bytes", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const packet = decode(bytes);
      const hex = toHex(bytes);
      expect(packetLength(packet)).toBe(bytes.length);
      expect(toHex(encode(packet))).toBe(hex);
      expect(parseHex(hex)).toEqual(bytes);
      const line = formatPacket(packet);
      const again = parsePacket(line);
      expect(again, line).toEqual(packet);
      expect(fromJson(toJson(packet))).toEqual(packet);
    }),
    RUNS,
  );
});

test("a packet that is decoded in the midst of a buffer is the one that stands there alone", () => {
  fc.assert(
    fc.property(anyBytes, fc.nat(5), (bytes, before) => {
      const buffer = new Uint8Array(before + bytes.length + 7).fill(0xee);
      buffer.set(bytes, before);
      expect(decode(buffer, before, before + bytes.length)).toEqual(decode(bytes));
    }),
    { ...RUNS, numRuns: 1000 },
  );
});

test("what was decoded is no longer the buffer's, of whatever kind that is", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const buffer = Buffer.from(bytes);
      const packet = decode(buffer);
      buffer.fill(0xee);
      expect(packet).toEqual(decode(bytes));
    }),
    { ...RUNS, numRuns: 1000 },
  );
});

test("nothing that is read throws: a fault is a value with one line", () => {
  const line = fc.oneof(
    fc.string({ maxLength: 120 }),
    fc
      .tuple(packetArbitrary, fc.nat(200), fc.string({ maxLength: 3 }))
      .map(([packet, at, more]) => {
        const whole = formatPacket(packet);
        return whole.slice(0, at % whole.length) + more + whole.slice((at % whole.length) + 1);
      }),
  );
  let faults = 0;
  fc.assert(
    fc.property(line, (text) => {
      const read = parsePacket(text);
      if (isPacketError(read)) {
        faults++;
        expect(read.error).toMatch(/^[^\n]+$/);
        expect(read.at).toBeLessThanOrEqual(text.length);
      } else expect(parsePacket(formatPacket(read))).toEqual(read);
      const hex = parseHex(text);
      if (isPacketError(hex)) expect(hex.error).toMatch(/^[^\n]+$/);
    }),
    RUNS,
  );
  expect(faults).toBeGreaterThan(RUNS.numRuns / 10);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const read = fromJson(value);
      if (isPacketError(read)) expect(read.error).toMatch(/^[^\n]+$/);
    }),
    RUNS,
  );
});

test("the short form never throws and is one line", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      expect(formatPacket(decode(bytes), BRIEF)).toMatch(/^[^\n]+$/);
    }),
    RUNS,
  );
});
