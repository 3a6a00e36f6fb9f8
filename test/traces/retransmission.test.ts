/** The retransmission timer: RFC 6298's numbers, back-off, R1 and R2, Karn, all to the microsecond in virtual time. */
import { expect, test } from "vitest";
import { EVENT_SOFT_ERROR } from "../../src/tcp/endpoint.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** A connection whose handshake took `rtt` ms, so that SRTT = R and RTTVAR = R / 2. */
function withRtt(rtt: number, settings = {}, options = "<mss 1460>"): ScriptedPeer {
  const p = new ScriptedPeer({ settings }).listens();
  p.sends(`S 0:0(0) win 65535 ${options}`).sees("S. 0:0(0) ack 1");
  p.waits(rtt).sends(". 1:1(0) ack 1").silent();
  return p;
}

test("the first sample R gives SRTT = R, RTTVAR = R / 2 and an RTO of R + 4 RTTVAR [6298-2.2]", () => {
  const p = withRtt(100);
  const { srtt, rttvar, rto } = p.endpoint.info();
  expect([srtt, rttvar, rto]).toEqual([100, 50, 300]);
  p.writes(10).sees("P. 1:11(10) ack 1", 100);
  p.until(399.999).silent();
  p.until(400).sees("P. 1:11(10) ack 1", 400);
});

test("a later sample moves RTTVAR by a quarter with the old SRTT, then SRTT by an eighth [6298-2.3]", () => {
  const p = withRtt(100, { tcp_rto_min_ms: 1 });
  p.writes(10).sees("P. 1:11(10) ack 1").waits(60).sends(". 1:1(0) ack 11");
  const { srtt, rttvar, rto } = p.endpoint.info();
  expect(rttvar).toBeCloseTo(0.75 * 50 + 0.25 * 40, 6);
  expect(srtt).toBeCloseTo(0.875 * 100 + 0.125 * 60, 6);
  expect(rto).toBeCloseTo(srtt + 4 * rttvar, 6);
});

test("the RTO is at least tcp_rto_min_ms above the round trip [6298-2.4]", () => {
  const p = withRtt(60);
  expect(p.endpoint.info().rto).toBe(260);
  const q = withRtt(1, { tcp_rto_min_ms: 1000 });
  expect(q.endpoint.info().rto).toBe(1001);
});

test("each expiry doubles the RTO up to tcp_rto_max_ms; after tcp_retries2 it is over, far above 100 s [MUST-20, 6298-5.5, SHLD-11, 6298-2.5]", () => {
  const p = withRtt(100);
  p.writes(10).sees("P. 1:11(10) ack 1", 100);
  let at = 100;
  let rto = 300;
  for (let n = 0; n < 15; n++) {
    at += rto;
    p.until(at - 0.001).silent();
    p.until(at).sees("P. 1:11(10) ack 1", at);
    rto = Math.min(2 * rto, 120_000);
  }
  p.until(at + rto - 0.001).silent();
  expect(p.state).toBe("ESTABLISHED");
  p.until(at + rto).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  expect(p.stack.connections()).toHaveLength(0);
  expect(at + rto).toBeGreaterThan(100_000);
});

test("tcp_retries2 is R2: with 3 the fourth expiry ends it [MUST-20]", () => {
  const p = withRtt(100, { tcp_retries2: 3 });
  p.writes(10).sees("P. 1:11(10) ack 1");
  for (const at of [400, 1000, 2200]) p.until(at).sees("P. 1:11(10) ack 1", at);
  p.until(4599).silent();
  expect(p.state).toBe("ESTABLISHED");
  p.until(4600).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("at R1, the third retransmission, the user hears of a soft error and the connection goes on [SHLD-10]", () => {
  const p = withRtt(100);
  p.writes(10).sees("P. 1:11(10) ack 1");
  p.until(1100);
  expect(p.endpoint.softError).toBe(null);
  p.until(2300);
  expect(p.endpoint.softError?.code).toBe("ETIMEDOUT");
  expect(p.events & EVENT_SOFT_ERROR).toBe(EVENT_SOFT_ERROR);
  expect(p.state).toBe("ESTABLISHED");
});

test("a user timeout is the connection's own R2, up to never, and its neighbour's stays [MUST-21] [9293-3.10.8-USER]", () => {
  const p = withRtt(100);
  p.endpoint.setUserTimeout(5000);
  p.writes(10);
  p.until(5099);
  expect(p.state).toBe("ESTABLISHED");
  p.until(5100);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");

  const never = withRtt(100, { tcp_retries2: 1 });
  never.endpoint.setUserTimeout(86_400_000);
  never.writes(10).until(80_000_000);
  expect(never.state).toBe("ESTABLISHED");
});

test("no sample is taken from what was sent twice; a new one takes the back-off away [MUST-18] [6298-5.5-RESET]", () => {
  const p = withRtt(100);
  p.writes(10).sees("P. 1:11(10) ack 1", 100);
  p.until(400).sees("P. 1:11(10) ack 1").until(1000).sees("P. 1:11(10) ack 1");
  p.until(1050).sends(". 1:1(0) ack 11");
  expect(p.endpoint.info().srtt).toBe(100);
  p.writes(10, 10).sees("P. 11:21(10) ack 1", 1050);
  p.until(1100).sends(". 1:1(0) ack 21");
  expect(p.endpoint.info().srtt).toBeCloseTo(93.75, 6);
});

test("with timestamps the echo gives a sample even of what was sent twice [MUST-18] [7323-4.1-RTTM]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,TS val 1 ecr 0>");
  const first = p.next().segment;
  const base = first.tsVal;
  p.waits(100).sends(`. 1:1(0) ack 1 <TS val 2 ecr ${base >>> 0}>`);
  p.writes(10);
  p.next();
  p.until(400);
  const again = p.next().segment;
  expect((again.tsVal - base) | 0).toBe(400);
  p.until(440).sends(`. 1:1(0) ack 11 <TS val 3 ecr ${again.tsVal >>> 0}>`);
  expect(p.endpoint.info().srtt).toBeCloseTo(0.875 * 100 + 0.125 * 40, 6);
});

test("the timer runs from the last ACK of new data, and not when nothing is outstanding [6298-5.1]", () => {
  const p = withRtt(100);
  p.writes(10).sees("P. 1:11(10) ack 1", 100);
  p.endpoint.setNoDelay(true);
  p.until(150).writes(10, 10).sees("P. 11:21(10) ack 1", 150);
  p.until(200).sends(". 1:1(0) ack 11");
  const { rto } = p.endpoint.info();
  p.until(200 + rto - 0.01).silent();
  p.until(200 + rto).sees("P. 11:21(10) ack 1");
  p.sends(". 1:1(0) ack 21");
  p.waits(1_000_000).silent();
});

test("on expiry the earliest unacknowledged segment alone goes again [6298-5.4]", () => {
  const p = withRtt(100, {}, "<mss 1000>");
  p.writes(3000);
  p.sees(". 1:1001(1000) ack 1").sees(". 1001:2001(1000) ack 1").sees("P. 2001:3001(1000) ack 1");
  p.until(400).sees(". 1:1001(1000) ack 1", 400).silent();
  p.until(450).sends(". 1:1(0) ack 3001").silent();
});

test("a host that slept finds its timers overdue and acts once on each, not once for every one missed", () => {
  const p = withRtt(100);
  p.writes(10).sees("P. 1:11(10) ack 1", 100);
  p.stack.poll((p.time + 3_600_000) as never); // an hour in one step
  p.settle();
  p.sees("P. 1:11(10) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
});
