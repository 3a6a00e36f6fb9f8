/** Round-trip samples and what they make of the RTO (RFC 6298 §2 to §5, RFC 7323 §4, RFC 8961 §4). */
import { expect, test } from "vitest";
import type { TcpConnection } from "../../src/tcp/connection.ts";
import { LongPath } from "../support/long-path.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** A connection whose handshake took `rtt` ms. */
function withRtt(rtt: number, settings = {}, options = "<mss 1000>"): ScriptedPeer {
  const p = new ScriptedPeer({ settings: { tcp_synack_retries: 127, ...settings } }).listens();
  p.sends(`S 0:0(0) win 65535 ${options}`).sees("S. 0:0(0) ack 1");
  p.waits(rtt).sends(". 1:1(0) ack 1").silent();
  return p;
}

/** One segment, acknowledged after `rtt` ms. */
function sample(p: ScriptedPeer, rtt: number): void {
  p.writes(100);
  const { segment } = p.next();
  const end = ((segment.seq - p.ourSeq(0)) | 0) + 100;
  p.waits(rtt).sends(`. 1:1(0) ack ${end}`).silent();
}

test("R = 800 ms gives SRTT 800, RTTVAR 400 and RTO 2400; then 1600 gives 900, 500 and 2900 [6298-2.2, 6298-2.3]", () => {
  const p = withRtt(800);
  const first = p.endpoint.info();
  expect([first.srtt, first.rttvar, first.rto]).toEqual([800, 400, 2400]);
  sample(p, 1600);
  const second = p.endpoint.info();
  expect([second.srtt, second.rttvar, second.rto]).toEqual([900, 500, 2900]);
});

test("ten samples match the closed form with alpha 1/8, beta 1/4 and K = 4 [6298-2.3-GAINS]", () => {
  const p = withRtt(500);
  let [srtt, rttvar] = [500, 250];
  for (const r of [400, 520, 610, 300, 505, 505, 800, 90, 410, 450]) {
    sample(p, r);
    rttvar = 0.75 * rttvar + 0.25 * Math.abs(srtt - r);
    srtt = 0.875 * srtt + 0.125 * r;
    const info = p.endpoint.info();
    expect(info.srtt).toBeCloseTo(srtt, 6);
    expect(info.rttvar).toBeCloseTo(rttvar, 6);
    expect(info.rto).toBeCloseTo(srtt + 4 * rttvar, 6);
  }
});

test("with a constant RTT the clock's granularity of 1 ms takes the place of the variation [6298-4]", () => {
  const p = withRtt(900, { tcp_rto_min_ms: 1 });
  for (let n = 0; n < 60; n++) sample(p, 900);
  expect(p.endpoint.info().rttvar).toBeLessThan(0.01);
  expect(p.endpoint.info().rto).toBeCloseTo(901, 3);
  p.writes(100);
  p.next();
  p.waits(900.9).silent().waits(0.2);
  expect(p.next().remark).toBe("retransmission: timeout");
});

test.each([0, 1])(
  "each round trip gives a sample, with timestamps %i [6298-3-RATE]",
  (tcp_timestamps) => {
    const path = new LongPath(50, { tcp_timestamps, tcp_wmem: [4096, 262_144, 262_144] });
    path.runs(1000);
    const { rtt } = path.a as TcpConnection;
    const before = rtt.samples;
    path.runs(3000);
    expect(rtt.samples - before).toBeGreaterThanOrEqual(29);
  },
);

test.each([true, false])(
  "no segment goes again by timer sooner than one RTO after it left last, SACK %s [6298-5-EARLY]",
  (sack) => {
    const p = withRtt(100, {}, sack ? "<mss 1000,sackOK>" : "<mss 1000>");
    p.writes(20_000);
    let copies = 0;
    const lastLeft = new Map<number, number>();
    const look = (rto: number): void => {
      while (p.pending > 0) {
        const { segment, at, remark } = p.next();
        const from = (segment.seq - p.ourSeq(0)) | 0;
        const before = lastLeft.get(from);
        if (remark === "retransmission: timeout" && before !== undefined) {
          copies++;
          expect(at - before).toBeGreaterThanOrEqual(rto - 0.001);
        }
        lastLeft.set(from, at);
      }
    };
    look(0);
    // three duplicates late in the RTO of 300 ms send the first one again; the timer waits a full RTO more
    p.waits(280);
    for (let n = 1; n <= 3; n++) {
      p.sends(`. 1:1(0) ack 1${sack ? ` <sack 1001:${1001 + 1000 * n}>` : ""}`);
    }
    look(300);
    const { recovery, retransmits } = p.endpoint.info();
    expect([recovery, retransmits]).toEqual(["recovery", 1]);
    for (let n = 0; n < 2000; n++) {
      const { rto } = p.endpoint.info();
      p.waits(1);
      look(rto);
    }
    expect(copies).toBeGreaterThan(1);
  },
);

