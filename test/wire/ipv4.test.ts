/** IPv4 headers: what is refused and why, and an independent codec as the oracle for what is not. */
import fc from "fast-check";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { formatIpv4, ipv4, parseIpv4 } from "../../src/wire/address.ts";
import {
  createIpv4Header,
  type Ipv4Header,
  type Ipv4Malformed,
  readIpv4,
  writeIpv4,
} from "../../src/wire/ipv4.ts";
import { anyI32, anyU16, anyU8, guarded, seal, surrounded } from "./support.ts";

interface OraclePacket {
  version: number;
  ihl?: number;
  dscp: number;
  ecn: number;
  identification: number;
  flags: number;
  fragmentOffset: number;
  ttl: number;
  protocol: number;
  sourceIp: string;
  destinationIp: string;
  checksum?: number;
  length?: number;
  data: Buffer;
}

interface Oracle {
  encode(state: { buffer: Uint8Array; start: number; end: number }, packet: OraclePacket): void;
  decode(state: { buffer: Uint8Array; start: number; end: number }): OraclePacket;
  checksum(packet: Uint8Array): number;
}

const oracle = createRequire(import.meta.url)("ip-packet") as Oracle;

const SOURCE = parseIpv4("192.0.2.1")!;
const DESTINATION = parseIpv4("192.0.2.2")!;

/** A right packet with `options` (padded by the caller) and `payload` bytes behind its header. */
function packet(options: readonly number[] = [], payload = 8): Uint8Array {
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload).fill(0x77);
  writeIpv4(bytes, 0, bytes.length, 0, 1, true, 64, 6, SOURCE, DESTINATION);
  bytes[0] = 0x40 | (header / 4);
  bytes.set(options, 20);
  reseal(bytes);
  return bytes;
}

/** Makes the checksum right again for the header length that the packet claims. */
function reseal(bytes: Uint8Array): Uint8Array {
  seal(bytes.subarray(0, Math.min(bytes.length, (bytes[0]! & 15) * 4)), 10);
  return bytes;
}

function read(bytes: Uint8Array): { verdict: Ipv4Malformed | null; header: Ipv4Header } {
  const header = createIpv4Header();
  return { verdict: readIpv4(bytes, 0, bytes.length, header), header };
}

const anyHeader = fc.record({
  tos: anyU8,
  identification: anyU16,
  dontFragment: fc.boolean(),
  ttl: anyU8,
  protocol: anyU8,
  source: anyI32,
  destination: anyI32,
  payload: fc.nat(60),
});

describe("reading", () => {
  test("drops packets shorter than 20 bytes, whatever they claim [791-3.1-HDR]", () => {
    const whole = packet();
    for (let n = 0; n < 20; n++) expect(read(whole.slice(0, n)).verdict).toBe("truncated");
  });

  test("drops every version but 4 [1122-3.2.1.1-VER]", () => {
    for (const version of [0, 1, 2, 3, 5, 6, 7, 15]) {
      const bytes = packet();
      bytes[0] = (version << 4) | 5;
      expect(read(reseal(bytes)).verdict).toBe("not-ipv4");
    }
  });

  test("drops a header length below 5 words or past what was read [791-3.1-HDR]", () => {
    for (const ihl of [0, 1, 2, 3, 4, 8, 15]) {
      const bytes = packet([], 8);
      bytes[0] = 0x40 | ihl;
      expect(read(reseal(bytes)).verdict, `ihl ${ihl}`).toBe("bad-header-length");
    }
  });

  test("drops a total length below the header or above what was read [791-3.1-HDR]", () => {
    for (const total of [0, 19, 23, 33, 65535]) {
      const bytes = packet([1, 1, 1, 0], 8);
      bytes[2] = total >>> 8;
      bytes[3] = total & 255;
      expect(read(reseal(bytes)).verdict, `total ${total}`).toBe("bad-total-length");
    }
  });

  test("leaves bytes behind the total length out of the packet [791-3.1-HDR]", () => {
    const { verdict, header } = read(
      surrounded(packet([], 8), new Uint8Array(0), new Uint8Array(18)),
    );
    expect(verdict).toBeNull();
    expect(header.totalLength).toBe(28);
  });

  test("drops a header with any one bit flipped [1122-3.2.1.2-CK]", () => {
    for (let bit = 0; bit < 160; bit++) {
      const bytes = packet();
      bytes[bit >> 3]! ^= 128 >> (bit & 7);
      expect(read(bytes).verdict, `bit ${bit}`).not.toBeNull();
    }
  });

  test("does not care for bits of the payload [1122-3.2.1.2-CK]", () => {
    const bytes = packet();
    bytes[24]! ^= 1;
    expect(read(bytes).verdict).toBeNull();
  });

  test("reads fragments: the offset in bytes, both flags, the reserved one ignored", () => {
    const bytes = packet();
    bytes[6] = 0x80 | 0x20 | 0x1f;
    bytes[7] = 0xff;
    const { verdict, header } = read(reseal(bytes));
    expect(verdict).toBeNull();
    expect(header).toMatchObject({
      dontFragment: false,
      moreFragments: true,
      fragmentOffset: 8191 * 8,
    });
  });
});

