/** What looks lost and is not: segments that overtake each other (RFC 8985 §6.2), and a timer that ran out too soon (RFC 5682). */
import { expect, test } from "vitest";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const MSS = 1000;
const RTT = 40;

/** A connection with SACK whose round trip takes 40 ms, ten segments just sent and more to send. */
function sending(): ScriptedPeer {
  const p = new ScriptedPeer().listens();
  p.sends(`S 0:0(0) win 65535 <mss ${MSS},sackOK>`).sees("S. 0:0(0) ack 1");
  p.waits(RTT).sends(". 1:1(0) ack 1 win 65535");
  p.writes(40_000);
  expect(p.pending).toBe(10);
  while (p.pending > 0) p.next();
  return p;
}

test("one segment that was overtaken has a quarter of a round trip to arrive", () => {
  const p = sending();
  p.waits(RTT).sends(". 1:1(0) ack 1 <sack 1001:2001>");
  const since = p.time;
  while (p.pending > 0) expect(p.next().segment.payloadLength).toBe(MSS);
  expect(p.endpoint.info().retransmits).toBe(0);
  p.until(since + RTT / 4 - 1);
  expect(p.endpoint.info().retransmits).toBe(0);
  p.until(since + RTT / 4 + 1);
  expect(p.endpoint.info().retransmits).toBe(1);
});

test("after a timeout that the next two ACKs show to be needless the window is what it was", () => {
  const p = sending();
  const { cwnd, ssthresh, rto } = p.endpoint.info();
  p.waits(2 * rto);
  expect(p.endpoint.info().recovery).toBe("loss");
  expect(p.endpoint.info().cwnd).toBeLessThan(cwnd);
  p.sends(". 1:1(0) ack 2001").sends(". 1:1(0) ack 4001");
  const now = p.endpoint.info();
  expect([now.recovery, now.ssthresh]).toEqual(["open", ssthresh]);
  expect(now.cwnd).toBeGreaterThanOrEqual(cwnd);
});
