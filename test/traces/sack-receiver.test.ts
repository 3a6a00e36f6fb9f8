/** What the receiver says of text out of order: SACK blocks (RFC 2018), reports of duplicates (RFC 2883), one ACK each. */
import { expect, test } from "vitest";
import { below, seededRng } from "../../src/base/rng.ts";
import { seqDiff, type SeqNum } from "../../src/wire/seq.ts";
import type { TcpSegment } from "../../src/wire/tcp-segment.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

function withSack(settings = {}): ScriptedPeer {
  return new ScriptedPeer({ settings }).established("<mss 1000,sackOK>");
}

/** The blocks of a segment as pairs relative to the peer's ISN. */
function blocks(p: ScriptedPeer, s: TcpSegment): [number, number][] {
  const relative = (n: number): number => seqDiff(n as SeqNum, p.peerSeq(0));
  return Array.from({ length: s.sackCount }, (_, i) => [
    relative(s.sack[2 * i]!),
    relative(s.sack[2 * i + 1]!),
  ]);
}

test("while a hole is open every segment carries SACK, those with data too [2018-4-ALL]", () => {
  const p = withSack();
  p.sends(". 11:21(10) ack 1").sees(". 1:1(0) ack 1 <sack 11:21>");
  p.writes(5).sees("P. 1:6(5) ack 1 <sack 11:21>");
  p.sends("P. 50000:50001(1) ack 1").sees(". 6:6(0) ack 1 <sack 50000:50001 11:21>");
  p.until(200).sees("P. 1:6(5) ack 1 <sack 50000:50001 11:21>");
  p.sends(". 1:11(10) ack 6").sees(". 6:6(0) ack 21 <sack 50000:50001>");
});

test("whatever the order of arrival, the first block holds the segment that came last [2018-4-FIRST]", () => {
  const rng = seededRng(42);
  for (let round = 0; round < 20; round++) {
    const p = withSack();
    const order = Array.from({ length: 12 }, (_, i) => 101 + 10 * i);
    for (let i = order.length - 1; i > 0; i--) {
      const k = below(rng, i + 1);
      [order[i], order[k]] = [order[k]!, order[i]!];
    }
    for (const at of order) {
      p.sends(`. ${at}:${at + 10}(10) ack 1`);
      const [first] = blocks(p, p.next().segment);
      expect(first![0]).toBeLessThanOrEqual(at);
      expect(first![1]).toBeGreaterThanOrEqual(at + 10);
      p.silent();
    }
  }
});

test("of eight islands each is reported at least three times, the newest first [2018-4-REPEAT]", () => {
  const p = withSack();
  const reported = new Map<number, number>();
  for (let island = 0; island < 8; island++) {
    const at = 101 + 100 * island;
    p.sends(`. ${at}:${at + 10}(10) ack 1`);
    const seen = blocks(p, p.next().segment).map(([left]) => left);
    expect(seen).toEqual([0, 1, 2, 3].map((n) => at - 100 * n).filter((left) => left > 100));
    for (const left of seen) reported.set(left, (reported.get(left) ?? 0) + 1);
  }
  for (let island = 0; island < 6; island++) {
    expect(reported.get(101 + 100 * island)).toBeGreaterThanOrEqual(3);
  }
});

test("what there was no room for is not reported, and what is reported is held [2018-8-NEWEST]", () => {
  const p = withSack({ tcp_rmem: [4096, 4096, 4096] as const });
  let held = 0;
  let refused = 0;
  for (let at = 3; at < 300; at += 2) {
    p.sends(`. ${at}:${at + 1}(1) ack 1`);
    const seen = blocks(p, p.next().segment);
    const now = p.endpoint.info().outOfOrderBytes;
    if (now === held) {
      refused++;
      expect(seen.flat()).not.toContain(at);
    } else expect(seen[0]).toEqual([at, at + 1]);
    held = now;
  }
  expect(refused).toBeGreaterThan(0);
  expect(held).toBeGreaterThan(10);
  // every hole is filled: what was held comes without being sent again
  p.sends(". 1:2(1) ack 1");
  const top = 2 + 2 * held;
  for (let at = 2; at < top; at += 2) p.sends(`. ${at}:${at + 1}(1) ack 1`);
  expect(p.received).toHaveLength(top - 1);
});