describe("IP options", () => {
  test("unknown ones are skipped by their length [1122-3.2.1.8-OPT]", () => {
    for (const options of [
      [1, 1, 1, 1],
      [0, 9, 9, 9],
      [200, 4, 0, 0],
      [1, 200, 2, 0],
      [7, 7, 4, 0, 0, 0, 0, 1],
      [148, 4, 0, 0, 68, 4, 5, 0],
    ]) {
      const { verdict, header } = read(packet(options));
      expect(verdict, String(options)).toBeNull();
      expect(header.headerLength).toBe(20 + options.length);
      expect(header.sourceRoute).toBe(false);
    }
  });

  test("a length of 0, 1, past the header, or absent spoils the packet [1122-3.2.1.8-OPT]", () => {
    for (const options of [
      [200, 0, 0, 0],
      [200, 1, 0, 0],
      [200, 5, 0, 0],
      [200, 200, 0, 0],
      [1, 1, 1, 200],
      [200, 3, 0, 131],
      [131, 255, 4, 0],
    ]) {
      expect(read(packet(options)).verdict, String(options)).toBe("bad-ip-option");
    }
  });

  test("a source route is reported, loose or strict, and forgotten for the next packet", () => {
    const header = createIpv4Header();
    for (const kind of [131, 137]) {
      const routed = packet([1, kind, 7, 4, 192, 0, 2, 9]);
      expect(readIpv4(routed, 0, routed.length, header)).toBeNull();
      expect(header.sourceRoute).toBe(true);
      const plain = packet();
      expect(readIpv4(plain, 0, plain.length, header)).toBeNull();
      expect(header.sourceRoute).toBe(false);
    }
  });

  test("a source route behind the end of the list is none", () => {
    expect(read(packet([0, 131, 3, 4])).header.sourceRoute).toBe(false);
  });
});

