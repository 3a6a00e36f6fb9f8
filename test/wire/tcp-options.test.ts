/** TCP options: what is written is what Linux would write, and every malformed list ends without harm. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTcpOptions, tcpOptionsLength, writeTcpOptions } from "../../src/wire/tcp-options.ts";
import { createTcpSegment, type TcpOptions, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { anyI32, guarded, surrounded } from "./support.ts";

type Given = Partial<Omit<TcpOptions, "sack" | "cookie">> & {
  sack?: readonly number[];
  cookie?: readonly number[] | null;
};

function record(given: Given): TcpSegment {
  const s = createTcpSegment();
  const { sack = [], cookie = null, ...rest } = given;
  Object.assign(s, rest);
  s.fastOpen = cookie === null ? -1 : cookie.length;
  s.cookie.set(cookie ?? []);
  s.sack.set(sack);
  s.sackCount = sack.length / 2;
  return s;
}

/** The options as a plain value, SACK blocks only as far as they count. */
function plain(o: TcpOptions): Record<string, unknown> {
  const { mss, windowScale, sackPermitted, hasTimestamps, tsVal, tsEcr, sackCount, sack } = o;
  const blocks = [...sack.subarray(0, 2 * sackCount)];
  const cookie = o.fastOpen < 0 ? null : [...o.cookie.subarray(0, o.fastOpen)];
  return { mss, windowScale, sackPermitted, hasTimestamps, tsVal, tsEcr, blocks, cookie };
}

function read(...bytes: number[]): { verdict: string | null; options: Record<string, unknown> } {
  const out = createTcpSegment();
  const buf = Uint8Array.from(bytes);
  return { verdict: readTcpOptions(buf, 0, buf.length, out), options: plain(out) };
}

function write(given: Given): number[] {
  const buf = new Uint8Array(60).fill(0xcc);
  const end = writeTcpOptions(buf, 0, record(given));
  expect(buf.subarray(end).every((b) => b === 0xcc)).toBe(true);
  return [...buf.subarray(0, end)];
}

const NONE = plain(createTcpSegment());
const MSS = [2, 4, 5, 180];
const TS = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

/** What both SYNs and later segments may carry, as far as 40 bytes go. */
const anyOptions = fc
  .record({
    mss: fc.nat(65535),
    windowScale: fc.integer({ min: -1, max: 14 }),
    sackPermitted: fc.boolean(),
    hasTimestamps: fc.boolean(),
    tsVal: anyI32,
    tsEcr: anyI32,
    blocks: fc.array(fc.tuple(anyI32, anyI32), { maxLength: 4 }),
    cookie: fc.option(
      fc
        .uint8Array({ maxLength: 16 })
        .filter((bytes) => bytes.length === 0 || (bytes.length >= 4 && bytes.length % 2 === 0))
        .map((bytes) => [...bytes]),
    ),
  })
  .map(({ blocks, ...o }): Given => {
    const times = o.hasTimestamps ? o : { ...o, tsVal: 0, tsEcr: 0 };
    return { ...times, sack: blocks.flat() };
  })
  .filter((given) => tcpOptionsLength(record(given)) <= 40);

