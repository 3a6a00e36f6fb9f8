/** CUBIC against the formulas of RFC 9438, in segments of 1000 bytes. */
import { describe, expect, test } from "vitest";
import { instantOf } from "../../../src/base/time.ts";
import { Cubic } from "../../../src/tcp/congestion/cubic.ts";
import { MSS, options, round, sample } from "./support.ts";

/** After a loss at `segments` in flight and a window of the same size. */
function afterLoss(segments: number): Cubic {
  const cc = new Cubic(options({ cwnd: segments * MSS, ssthresh: segments * MSS }));
  cc.onLoss(segments * MSS, instantOf(0));
  return cc;
}

describe("congestion avoidance", () => {
  test("the window follows 0.4 (t - K)^3 + W_max to one segment in a hundred [9438-4.2-FUNC]", () => {
    const cc = afterLoss(1000);
    const k = Math.cbrt((1000 - 700) / 0.4);
    let now = 0;
    // one hundred round trips: below W_max, across the plateau and beyond it
    for (let i = 0; i < 100; i++) {
      now = round(cc, now, 200);
      // an epoch begins with the first ACK, and each target is that of a round trip later
      const w = 0.4 * (now / 1000 - k) ** 3 + 1000;
      expect(Math.abs(cc.cwnd / MSS - w)).toBeLessThan(0.01 * w);
    }
    expect(cc.cwnd).toBeGreaterThan(1200 * MSS);
  });

  test("a round trip adds half of the window at most, and takes nothing away [9438-4.2-TARGET]", () => {
    const cc = afterLoss(10);
    let now = round(cc, 0, 100);
    let before = cc.cwnd;
    // an hour later by the clock of the function, in one step
    now = round(cc, now + 3_600_000, 100);
    expect(cc.cwnd).toBeGreaterThan(1.3 * before);
    expect(cc.cwnd).toBeLessThanOrEqual(1.5 * before + MSS);
    for (let i = 0; i < 10; i++) {
      before = cc.cwnd;
      now = round(cc, now, 100);
      expect(cc.cwnd).toBeGreaterThanOrEqual(before);
      expect(cc.cwnd).toBeLessThanOrEqual(1.65 * before);
    }
  });

  test("time without data to send does not count [9438-4.2-APPLIM]", () => {
    const busy = afterLoss(100);
    const idle = afterLoss(100);
    let now = 0;
    for (let i = 0; i < 20; i++) {
      round(busy, now, 100);
      now = round(idle, now, 100);
    }
    expect(idle.cwnd).toBe(busy.cwnd);
    idle.onAck(sample({ now: instantOf(now), limited: false }));
    const at = idle.cwnd;
    round(idle, now + 60_000, 100);
    round(busy, now, 100);
    expect(Math.abs(idle.cwnd - busy.cwnd)).toBeLessThan(MSS / 10);
    expect(idle.cwnd - at).toBeLessThan(MSS);
  });

  test("it is never slower than Reno would be: W_est adds 0.53 segments a round trip, and one above the old window [9438-4.3-RENO]", () => {
    const cc = afterLoss(20);
    let now = 0;
    let west = 14;
    // at 5 ms the cubic function hardly moves
    for (let i = 0; i < 60; i++) {
      const before = Math.floor(cc.cwnd / MSS);
      now = round(cc, now, 5);
      west += ((west >= 20 ? 1 : 9 / 17) * before * MSS) / cc.cwnd;
      expect(Math.abs(cc.cwnd / MSS - west)).toBeLessThan(1);
    }
    expect(cc.cwnd).toBeGreaterThan(50 * MSS);
  });

  test("a window that is not used does not grow [9438-4.6-CWND]", () => {
    const cc = afterLoss(50);
    const before = cc.cwnd;
    let now = 0;
    for (let i = 0; i < 50; i++) now = round(cc, now, 100, { limited: false });
    expect(cc.cwnd).toBe(before);
    const first = new Cubic(options());
    round(first, 0, 100, { limited: false });
    expect(first.cwnd).toBe(10 * MSS);
  });
});