describe("against an independent codec", () => {
  test("what we write, it reads, and its checksum is ours [1122-3.2.1.2-CK]", () => {
    fc.assert(
      fc.property(anyHeader, fc.nat(3), (h, at) => {
        const total = 20 + h.payload;
        const buf = new Uint8Array(at + total).fill(0xee);
        const [source, destination] = [ipv4(h.source), ipv4(h.destination)];
        writeIpv4(
          buf,
          at,
          total,
          h.tos,
          h.identification,
          h.dontFragment,
          h.ttl,
          h.protocol,
          source,
          destination,
        );
        const bytes = buf.slice(at);
        const got = oracle.decode({ buffer: bytes, start: 0, end: total });
        expect(got).toMatchObject({
          version: 4,
          ihl: 5,
          dscp: h.tos >> 2,
          ecn: h.tos & 3,
          length: total,
          identification: h.identification,
          flags: h.dontFragment ? 2 : 0,
          fragmentOffset: 0,
          ttl: h.ttl,
          protocol: h.protocol,
          sourceIp: formatIpv4(source),
          destinationIp: formatIpv4(destination),
        });
        expect(got.checksum).toBe(oracle.checksum(bytes));
        expect(bytes.subarray(20).every((b) => b === 0xee)).toBe(true);
      }),
    );
  });

  test("what it writes, we read", () => {
    fc.assert(
      fc.property(anyHeader, fc.nat(7), fc.nat(8191), (h, flags, fragmentOffset) => {
        const bytes = new Uint8Array(20 + h.payload);
        oracle.encode(
          { buffer: bytes, start: 0, end: bytes.length },
          {
            version: 4,
            dscp: h.tos >> 2,
            ecn: h.tos & 3,
            identification: h.identification,
            flags,
            fragmentOffset,
            ttl: h.ttl,
            protocol: h.protocol,
            sourceIp: formatIpv4(ipv4(h.source)),
            destinationIp: formatIpv4(ipv4(h.destination)),
            data: Buffer.alloc(h.payload),
          },
        );
        oracle.checksum(bytes);
        const { verdict, header } = read(bytes);
        expect(verdict).toBeNull();
        expect(header).toEqual({
          headerLength: 20,
          totalLength: bytes.length,
          tos: h.tos,
          identification: h.identification,
          dontFragment: (flags & 2) !== 0,
          moreFragments: (flags & 1) !== 0,
          fragmentOffset: fragmentOffset * 8,
          ttl: h.ttl,
          protocol: h.protocol,
          source: h.source,
          destination: h.destination,
          sourceRoute: false,
          sourceRouteAt: 0,
          badOptionAt: 0,
        });
      }),
    );
  });
});

/** Random bytes that often get past the first checks. */
const almostIpv4 = fc
  .tuple(fc.uint8Array({ maxLength: 90 }), fc.nat(15), fc.integer({ min: -2, max: 2 }), fc.nat(3))
  .map(([bytes, ihl, slack, luck]) => {
    if (luck === 0 || bytes.length < 20) return bytes;
    bytes[0] = 0x40 | ihl;
    const total = bytes.length + Math.min(0, slack);
    bytes[2] = total >>> 8;
    bytes[3] = total & 255;
    return luck === 1 || ihl < 5 ? bytes : reseal(bytes);
  });

describe("hostile bytes", () => {
  test("never throw and are never read outside the packet [791-3.1-HDR]", () => {
    fc.assert(
      fc.property(almostIpv4, fc.nat(5), (bytes, before) => {
        const header = createIpv4Header();
        const g = guarded(bytes, before);
        const verdict = readIpv4(g.buffer, g.offset, g.length, header);
        if (verdict !== null) return;
        expect(header.headerLength).toBeLessThanOrEqual(header.totalLength);
        expect(header.totalLength).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 1000 },
    );
  });

  test("get each verdict without a read outside the packet [791-3.1-HDR]", () => {
    const spoiled = (change: (bytes: Uint8Array) => void, options: number[] = []): Uint8Array => {
      const bytes = packet(options);
      change(bytes);
      return reseal(bytes);
    };
    const wrongSum = packet();
    wrongSum[10]! ^= 1;
    const examples: [Uint8Array, Ipv4Malformed | null][] = [
      [packet(), null],
      [packet([1, 200, 3, 9], 0), null],
      [packet().slice(0, 19), "truncated"],
      [spoiled((b) => (b[0] = 0x65)), "not-ipv4"],
      [spoiled((b) => (b[0] = 0x4f)), "bad-header-length"],
      [spoiled((b) => (b[3] = 200)), "bad-total-length"],
      [wrongSum, "bad-checksum"],
      [packet([1, 1, 1, 200], 0), "bad-ip-option"],
      [packet([1, 1, 131, 3], 0), "bad-ip-option"],
    ];
    for (const [bytes, want] of examples) {
      for (const before of [0, 1, 2, 3]) {
        const g = guarded(bytes, before);
        expect(readIpv4(g.buffer, g.offset, g.length, createIpv4Header())).toBe(want);
      }
    }
  });

  test("give the same answer between any neighbours", () => {
    const sides = fc.uint8Array({ minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(almostIpv4, sides, sides, (bytes, before, behind) => {
        const header = createIpv4Header();
        const buf = surrounded(bytes, before, behind);
        const verdict = readIpv4(buf, before.length, bytes.length, header);
        expect({ verdict, header }).toEqual(read(bytes));
      }),
      { numRuns: 500 },
    );
  });
});