test("duplicate ACKs, and data from a peer to which nothing is under way, give no sample [7323-4.1-RTTM]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,TS val 1 ecr 0>");
  const base = p.next().segment.tsVal >>> 0;
  p.waits(100).sends(`. 1:1(0) ack 1 <TS val 2 ecr ${base}>`);
  const samples = (): number => (p.endpoint as TcpConnection).rtt.samples;
  expect(samples()).toBe(1);
  p.waits(5000).sends(`P. 1:11(10) ack 1 <TS val 3 ecr ${base}>`);
  p.writes(3000);
  for (let n = 0; n < 3; n++) p.waits(10).sends(`. 11:11(0) ack 1 <TS val 4 ecr ${base}>`);
  expect(samples()).toBe(1);
  expect(p.endpoint.info().srtt).toBe(100);
});

test("fifty ACKs a round trip remember the past as long as one does [7323-4.2-WEIGHT]", () => {
  const after = (acks: number): number[] => {
    const p = new ScriptedPeer({ settings: { tcp_initial_cwnd: 100 } }).listens();
    p.sends("S 0:0(0) win 65535 <mss 1000,TS val 1 ecr 0>");
    const first = p.next().segment.tsVal >>> 0;
    p.waits(100).sends(`. 1:1(0) ack 1 <TS val 2 ecr ${first}>`);
    p.endpoint.setNoDelay(true);
    let una = 1;
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < 50; n++) p.writes(100);
      const tsVal = p.next().segment.tsVal >>> 0;
      while (p.pending > 0) p.next();
      p.waits(round % 2 === 0 ? 100 : 140);
      for (let n = 1; n <= acks; n++) {
        p.sends(`. 1:1(0) ack ${una + (n * 5000) / acks} <TS val ${3 + round} ecr ${tsVal}>`);
      }
      una += 5000;
    }
    const { srtt, rttvar } = p.endpoint.info();
    return [srtt, rttvar];
  };
  const [one, fifty] = [after(1), after(50)];
  expect(fifty[0]! / one[0]!).toBeCloseTo(1, 1);
  expect(fifty[1]! / one[1]!).toBeCloseTo(1, 1);
});

test("the back-off lasts until a sample is taken, and what was sent twice gives none [6298-5.5-RESET, 8961-4-BACKOFF, MUST-18]", () => {
  const p = withRtt(100, { tcp_rto_min_ms: 1 });
  p.writes(10).sees("P. 1:11(10) ack 1", 100);
  p.until(400).sees("P. 1:11(10) ack 1").until(1000).sees("P. 1:11(10) ack 1");
  expect(p.endpoint.info().rto).toBe(1200);
  p.until(1050).sends(". 1:1(0) ack 11");
  expect(p.endpoint.info().srtt).toBe(100);
  expect(p.endpoint.info().rto).toBe(1200);
  sample(p, 60);
  const { srtt, rttvar, rto } = p.endpoint.info();
  expect(srtt).toBeCloseTo(95, 6);
  expect(rto).toBeCloseTo(srtt + 4 * rttvar, 6);
});

test("one dead path: no ambiguous sample, a window of one segment, and a cap of 60 s at the least [8961-4-SAMPLE, 6298-2.5]", () => {
  const p = withRtt(100);
  p.writes(8000);
  while (p.pending > 0) p.next();
  let last = 100;
  let gap = 300;
  for (let n = 0; n < 14; n++) {
    p.until(last + gap);
    const { at } = p.next();
    expect(at - last).toBeGreaterThanOrEqual(Math.min(gap, 60_000));
    p.silent();
    expect(p.endpoint.info().cwnd).toBe(1000);
    expect(p.endpoint.info().ssthresh).toBe(4000);
    last = at;
    gap = Math.min(2 * gap, 120_000);
  }
  expect(gap).toBe(120_000);
  p.waits(70).sends(". 1:1(0) ack 1001");
  expect(p.endpoint.info().srtt).toBe(100);
});

test("tcp_retries1 says when the user hears that nothing is answered", () => {
  const p = withRtt(100, { tcp_retries1: 5 });
  p.writes(10).until(100 + 300 * 31 - 1);
  expect(p.endpoint.softError).toBe(null);
  p.waits(1);
  expect(p.endpoint.softError?.code).toBe("ETIMEDOUT");
  expect(p.state).toBe("ESTABLISHED");
});
