/** Samples of the delivery rate: the longer of the two intervals counts, and what says nothing of the path is marked. */
import { expect, test } from "vitest";
import { type Instant, instantOf } from "../../src/base/time.ts";
import type { AckSample } from "../../src/tcp/congestion/controller.ts";
import { DeliveryRate } from "../../src/tcp/delivery-rate.ts";
import { seq, type SeqNum } from "../../src/wire/seq.ts";
import { sample } from "./congestion/support.ts";

const at = instantOf;

/** An ACK delivers `bytes`, up to `newest`, and `lost` are found lost. */
function acknowledged(
  rate: DeliveryRate,
  s: AckSample,
  delivered: number,
  lost: number,
  newest: SeqNum,
  minRtt: number,
  now: Instant,
): void {
  rate.acknowledged(Object.assign(s, { delivered, lost, minRtt, now }), newest);
}

test("a steady flow is measured at its rate, over a round trip", () => {
  const rate = new DeliveryRate(at(0));
  const s = sample();
  // 1000 bytes each ms, acknowledged 20 ms later
  for (let t = 0; t < 100; t++) {
    rate.sent(20_000, seq(1000 * (t + 1)), t === 0, at(t));
    if (t >= 20) acknowledged(rate, s, 1000, 0, seq(1000 * (t - 19)), 20, at(t));
    if (t > 45) expect(s.deliveryRate).toBeCloseTo(1000, 0);
  }
  expect(s.totalDelivered).toBe(80_000);
  expect(s.priorDelivered).toBe(60_000 - 1000);
});

test("ACKs held together do not make the path faster: the time that sending took counts", () => {
  const rate = new DeliveryRate(at(0));
  const s = sample();
  for (let t = 0; t < 10; t++) rate.sent(1000 * (t + 1), seq(1000 * (t + 1)), t === 0, at(10 * t));
  acknowledged(rate, s, 1000, 0, seq(1000), 0, at(100));
  acknowledged(rate, s, 9000, 0, seq(10_000), 0, at(100.001));
  // 10,000 bytes over the 100 ms that they took to leave and arrive, and not 9000 in a microsecond
  expect(s.deliveryRate).toBeLessThan(110);
  expect(s.deliveryRate).toBeGreaterThan(90);
});

test("less time than any round trip took gives no sample", () => {
  const rate = new DeliveryRate(at(0));
  const s = sample();
  rate.sent(1000, seq(1000), true, at(0));
  acknowledged(rate, s, 1000, 0, seq(1000), 40, at(20));
  expect(s.deliveryRate).toBe(0);
});

test("what left while there was little to send is marked, until that was delivered", () => {
  const rate = new DeliveryRate(at(0));
  const s = sample();
  rate.sent(1000, seq(1000), true, at(0));
  rate.appLimited(1000);
  rate.sent(2000, seq(2000), false, at(1));
  acknowledged(rate, s, 1000, 0, seq(1000), 0, at(10));
  expect(s.appLimited).toBe(false);
  acknowledged(rate, s, 1000, 0, seq(2000), 0, at(11));
  expect(s.appLimited).toBe(true);
  rate.sent(1000, seq(3000), true, at(20));
  acknowledged(rate, s, 1000, 0, seq(3000), 0, at(30));
  expect(s.appLimited).toBe(false);
});

test("losses since something left are told with it, and the window of moments has a bound", () => {
  const rate = new DeliveryRate(at(0));
  const s = sample();
  for (let t = 0; t < 10_000; t++) rate.sent(5000, seq(10 * (t + 1)), t === 0, at(t));
  acknowledged(rate, s, 10, 700, seq(100_000), 0, at(10_000));
  expect([s.priorInFlight, s.lostSince]).toEqual([5000, 700]);
  // the first moments are forgotten: the oldest that is known stands for them
  acknowledged(rate, s, 10, 0, seq(10), 0, at(10_001));
  expect(s.priorDelivered).toBe(0);
});
