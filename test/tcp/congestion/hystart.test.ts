/** HyStart++ (RFC 9406), alone and under CUBIC, which uses it. */
import { describe, expect, test } from "vitest";
import { Cubic } from "../../../src/tcp/congestion/cubic.ts";
import { HyStart } from "../../../src/tcp/congestion/hystart.ts";
import { Reno } from "../../../src/tcp/congestion/reno.ts";
import { MSS, options, round, sample } from "./support.ts";

/** One round of `n` ACKs with these round-trip times (the last one repeats); returns the bytes of growth. */
function acks(h: HyStart, n: number, ...rtts: number[]): number {
  let grown = 0;
  for (let i = 0; i < n; i++) {
    const rtt = rtts[Math.min(i, rtts.length - 1)]!;
    grown += h.onAck(sample({ rtt, roundStart: i === 0 }), MSS);
  }
  return grown;
}

describe("the end of slow start [9406-4.2-EXIT]", () => {
  test.each([
    // last minimum, rise that is enough (an eighth within 4 and 16 ms)
    [8, 4],
    [40, 5],
    [80, 10],
    [400, 16],
  ])("after a round of %d ms it takes %d ms more", (last, rise) => {
    const below = new HyStart();
    acks(below, 10, last);
    acks(below, 10, last + rise - 0.1);
    expect(below.conservative).toBe(false);
    const enough = new HyStart();
    acks(enough, 10, last);
    acks(enough, 10, last + rise);
    expect(enough.conservative).toBe(true);
  });

  test("seven samples are too few, the eighth decides, and their least counts", () => {
    const h = new HyStart();
    acks(h, 10, 50);
    acks(h, 7, 90);
    expect(h.conservative).toBe(false);
    h.onAck(sample({ rtt: 90 }), MSS);
    expect(h.conservative).toBe(true);
    const other = new HyStart();
    acks(other, 10, 50);
    acks(other, 20, 90, 90, 50, 90);
    expect(other.conservative).toBe(false);
  });

  test("conservative slow start grows at a quarter, for five rounds with the one in which it began", () => {
    const h = new HyStart();
    acks(h, 10, 50);
    acks(h, 10, 90);
    const grown: number[] = [];
    for (let i = 2; i <= 5; i++) {
      expect(h.ended).toBe(false);
      grown.push(acks(h, 10, 90));
    }
    expect(grown).toEqual([2500, 2500, 2500, 2500]);
    h.onAck(sample({ rtt: 90, roundStart: true }), MSS);
    expect(h.ended).toBe(true);
  });
});

describe("going on [9406-4.2-RESUME]", () => {
  test("a fall below what led to it takes slow start up again", () => {
    const h = new HyStart();
    acks(h, 10, 50);
    acks(h, 10, 90);
    acks(h, 7, 89);
    expect(h.conservative).toBe(true);
    h.onAck(sample({ rtt: 89 }), MSS);
    expect(h.conservative).toBe(false);
    for (let i = 0; i < 10; i++) acks(h, 10, 89);
    expect(h.ended).toBe(false);
    expect(acks(h, 10, 89)).toBe(10 * MSS);
  });

  test("an ACK adds eight segments at most", () => {
    const h = new HyStart();
    expect(h.onAck(sample({ acked: 50 * MSS }), MSS)).toBe(8 * MSS);
  });

  test("it is for the first slow start only", () => {
    const cc = new Cubic(options());
    cc.onTimeout(1_000_000, true, sample().now);
    let now = round(cc, 0, 50);
    for (let i = 0; i < 8; i++) now = round(cc, now, 50 + 30 * i);
    expect(cc.cwnd).toBeGreaterThan(200 * MSS);
  });
});

test("CUBIC ends its slow start by it, NewReno goes on until a loss [9438-4.10-HYSTART]", () => {
  const plain = new Reno(options());
  const gentle = new Cubic(options());
  for (const cc of [plain, gentle]) {
    let now = 0;
    for (let i = 0; i < 10; i++) now = round(cc, now, 50 + 20 * i);
  }
  expect(plain.ssthresh).toBe(0x7fffffff);
  expect(gentle.ssthresh).toBeLessThan(100 * MSS);
  expect(gentle.cwnd).toBeLessThan(plain.cwnd / 4);
});
