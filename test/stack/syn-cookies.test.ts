/** The cookie as a number: what it depends on, how long it lives, what it carries. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { type Instant, instantOf } from "../../src/base/time.ts";
import {
  COOKIE_LIFETIME,
  optionsFromTimestamp,
  SynCookies,
  timestampWithOptions,
} from "../../src/stack/syn-cookies.ts";
import type { Ipv4Address } from "../../src/wire/address.ts";
import { seq, type SeqNum } from "../../src/wire/seq.ts";
import { createTcpSegment, CWR, ECE, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { OURS, PEER } from "../support/scripted-peer.ts";

const cookies = new SynCookies(seededRng(7));
const START = instantOf(1_000_000);

function syn(isn = 5, mss = 1460): TcpSegment {
  const s = createTcpSegment();
  s.source = PEER;
  s.destination = OURS;
  s.sourcePort = 40000;
  s.destinationPort = 80;
  s.seq = seq(isn);
  s.mss = mss;
  return s;
}

/** The segment that answers the SYN-ACK with this ISS. */
function answer(to: TcpSegment, iss: SeqNum): TcpSegment {
  const s = { ...to };
  s.seq = seq(to.seq + 1);
  s.ack = seq(iss + 1);
  s.mss = 0;
  return s;
}

function later(ms: number): Instant {
  return instantOf(START + ms);
}

const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });

describe("a SYN cookie", () => {
  test("brings back the greatest size of the table that is not above the peer's MSS [4987-A-FORM]", () => {
    const sizes = [
      [0, 536], // no option: RFC 9293 §3.7.1 (MUST-15)
      [1, 48],
      [48, 48],
      [535, 216],
      [536, 536],
      [1459, 1440],
      [1460, 1460],
      [65495, 1460],
    ];
    for (const [mss, told] of sizes) {
      const s = syn(5, mss);
      expect(cookies.check(answer(s, cookies.make(s, START)), START)).toBe(told);
    }
  });

  test("is good whatever the peer's number is, and at any moment [4987-A-FORM]", () => {
    fc.assert(
      fc.property(word, fc.nat(2 ** 40), (isn, now) => {
        const s = syn(isn);
        const at = instantOf(now);
        expect(cookies.check(answer(s, cookies.make(s, at)), at)).toBe(1460);
      }),
    );
  });

  test("lives 128 s at least and 192 s at most [4987-A-FORM]", () => {
    expect(COOKIE_LIFETIME).toBe(192_000);
    const s = syn();
    for (let phase = 0; phase < 64_000; phase += 997) {
      const a = answer(s, cookies.make(s, later(phase)));
      expect(cookies.check(a, later(phase + 128_000))).toBe(1460);
      expect(cookies.check(a, later(phase + 192_000))).toBe(0);
      // and from then on until the counter of 5 bits comes round
      expect(cookies.check(a, later(phase + 29 * 64_000))).toBe(0);
    }
  });

  test("is refused with any one bit changed [4987-A-FORM]", () => {
    const s = syn();
    const iss = cookies.make(s, START);
    for (let bit = 0; bit < 32; bit++) {
      expect(cookies.check(answer(s, seq(iss ^ (1 << bit))), START), `bit ${bit}`).toBe(0);
    }
    expect(cookies.check(answer(s, seq(iss + 1)), START)).toBe(0);
  });

  test("is refused from another address, another port and with another number of the peer [4987-A-FORM] [H051]", () => {
    const s = syn();
    const a = answer(s, cookies.make(s, START));
    const others: Partial<TcpSegment>[] = [
      { source: (PEER + 1) as Ipv4Address },
      { destination: (OURS + 1) as Ipv4Address },
      { sourcePort: 40001 },
      { destinationPort: 81 },
      { seq: seq(a.seq + 1) },
    ];
    for (const other of others) expect(cookies.check({ ...a, ...other }, START)).toBe(0);
    expect(cookies.check(a, START)).toBe(1460);
  });

  test("is refused by a stack with another secret [4987-A-FORM]", () => {
    const s = syn();
    const a = answer(s, new SynCookies(seededRng(8)).make(s, START));
    expect(cookies.check(a, START)).toBe(0);
  });

  test("is not guessed in a million tries [H051]", () => {
    const rng = seededRng(99);
    const a = answer(syn(), seq(0));
    let passed = 0;
    for (let i = 0; i < 1_000_000; i++) {
      a.seq = seq(rng.i32());
      a.ack = seq(rng.i32());
      if (cookies.check(a, START) !== 0) passed++;
    }
    expect(passed).toBe(0);
  });

  test("looks like no other: numbers of neighbours and of one client in time are far apart", () => {
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) seen.add(cookies.make(syn(i), later(i)) >>> 8);
    expect(seen.size).toBe(1000);
  });
});

describe("options in the timestamp [4987-3.6-OPTS]", () => {
  test("come back, and the clock is never ahead nor 64 ms behind", () => {
    const scale = fc.integer({ min: -1, max: 14 });
    fc.assert(
      fc.property(word, scale, fc.boolean(), fc.boolean(), (clock, windowScale, sack, ecn) => {
        const value = timestampWithOptions(clock, windowScale, sack, ecn);
        const behind = (clock - value) | 0;
        expect(behind).toBeGreaterThanOrEqual(0);
        expect(behind).toBeLessThan(64);
        const o = createTcpSegment();
        optionsFromTimestamp(value, o);
        expect([o.windowScale, o.sackPermitted]).toEqual([windowScale, sack]);
        expect(o.flags).toBe(ecn ? ECE | CWR : 0);
      }),
    );
  });
});
