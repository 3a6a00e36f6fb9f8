/** TCP segments: there and back, the checksum in its three states, and every header that is none. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/wire/address.ts";
import { seq } from "../../src/wire/seq.ts";
import {
  fillTcpChecksum,
  fillTcpPseudoSum,
  readTcp,
  tcpHeaderLength,
  type TcpMalformed,
  writeTcp,
} from "../../src/wire/tcp.ts";
import {
  createTcpSegment,
  FIN,
  segmentLength,
  SYN,
  type TcpSegment,
} from "../../src/wire/tcp-segment.ts";
import { anyI32, anyU16, anyU8, bookSum, guarded, pseudoHeader, seal } from "./support.ts";

const SOURCE = ipv4(0xc0000201);
const DESTINATION = ipv4(0xc0000202);

function read(
  bytes: Uint8Array,
  vouched = false,
): { verdict: TcpMalformed | null; segment: TcpSegment } {
  const segment = createTcpSegment();
  return {
    verdict: readTcp(bytes, 0, bytes.length, SOURCE, DESTINATION, vouched, segment),
    segment,
  };
}

/** Checksum by the book, not by ours. */
function sealed(bytes: Uint8Array): Uint8Array {
  seal(bytes, 16, pseudoHeader(SOURCE, DESTINATION, bytes.length));
  return bytes;
}

/** An ACK with `options` (padded by the caller) and `payload` bytes. */
function segment(options: readonly number[] = [], payload = 0): Uint8Array {
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload).map((_, i) => (i * 7) & 255);
  bytes[12] = (header / 4) << 4;
  bytes[13] = 0x10;
  bytes.set(options, 20);
  return sealed(bytes);
}