describe("writing", () => {
  test("a SYN has MSS, SACK-permitted, timestamps and scale in Linux's order", () => {
    const syn = { mss: 1460, sackPermitted: true, hasTimestamps: true, tsVal: 1, windowScale: 7 };
    expect(write(syn)).toEqual([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]);
  });

  test("each option alone is padded in front with NOP to 4 bytes", () => {
    expect(write({})).toEqual([]);
    expect(write({ mss: 1460 })).toEqual(MSS);
    expect(write({ sackPermitted: true })).toEqual([1, 1, 4, 2]);
    expect(write({ windowScale: 0 })).toEqual([1, 3, 3, 0]);
    expect(write({ hasTimestamps: true, tsVal: 1, tsEcr: 2 })).toEqual([1, 1, ...TS]);
    const sack = [0x01020304, -1];
    expect(write({ sack })).toEqual([1, 1, 5, 10, 1, 2, 3, 4, 255, 255, 255, 255]);
  });

  test("timestamps and three SACK blocks fill the 40 bytes [2018-3-FORM]", () => {
    const bytes = write({ hasTimestamps: true, sack: [1, 2, 3, 4, 5, 6] });
    expect(bytes.length).toBe(40);
    expect(bytes.slice(12, 16)).toEqual([1, 1, 5, 26]);
  });

  test("every option but NOP has its length behind its kind [MUST-68]", () => {
    fc.assert(
      fc.property(anyOptions, (given) => {
        const bytes = write(given);
        for (let at = 0; at < bytes.length; at += bytes[at] === 1 ? 1 : bytes[at + 1]!) {
          expect([1, 2, 3, 4, 5, 8, 34]).toContain(bytes[at]);
          if (bytes[at] !== 1) expect(bytes[at + 1]).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });

  test("behind an end-of-list, were one written, would be zeros only; there is none [MUST-69]", () => {
    fc.assert(
      fc.property(anyOptions, (given) => {
        const bytes = write(given);
        let at = 0;
        while (at < bytes.length && bytes[at] !== 0) at += bytes[at] === 1 ? 1 : bytes[at + 1]!;
        expect(bytes.slice(at).every((b) => b === 0)).toBe(true);
        // the walk ends where the data offset will point, so no padding is left over
        expect(at).toBe(bytes.length);
      }),
    );
  });

  test("what is written reads back the same, and is as long as was said", () => {
    fc.assert(
      fc.property(anyOptions, fc.nat(5), (given, at) => {
        const s = record(given);
        const buf = new Uint8Array(at + 60).fill(0xcc);
        const end = writeTcpOptions(buf, at, s);
        expect(end - at).toBe(tcpOptionsLength(s));
        expect((end - at) % 4).toBe(0);
        const out = record({ mss: 9, windowScale: 9, sackPermitted: true, sack: [9, 9] });
        expect(readTcpOptions(buf, at, end, out)).toBeNull();
        expect(plain(out)).toEqual(plain(s));
      }),
    );
  });
});

describe("reading", () => {
  test("a Fast Open cookie is empty or of 4 to 16 bytes, an even number; the first counts [7413-4.1.1-FORM]", () => {
    const bytes = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
    for (const length of [2, 6, 8, 10, 12, 14, 16, 18]) {
      const cookie = bytes(length - 2);
      const options = { ...NONE, cookie };
      expect(read(34, length, ...cookie), String(length)).toEqual({ verdict: null, options });
    }
    for (const length of [3, 4, 5, 7, 17, 19, 20]) {
      const options = NONE;
      const got = read(34, length, ...bytes(length - 2), ...MSS);
      expect(got, String(length)).toEqual({ verdict: null, options: { ...options, mss: 1460 } });
    }
    expect(read(34, 6, 1, 2, 3, 4, 34, 2).options).toEqual({ ...NONE, cookie: [1, 2, 3, 4] });
    // padding stands behind, as in Linux
    expect(write({ cookie: [] })).toEqual([34, 2, 1, 1]);
    expect(write({ cookie: [1, 2, 3, 4, 5, 6] })).toEqual([34, 8, 1, 2, 3, 4, 5, 6]);
    expect(write({ cookie: bytes(8) })).toEqual([34, 10, ...bytes(8), 1, 1]);
  });

  test("END, NOP and MSS are understood, and what lies behind END is not read [MUST-4]", () => {
    expect(read(1, 1, ...MSS, 1, 0)).toEqual({ verdict: null, options: { ...NONE, mss: 1460 } });
    expect(read(0, ...MSS, 3, 0)).toEqual({ verdict: null, options: NONE });
    expect(read(1, 1, 1, 1)).toEqual({ verdict: null, options: NONE });
    expect(read()).toEqual({ verdict: null, options: NONE });
  });

  test("an option is read at any offset, aligned or not [MUST-64]", () => {
    for (let lead = 0; lead < 8; lead++) {
      const nops = Array<number>(lead).fill(1);
      const { verdict, options } = read(...nops, ...TS, 3, 3, 5, ...MSS, 4, 2);
      expect(verdict).toBeNull();
      expect(options).toMatchObject({ tsVal: 1, tsEcr: 2, windowScale: 5, mss: 1460 });
      expect(options["sackPermitted"]).toBe(true);
    }
  });

  test("an unknown option is skipped by its length, the next one is read [MUST-6]", () => {
    for (let kind = 6; kind < 256; kind++) {
      if (kind === 8 || kind === 34) continue;
      for (const length of [2, 3, 7, 36]) {
        const unknown = [kind, length, ...Array<number>(length - 2).fill(2)];
        const { verdict, options } = read(...unknown, ...MSS);
        expect(verdict, `kind ${kind} length ${length}`).toBeNull();
        expect(options).toEqual({ ...NONE, mss: 1460 });
      }
    }
  });

  test("a length of 0 or 1 ends any option's list as malformed [MUST-7]", () => {
    for (let kind = 2; kind < 256; kind++) {
      for (const length of [0, 1]) {
        expect(read(kind, length, 1, 0).verdict, `kind ${kind}`).toBe("bad-option");
        expect(read(1, 1, 1, 1, kind, length, 0, 0).verdict).toBe("bad-option");
      }
    }
  });

  test("a length past the header's end is malformed, exactly at the end is not [MUST-7]", () => {
    for (const kind of [2, 3, 4, 5, 8, 30, 253]) {
      for (const rest of [2, 3, 6, 12, 40]) {
        const bytes = Array<number>(rest).fill(0);
        bytes[0] = kind;
        bytes[1] = rest;
        expect(read(...bytes).verdict).toBeNull();
        for (const past of [rest + 1, rest + 4, 255]) {
          bytes[1] = past;
          expect(read(...bytes).verdict, `${kind} ${past}`).toBe("bad-option");
        }
      }
    }
  });

  test("a kind as the last byte, without a length, is malformed [MUST-7]", () => {
    for (const kind of [2, 3, 4, 5, 8, 253]) {
      expect(read(1, 1, 1, kind).verdict).toBe("bad-option");
    }
  });

  test("a known option of a wrong length is as if absent, those around it count", () => {
    for (const wrong of [
      [2, 3, 9],
      [2, 5, 9, 9, 9],
      [2, 2],
      [3, 2],
      [3, 4, 9, 9],
      [4, 3, 9],
      [8, 9, 9, 9, 9, 9, 9, 9, 9],
      [8, 11, 9, 9, 9, 9, 9, 9, 9, 9, 9],
      [5, 2],
      [5, 9, 0, 0, 0, 0, 0, 0, 0],
      [5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]) {
      const { verdict, options } = read(...wrong, 1, 3, 3, 4);
      expect(verdict, String(wrong)).toBeNull();
      expect(options, String(wrong)).toEqual({ ...NONE, windowScale: 4 });
    }
  });

  test("the first of a repeated option counts", () => {
    expect(read(...MSS, 2, 4, 0, 40).options["mss"]).toBe(1460);
    expect(read(3, 3, 3, 3, 3, 12).options["windowScale"]).toBe(3);
    const twice = read(...TS, 8, 10, 9, 9, 9, 9, 9, 9, 9, 9);
    expect(twice.options).toMatchObject({ tsVal: 1, tsEcr: 2 });
    const block = (n: number): number[] => [5, 10, 0, 0, 0, n, 0, 0, 0, n + 1];
    expect(read(...block(1), ...block(7)).options["blocks"]).toEqual([1, 2]);
  });

  test("a shift above 14 counts as 14 [7323-2.3-14]", () => {
    for (const shift of [0, 7, 14]) expect(read(3, 3, shift).options["windowScale"]).toBe(shift);
    for (const shift of [15, 30, 255]) expect(read(3, 3, shift).options["windowScale"]).toBe(14);
    const out = createTcpSegment();
    const over = [7, 14, 15, 255].map((shift) => {
      readTcpOptions(Uint8Array.of(3, 3, shift, 0), 0, 4, out);
      return out.windowScaleOver;
    });
    expect(over).toEqual([false, false, true, true]);
    readTcpOptions(Uint8Array.of(1, 1), 0, 2, out);
    expect(out.windowScaleOver).toBe(false);
  });

  test("five SACK blocks, which no header has room for, are none", () => {
    expect(read(5, 42, ...Array<number>(40).fill(1))).toEqual({ verdict: null, options: NONE });
  });

  test("one to four SACK blocks are read in their order [2018-3-FORM]", () => {
    for (let count = 1; count <= 4; count++) {
      const edges = Array.from({ length: 2 * count }, (_, i) => 1000 * i + 7);
      const bytes = edges.flatMap((e) => [0, 0, e >>> 8, e & 255]);
      expect(read(5, 2 + 8 * count, ...bytes).options["blocks"]).toEqual(edges);
    }
  });

  test("the usual two NOPs and timestamps give what the general way gives", () => {
    fc.assert(
      fc.property(anyI32, anyI32, (tsVal, tsEcr) => {
        const usual = write({ hasTimestamps: true, tsVal, tsEcr });
        expect(read(...usual)).toEqual(read(...usual.slice(2)));
        expect(read(...usual).options).toEqual({ ...NONE, hasTimestamps: true, tsVal, tsEcr });
      }),
    );
    // as long and nearly alike, but something else
    expect(read(1, 1, 8, 11, ...Array<number>(8).fill(0)).verdict).toBe("bad-option");
    expect(read(1, 1, 9, 10, ...Array<number>(8).fill(5)).options).toEqual(NONE);
  });

  test("nothing of the segment before is left", () => {
    const out = record({ mss: 9, windowScale: 9, sackPermitted: true, hasTimestamps: true });
    Object.assign(out, { tsVal: 9, tsEcr: 9, sackCount: 1 });
    expect(readTcpOptions(Uint8Array.of(1, 1, 1, 1), 0, 4, out)).toBeNull();
    expect(plain(out)).toEqual(NONE);
  });
});

/** Lists in which kinds and lengths are often right. */
const almostOptions = fc
  .array(
    fc.oneof(
      fc.constantFrom([0], [1], MSS, TS, [1, 1, ...TS], [4, 2], [3, 3, 7], [5, 10]),
      fc.tuple(fc.nat(255), fc.nat(12)).map(([kind, length]) => [kind, length]),
      fc.array(fc.nat(255), { maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(parts.flat().slice(0, 40)));

describe("hostile lists", () => {
  test("never throw and are never read outside [MUST-7]", () => {
    fc.assert(
      fc.property(almostOptions, fc.nat(5), (bytes, before) => {
        const g = guarded(bytes, before);
        const out = createTcpSegment();
        const verdict = readTcpOptions(g.buffer, g.offset, g.offset + g.length, out);
        expect([null, "bad-option"]).toContain(verdict);
        expect(out.windowScale).toBeLessThanOrEqual(14);
        expect(out.sackCount).toBeLessThanOrEqual(4);
      }),
      { numRuns: 1000 },
    );
  });

  test("give the same answer between any neighbours [MUST-7]", () => {
    const sides = fc.uint8Array({ minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(almostOptions, sides, sides, (bytes, before, behind) => {
        const out = createTcpSegment();
        const buf = surrounded(bytes, before, behind);
        const verdict = readTcpOptions(buf, 12, 12 + bytes.length, out);
        expect({ verdict, options: plain(out) }).toEqual(read(...bytes));
      }),
      { numRuns: 500 },
    );
  });
});
