/** Loss recovery and congestion window: initial window, slow start, fast retransmit with and without SACK. */
import { expect, test } from "vitest";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const MSS = 1000;

/** Takes `n` full segments that begin at `from`. */
function burst(p: ScriptedPeer, from: number, n: number): void {
  for (let i = 0; i < n; i++) {
    const at = from + i * MSS;
    expect(p.describe(p.next().segment, ". 0:0(0) ack 0").replace("P.", ".")).toBe(
      `. ${at}:${at + MSS}(${MSS}) ack 1`,
    );
  }
}

test("ten segments leave at first, and slow start adds one for each acknowledged [6928-2-IW]", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS}>`);
  p.writes(60_000);
  burst(p, 1, 10);
  p.silent();
  p.sends(". 1:1(0) ack 2001");
  burst(p, 10_001, 4);
  p.silent();
});

test("without an MSS option no segment has more than 536 bytes [MUST-15]", () => {
  const p = new ScriptedPeer().established("<>");
  p.writes(5000);
  while (p.pending > 0) expect(p.next().segment.payloadLength).toBeLessThanOrEqual(536);
});

test("the third duplicate ACK sends the lost segment at once, the first two let one new segment go each", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS}>`);
  p.writes(60_000);
  burst(p, 1, 10);
  p.sends(". 1:1(0) ack 1001");
  burst(p, 10_001, 2);
  p.sends(". 1:1(0) ack 1001");
  burst(p, 12_001, 1);
  p.sends(". 1:1(0) ack 1001");
  burst(p, 13_001, 1);
  p.sends(". 1:1(0) ack 1001");
  const again = p.next();
  expect(p.describe(again.segment, ". 0:0(0) ack 0")).toBe(". 1001:2001(1000) ack 1");
  expect(again.remark).toBe("retransmission: fast");
  p.silent();
  const { ssthresh, cwnd } = p.endpoint.info();
  // half of the 13 segments in flight, less the limited-transmit ones or not
  expect(ssthresh).toBeGreaterThanOrEqual(5 * MSS);
  expect(ssthresh).toBeLessThanOrEqual(6500);
  p.sends(". 1:1(0) ack 14001");
  expect(p.endpoint.info().recovery).toBe("open");
  expect(p.endpoint.info().cwnd).toBeLessThanOrEqual(cwnd + MSS);
});

test("a partial ACK sends the next hole without waiting for a timer (NewReno) [6582-3.2-PARTIAL]", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS}>`);
  p.writes(60_000);
  burst(p, 1, 10);
  for (let i = 0; i < 3; i++) p.sends(". 1:1(0) ack 1");
  const seen: string[] = [];
  while (p.pending > 0) seen.push(p.describe(p.next().segment, ". 0:0(0) ack 0"));
  expect(seen.at(-1)).toBe(". 1:1001(1000) ack 1");
  p.sends(". 1:1(0) ack 4001");
  p.sees(". 4001:5001(1000) ack 1");
  expect(p.endpoint.info().recovery).toBe("recovery");
});

test("with SACK only what is missing goes again, each hole once", () => {
  const p = new ScriptedPeer({ settings: { tcp_recovery: 0 } }).established(`<mss ${MSS},sackOK>`);
  p.writes(10_000);
  burst(p, 1, 10);
  p.sends(". 1:1(0) ack 1 <sack 1001:2001>").silent();
  p.sends(". 1:1(0) ack 1 <sack 1001:2001 3001:4001>").silent();
  p.sends(". 1:1(0) ack 1 <sack 1001:2001 3001:5001>");
  p.sees(". 1:1001(1000) ack 1").silent();
  p.sends(". 1:1(0) ack 1 <sack 3001:7001 1001:2001>").sees(". 2001:3001(1000) ack 1").silent();
  p.sends(". 1:1(0) ack 2001 <sack 3001:10001>").silent();
  p.sends(". 1:1(0) ack 10001").silent();
  expect(p.endpoint.info().retransmits).toBe(2);
  expect(p.endpoint.info().recovery).toBe("open");
});

test("a SACK block that lies is ignored, and the rest of the ACK counts", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS},sackOK>`);
  p.writes(5000);
  burst(p, 1, 5);
  p.sends(". 1:1(0) ack 1 <sack 90001:91001>").silent();
  p.sends(". 1:1(0) ack 1 <sack 3001:2001>").silent();
  p.sends(". 1:1(0) ack 1001 <sack 1:500000>").silent();
  expect(p.endpoint.info().bytesAcked).toBe(1000);
  p.sends(". 1:1(0) ack 5001").silent();
});

test("a timeout leaves one segment of window, and slow start repairs", () => {
  const p = new ScriptedPeer({ settings: { tcp_frto: 0 } }).established(`<mss ${MSS}>`);
  p.writes(20_000);
  burst(p, 1, 10);
  p.waits(200).sees(". 1:1001(1000) ack 1", 200).silent();
  expect(p.endpoint.info().cwnd).toBe(MSS);
  expect(p.endpoint.info().ssthresh).toBe(5 * MSS);
  p.sends(". 1:1(0) ack 1001")
    .sees(". 1001:2001(1000) ack 1")
    .sees(". 2001:3001(1000) ack 1")
    .silent();
});

test("after an idle RTO the window starts from the initial one again", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS}>`);
  p.writes(30_000);
  for (let at = 2001; at <= 30_001; at += 2000) {
    p.sends(`. 1:1(0) ack ${at}`);
  }
  p.sends(". 1:1(0) ack 30001");
  while (p.pending > 0) p.next();
  expect(p.endpoint.info().cwnd).toBeGreaterThan(10 * MSS);
  p.waits(5000).writes(60_000, 30_000);
  burst(p, 30_001, 10);
  p.silent();
});

test("with tcp_slow_start_after_idle 0 the window stays as it was over a pause", () => {
  const settings = { tcp_slow_start_after_idle: 0 };
  const p = new ScriptedPeer({ settings }).established(`<mss ${MSS}>`);
  p.writes(30_000);
  for (let at = 2001; at <= 30_001; at += 2000) p.sends(`. 1:1(0) ack ${at}`);
  p.sends(". 1:1(0) ack 30001");
  while (p.pending > 0) p.next();
  const { cwnd } = p.endpoint.info();
  expect(cwnd).toBeGreaterThan(15 * MSS);
  p.waits(5000).writes(60_000, 30_000);
  burst(p, 30_001, Math.floor(cwnd / MSS));
  p.silent();
});

test("half of the FlightSize is kept, without what limited transmit sent, once for each loss event [5681-3.2-HALVE]", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS}>`);
  p.writes(60_000);
  burst(p, 1, 10);
  for (let n = 0; n < 8; n++) p.sends(". 1:1(0) ack 1");
  while (p.pending > 0) p.next();
  expect(p.endpoint.info().ssthresh).toBe(5 * MSS);
  // partial ACKs and further duplicates belong to the same event
  p.sends(". 1:1(0) ack 3001");
  for (let n = 0; n < 5; n++) p.sends(". 1:1(0) ack 3001");
  expect(p.endpoint.info().ssthresh).toBe(5 * MSS);
});

test("a timeout halves the FlightSize once, however often it repeats [5681-3.1-TIMEOUT, 5681-3.1-TIMEOUT2]", () => {
  const p = new ScriptedPeer().established(`<mss ${MSS}>`);
  p.writes(8000);
  burst(p, 1, 8);
  p.waits(200 + 400 + 800);
  expect(p.pending).toBe(3);
  expect(p.endpoint.info().ssthresh).toBe(4 * MSS);
  expect(p.endpoint.info().cwnd).toBe(MSS);
});
