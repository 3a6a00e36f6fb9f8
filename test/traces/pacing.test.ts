/** Data that a controller's rate spreads over time, where the rate is wrong or the controller changes. */
import { expect, test } from "vitest";
import { Pace } from "../../src/tcp/output/pacing.ts";
import type { TcpConnection } from "../../src/tcp/connection.ts";
import { instantOf } from "../../src/base/time.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** ESTABLISHED, with a controller whose rate is `rate` bytes/ms. */
function paced(rate: number): ScriptedPeer {
  const p = new ScriptedPeer().established("<mss 1000>");
  const c = p.endpoint as TcpConnection;
  Object.defineProperty(c.cc!, "pacingRate", { value: rate, configurable: true });
  c.pace = new Pace(instantOf(p.time), 0);
  return p;
}

test("however low a rate was measured, a segment leaves within each retransmission timeout", () => {
  const p = paced(1e-9); // a segment in 30,000 years
  p.writes(5000);
  expect(p.pending).toBe(1);
  // what is acknowledged needs no timeout of its own to go on
  p.sends(". 1:1(0) ack 1001").waits(1000);
  expect(p.pending).toBeGreaterThan(1);
  p.next();
  expect(p.next().at).toBeLessThanOrEqual(1000);
});

test("a rate that is right is kept to", () => {
  const p = paced(10); // 1000 bytes in 100 ms
  p.writes(5000);
  const times: number[] = [];
  p.waits(600);
  while (p.pending > 0) times.push(p.next().at);
  expect(times.slice(0, 3)).toEqual([0, 100, 200]);
});

test("with another controller what was held back leaves at once", () => {
  const p = paced(0.1);
  p.writes(5000);
  expect(p.pending).toBe(1);
  p.endpoint.setCongestionControl("cubic");
  p.settle();
  expect(p.pending).toBe(5);
});