describe("losses", () => {
  test("a loss leaves seven tenths of the flight, two segments at least [9438-4.6-BETA]", () => {
    const cc = new Cubic(options({ cwnd: 200 * MSS, ssthresh: 200 * MSS }));
    cc.onLoss(100 * MSS, instantOf(0));
    expect(cc.ssthresh).toBe(70 * MSS);
    expect(cc.cwnd).toBe(70 * MSS);
    cc.onLoss(2 * MSS, instantOf(0));
    expect(cc.ssthresh).toBe(2 * MSS);
    // what the last ACKs took from the flight was in use: more than half of cwnd counts as all of it
    const used = new Cubic(options({ cwnd: 100 * MSS, ssthresh: 50 * MSS }));
    used.onLoss(90 * MSS, instantOf(0));
    expect(used.ssthresh).toBe(70 * MSS);
  });

  test("a loss below the last maximum lowers the maximum further [9438-4.7-FAST]", () => {
    // W_max is where growth is least: measure how long it takes to come back to a window
    const twice = afterLoss(100); // W_max 100, cwnd 70
    twice.onLoss(70 * MSS, instantOf(0)); // W_max 70 * 0.85 = 59.5, cwnd 49
    const k = Math.cbrt((59.5 - 49) / 0.4);
    // long round trips, so that Reno's growth stays below
    let now = 0;
    while (now < k * 1000) now = round(twice, now, 500);
    expect(twice.cwnd / MSS).toBeGreaterThan(58.5);
    expect(twice.cwnd / MSS).toBeLessThan(60.5);
    const once = afterLoss(70); // W_max 70, cwnd 49
    for (now = 0; now < k * 1000;) now = round(once, now, 500);
    expect(once.cwnd / MSS).toBeGreaterThan(66);
  });

  test("after a timeout the function begins anew where slow start ends, without a maximum from before [9438-4.8-RTO]", () => {
    const cc = afterLoss(100);
    cc.onTimeout(70 * MSS, true, instantOf(0));
    expect(cc.ssthresh).toBe(49 * MSS);
    expect(cc.cwnd).toBe(MSS);
    let now = 0;
    while (cc.cwnd < cc.ssthresh) now = round(cc, now, 100);
    expect(cc.cwnd - 49 * MSS).toBeLessThan(MSS); // the round went on beyond
    // K = 0: t^3 from the first moment on, and above 49 from the start; 3 s give 0.4 * 27 = 10.8
    const start = now;
    while (now < start + 3000) now = round(cc, now, 100);
    expect(cc.cwnd / MSS - 49).toBeGreaterThan(10.5);
    expect(cc.cwnd / MSS - 49).toBeLessThan(25);
  });

  test("a second timeout of the same data takes nothing more", () => {
    const cc = afterLoss(100);
    cc.onTimeout(70 * MSS, true, instantOf(0));
    cc.onTimeout(MSS, false, instantOf(1000));
    expect(cc.ssthresh).toBe(49 * MSS);
  });

  test("a mark leaves more than a loss does (RFC 8511) [8511-3-ABE]", () => {
    const cc = new Cubic(options({ cwnd: 100 * MSS, ssthresh: 100 * MSS }));
    cc.onEcn(100 * MSS, instantOf(0));
    expect(cc.cwnd).toBe(85 * MSS);
    expect(cc.ssthresh).toBe(85 * MSS);
  });

  test("a reaction taken back leaves no trace [9438-4.9-UNDO]", () => {
    const hit = afterLoss(100);
    const spared = afterLoss(100);
    let now = 0;
    for (let i = 0; i < 10; i++) {
      round(hit, now, 100);
      now = round(spared, now, 100);
    }
    hit.onLoss(hit.cwnd, instantOf(now));
    hit.undo(instantOf(now));
    expect([hit.cwnd, hit.ssthresh]).toEqual([spared.cwnd, spared.ssthresh]);
    for (let i = 0; i < 20; i++) {
      round(hit, now, 100);
      now = round(spared, now, 100);
    }
    expect(hit.cwnd).toBe(spared.cwnd);
    hit.onTimeout(hit.cwnd, true, instantOf(now));
    expect(hit.cwnd).toBe(MSS);
    hit.undo(instantOf(now));
    expect(hit.cwnd).toBe(spared.cwnd);
  });
});

describe("slow start", () => {
  test("it ends by the round-trip time before anything is lost [9438-4.10-HYSTART]", () => {
    const cc = new Cubic(options());
    let now = 0;
    let rtt = 50;
    for (let i = 0; i < 12 && cc.ssthresh === 0x7fffffff; i++) {
      now = round(cc, now, rtt);
      if (i >= 2) rtt += 20; // a queue builds
    }
    expect(cc.ssthresh).toBeLessThan(300 * MSS);
    expect(cc.cwnd - cc.ssthresh).toBeLessThan(2 * MSS);
  });

  test("after a loss slow start goes to ssthresh and no byte further", () => {
    const cc = new Cubic(options());
    cc.onTimeout(101_500, true, instantOf(0));
    let now = 0;
    for (let i = 0; i < 7; i++) now = round(cc, now, 100);
    expect(cc.ssthresh).toBe(71_050);
    expect(cc.cwnd).toBeGreaterThanOrEqual(71_050);
    expect(cc.cwnd).toBeLessThan(71_050 + 2 * MSS);
  });
});