test("old text that comes again is reported once, by its exact range [2883-4-DSACK]", () => {
  const p = withSack();
  p.sends(". 1:501(500) ack 1").waits(50).sees(". 1:1(0) ack 501 <>");
  p.sends(". 101:401(300) ack 1").sees(". 1:1(0) ack 501 <sack 101:401>");
  p.sends(". 501:601(100) ack 1").waits(50).sees(". 1:1(0) ack 601 <>");
  // the old part of a segment that brings new text as well
  p.sends(". 551:701(150) ack 1").waits(50).sees(". 1:1(0) ack 701 <sack 551:601>");
  p.sends(". 801:901(100) ack 1").sees(". 1:1(0) ack 701 <sack 801:901>").silent();
  expect(p.stack.counters.get("TcpExtTCPDSACKOldSent")).toBe(2);
});

test("a report of a duplicate comes before what is held [2883-4-DSACK]", () => {
  const p = withSack();
  p.sends(". 1:501(500) ack 1").waits(50).sees(". 1:1(0) ack 501 <>");
  p.sends(". 601:701(100) ack 1").sees(". 1:1(0) ack 501 <sack 601:701>");
  p.sends(". 1:101(100) ack 1").sees(". 1:1(0) ack 501 <sack 1:101 601:701>");
  p.sends(". 801:901(100) ack 1").sees(". 1:1(0) ack 501 <sack 801:901 601:701>");
});

test("a duplicate within what is held out of order is told with the island around it [2883-4-ABOVE]", () => {
  const p = withSack();
  p.sends(". 101:501(400) ack 1").sees(". 1:1(0) ack 1 <sack 101:501>");
  p.sends(". 201:301(100) ack 1").sees(". 1:1(0) ack 1 <sack 201:301 101:501>");
  p.sends(". 401:601(200) ack 1").sees(". 1:1(0) ack 1 <sack 401:501 101:601>");
  p.sends(". 51:151(100) ack 1").sees(". 1:1(0) ack 1 <sack 101:151 51:601>");
  expect(p.stack.counters.get("TcpExtTCPDSACKOfoSent")).toBe(3);
  // the segment that fills the hole repeats text of the island
  p.sends(". 1:101(100) ack 1").sees(". 1:1(0) ack 601 <sack 51:101>").silent();
});

test("tcp_dsack 0, or no SACK agreed: no report", () => {
  const off = withSack({ tcp_dsack: 0 });
  off.sends(". 1:501(500) ack 1").waits(50).sees(". 1:1(0) ack 501 <>");
  off.sends(". 1:501(500) ack 1").sees(". 1:1(0) ack 501 <>");
  const without = new ScriptedPeer().established();
  without.sends(". 1:501(500) ack 1").waits(50).sees(". 1:1(0) ack 501 <>");
  without.sends(". 1:501(500) ack 1").sees(". 1:1(0) ack 501 <>");
});

test("no segment draws more than one ACK, whatever it is [5681-4.2-ONE]", () => {
  const settings = { tcp_rmem: [8192, 8192, 8192] as const, tcp_challenge_ack_limit: 100_000 };
  const rng = seededRng(9);
  const p = new ScriptedPeer({ settings }).established("<mss 1000,sackOK>");
  p.reads = false;
  for (let n = 0; n < 2000; n++) {
    const at = below(rng, 12_000);
    const length = below(rng, 3) === 0 ? 0 : 1 + below(rng, 1500);
    const flags = below(rng, 8) === 0 ? "P." : ".";
    p.sends(`${flags} ${at}:${at + length}(${length}) ack ${below(rng, 3)}`);
    expect(p.pending).toBeLessThanOrEqual(1);
    while (p.pending > 0) p.next();
  }
  const q = new ScriptedPeer().established("<mss 1000>");
  for (let n = 0; n < 10; n++) q.sends(". 5001:6001(1000) ack 1");
  expect(q.pending).toBe(10);
});

test("the segment that fills a hole draws one ACK for all that was queued behind it [MUST-59]", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  for (let n = 1; n < 6; n++) {
    p.sends(`. ${1 + 1000 * n}:${1001 + 1000 * n}(1000) ack 1`).sees(". 1:1(0) ack 1");
  }
  p.sends(". 1:1001(1000) ack 1").sees(". 1:1(0) ack 6001").silent();
});