const anySegment = fc.record({
  sourcePort: anyU16,
  destinationPort: anyU16,
  seq: anyI32,
  ack: anyI32,
  flags: anyU8,
  window: anyU16,
  urgentPointer: anyU16,
  mss: anyU16,
  windowScale: fc.integer({ min: -1, max: 14 }),
  sackPermitted: fc.boolean(),
  times: fc.option(fc.tuple(anyI32, anyI32)),
  blocks: fc.array(fc.tuple(anyI32, anyI32), { maxLength: 1 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function recordOf(given: typeof anySegment extends fc.Arbitrary<infer T> ? T : never): TcpSegment {
  const { seq: first, ack, times, blocks, payload: _payload, ...rest } = given;
  const s = createTcpSegment();
  Object.assign(s, rest, { seq: seq(first), ack: seq(ack), sackCount: blocks.length });
  Object.assign(s, { hasTimestamps: times !== null });
  Object.assign(s, { tsVal: times?.[0] ?? 0, tsEcr: times?.[1] ?? 0 });
  s.sack.set(blocks.flat());
  return s;
}

describe("there and back", () => {
  test("what is written and summed reads back as the same record [MUST-2]", () => {
    fc.assert(
      fc.property(anySegment, anyI32, anyI32, fc.nat(5), (given, from, to, at) => {
        const [source, destination] = [ipv4(from), ipv4(to)];
        const s = recordOf(given);
        const header = tcpHeaderLength(s);
        const length = header + given.payload.length;
        const buf = new Uint8Array(at + length + 4).fill(0xcc);
        buf.set(given.payload, at + header);
        expect(writeTcp(buf, at, s)).toBe(header);
        fillTcpChecksum(buf, at, length, source, destination);
        expect([...buf.subarray(at + length)]).toEqual([0xcc, 0xcc, 0xcc, 0xcc]);
        const wire = [...pseudoHeader(from, to, length), ...buf.subarray(at, at + length)];
        expect(bookSum(Uint8Array.from(wire))).toBe(0xffff);

        const out = createTcpSegment();
        expect(readTcp(buf, at, length, source, destination, false, out)).toBeNull();
        expect(out).toEqual({
          ...s,
          source,
          destination,
          buffer: buf,
          payloadOffset: at + header,
          payloadLength: given.payload.length,
        });
      }),
    );
  });

  test("the bytes are where RFC 9293 §3.1 draws them", () => {
    const s = createTcpSegment();
    Object.assign(s, { sourcePort: 0x0102, destinationPort: 0x0304, window: 0x0d0e });
    Object.assign(s, { seq: seq(0x05060708), ack: seq(0x090a0b0c), flags: 0x12 });
    s.urgentPointer = 0x0f10;
    const buf = new Uint8Array(20).fill(0xff);
    writeTcp(buf, 0, s);
    expect([...buf.subarray(0, 12)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect([...buf.subarray(12)]).toEqual([0x50, 0x12, 13, 14, 0, 0, 15, 16]);
  });

  test("reserved bits are sent as 0 and ignored when received [9293-3.1-RSRVD]", () => {
    const s = createTcpSegment();
    s.flags = 0xff;
    const buf = new Uint8Array(20).fill(0xff);
    writeTcp(buf, 0, s);
    expect(buf[12]! & 15).toBe(0);
    const bytes = segment([], 4);
    const plain = read(bytes);
    bytes[12]! |= 15;
    const reserved = read(sealed(bytes));
    expect(reserved.verdict).toBeNull();
    expect(reserved.segment).toEqual(plain.segment);
  });

  test("SYN and FIN count one each in the length of a segment", () => {
    const { segment: s } = read(segment([], 10));
    const lengths = [0, SYN, FIN, SYN | FIN].map((flags) => {
      s.flags = flags;
      return segmentLength(s);
    });
    expect(lengths).toEqual([10, 11, 11, 12]);
  });
});

describe("the checksum", () => {
  test("any one bit flipped is noticed, at odd and even lengths [MUST-3]", () => {
    for (const payload of [0, 1, 2, 7]) {
      const good = segment([1, 1, 1, 0], payload);
      expect(read(good).verdict).toBeNull();
      for (let bit = 0; bit < good.length * 8; bit++) {
        // a data offset that changed is told first
        if (bit >= 96 && bit < 100) continue;
        const bytes = good.slice();
        bytes[bit >> 3]! ^= 128 >> (bit & 7);
        expect(read(bytes).verdict, `bit ${bit}, payload ${payload}`).toBe("bad-checksum");
      }
    }
  });

  test("the addresses and the length count as well as the bytes [MUST-3]", () => {
    const bytes = segment([], 8);
    const out = createTcpSegment();
    expect(readTcp(bytes, 0, 28, SOURCE, ipv4(0xc0000203), false, out)).toBe("bad-checksum");
    expect(readTcp(bytes, 0, 28, ipv4(0xc0000301), DESTINATION, false, out)).toBe("bad-checksum");
    // zeros behind the segment change nothing but its length
    const longer = new Uint8Array(32);
    longer.set(bytes);
    expect(readTcp(longer, 0, 32, SOURCE, DESTINATION, false, out)).toBe("bad-checksum");
    expect(readTcp(longer, 0, 28, SOURCE, DESTINATION, false, out)).toBeNull();
  });

  test("one made without the pseudo-header is wrong, as is 0 for 'none' [MUST-3]", () => {
    const bytes = segment([], 8);
    seal(bytes, 16);
    expect(read(bytes).verdict).toBe("bad-checksum");
    bytes[16] = 0;
    bytes[17] = 0;
    expect(read(bytes).verdict).toBe("bad-checksum");
  });

  test("a sum of which the complement is 0 is sent as 0 and accepted [MUST-2] [MUST-3]", () => {
    const bytes = segment([], 8);
    bytes.fill(0, 20);
    sealed(bytes);
    // the checksum moves into the payload, so that nothing is left for the field
    bytes[20] = bytes[16]!;
    bytes[21] = bytes[17]!;
    fillTcpChecksum(bytes, 0, bytes.length, SOURCE, DESTINATION);
    expect([bytes[16], bytes[17]]).toEqual([0, 0]);
    expect(read(bytes).verdict).toBeNull();
  });

  test("where the device vouches for it, it is not looked at, but the form is", () => {
    const bytes = segment([], 8);
    bytes[16]! ^= 0xff;
    expect(read(bytes, true).verdict).toBeNull();
    bytes[12] = 0x40;
    expect(read(bytes, true).verdict).toBe("bad-data-offset");
  });

  test("for a device that completes it the field has the pseudo-header's sum, folded", () => {
    fc.assert(
      fc.property(anyI32, anyI32, fc.integer({ min: 20, max: 65495 }), (from, to, length) => {
        const bytes = new Uint8Array(20).fill(0x55);
        fillTcpPseudoSum(bytes, 0, length, ipv4(from), ipv4(to));
        expect(bytes[16]! * 256 + bytes[17]!).toBe(bookSum(pseudoHeader(from, to, length)));
      }),
    );
  });

  test("what the device then sums from the TCP header on is a right checksum [MUST-2]", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 400 }), (bytes) => {
        bytes[12] = 0x50;
        fillTcpPseudoSum(bytes, 0, bytes.length, SOURCE, DESTINATION);
        const sum = 0xffff - bookSum(bytes);
        bytes[16] = sum >>> 8;
        bytes[17] = sum & 255;
        expect(read(bytes).verdict).toBeNull();
      }),
    );
  });
});

describe("headers that are none", () => {
  test("a segment shorter than 20 bytes is dropped, whatever it says [9293-3.1-OFFSET]", () => {
    for (let n = 0; n < 20; n++) {
      expect(read(segment([], 8).slice(0, n), true).verdict, `${n} bytes`).toBe("truncated");
    }
  });

  test("a data offset below 5 words or past the segment is malformed [9293-3.1-OFFSET]", () => {
    const bytes = segment([], 12);
    for (let words = 0; words < 16; words++) {
      bytes.fill(1, 20);
      bytes[12] = words << 4;
      const want = words < 5 || words > 8 ? "bad-data-offset" : null;
      expect(read(sealed(bytes)).verdict, `${words} words`).toBe(want);
    }
  });

  test("the header may fill the segment to its last byte, and odd payload is whole", () => {
    for (const payload of [0, 1, 3]) {
      const { verdict, segment: s } = read(segment([1, 1, 1, 1], payload));
      expect(verdict).toBeNull();
      expect([s.payloadOffset, s.payloadLength]).toEqual([24, payload]);
    }
  });

  test("options are read with and without SYN, data or FIN [MUST-5]", () => {
    for (const flags of [0x02, 0x10, 0x18, 0x11, 0x04]) {
      const bytes = segment([3, 3, 7, 0], flags === 0x18 ? 5 : 0);
      bytes[13] = flags;
      expect(read(sealed(bytes)).segment.windowScale).toBe(7);
    }
  });

  test("an option that leads past the header into the data is malformed [MUST-7]", () => {
    expect(read(segment([2, 4, 5, 180], 8)).verdict).toBeNull();
    expect(read(segment([1, 1, 2, 4], 8)).verdict).toBe("bad-option");
    expect(read(segment([253, 5, 0, 0], 8)).verdict).toBe("bad-option");
    expect(read(segment([253, 0, 0, 0], 8)).verdict).toBe("bad-option");
  });

  test("a segment without options leaves none of the one before", () => {
    const out = createTcpSegment();
    const syn = segment([2, 4, 5, 180]);
    readTcp(syn, 0, syn.length, SOURCE, DESTINATION, false, out);
    expect(out.mss).toBe(1460);
    const plain = segment();
    readTcp(plain, 0, plain.length, SOURCE, DESTINATION, false, out);
    expect(out.mss).toBe(0);
  });
});

test("random bytes never throw and are never read outside the segment [MUST-7]", () => {
  const verdicts = [null, "truncated", "bad-data-offset", "bad-checksum", "bad-option"];
  const bytes = fc.uint8Array({ maxLength: 90 });
  fc.assert(
    fc.property(bytes, fc.nat(15), fc.boolean(), fc.nat(5), (raw, words, vouched, before) => {
      if (raw.length > 12 && words > 0) raw[12] = words << 4;
      const g = guarded(raw, before);
      const out = createTcpSegment();
      const verdict = readTcp(g.buffer, g.offset, g.length, SOURCE, DESTINATION, vouched, out);
      expect(verdicts).toContain(verdict);
      if (verdict !== null) return;
      expect(out.payloadOffset).toBeGreaterThanOrEqual(g.offset + 20);
      expect(out.payloadOffset + out.payloadLength).toBe(g.offset + g.length);
    }),
    { numRuns: 1000 },
  );
});
