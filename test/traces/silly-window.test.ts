/** Silly windows avoided on both sides, Nagle, PSH, and how writes become segments (RFC 9293 §3.7.4, §3.8.6.2, §3.9.1.2). */
import { expect, test } from "vitest";
import { ScriptedPeer } from "../support/scripted-peer.ts";

test("a byte written on a quiet connection leaves at once [MUST-60]", () => {
  const p = new ScriptedPeer().established();
  p.waits(1234).writes(1).sees("P. 1:2(1) ack 1", 1234).silent();
});

test("pushed writes that waited leave as one segment, as large as can be [SHLD-27]", () => {
  const p = new ScriptedPeer().established("<mss 1200>");
  p.writes(10).sees("P. 1:11(10) ack 1");
  p.writes(400, 10).writes(400, 410).silent();
  p.writes(400, 810).sees("P. 11:1211(1200) ack 1").silent();
  p.writes(400, 1210).writes(300, 1610).silent();
  p.sends(". 1:1(0) ack 1211").sees("P. 1211:1911(700) ack 1").silent();
});

test("writes of one turn leave as one segment [MAY-16]", () => {
  const p = new ScriptedPeer().established("<mss 1200>");
  for (let n = 0; n < 3; n++) p.endpoint.sendCopy(new Uint8Array(100));
  p.settle().sees("P. 1:301(300) ack 1").silent();
});

test("a window that opens by ten bytes at a time draws no crumbs [MUST-38]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 4000);
  p.writes(4000);
  while (p.pending > 0) p.next();
  p.writes(4000).sends(". 1:1(0) ack 4001 win 0").silent();
  for (let window = 10; window < 1000; window += 10) {
    p.sends(`. 1:1(0) ack 4001 win ${window}`).silent();
  }
  p.sends(". 1:1(0) ack 4001 win 1000").sees(". 4001:5001(1000) ack 1").silent();
});

test("data leaves when a full segment fits [9293-3.8.6.2.1-RULES, SHLD-28]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 10_000);
  p.writes(10).sees("P. 1:11(10) ack 1");
  p.writes(1500, 10).sees(". 11:1011(1000) ack 1").silent();
});

test("data leaves when all that is queued fits and nothing is unacknowledged [9293-3.8.6.2.1-RULES]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 10_000);
  p.writes(10).sees("P. 1:11(10) ack 1").writes(10, 10).silent();
  p.sends(". 1:1(0) ack 11 win 10").sees("P. 11:21(10) ack 1");
});

test("data leaves when half of the largest window seen fits, under Nagle with nothing unacknowledged [9293-3.8.6.2.1-RULES]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 800);
  p.writes(2000).sees(". 1:801(800) ack 1").silent();
  p.sends(". 1:1(0) ack 801 win 399").silent();
  p.sends(". 1:1(0) ack 801 win 400").sees(". 801:1201(400) ack 1").silent();
  p.sends(". 1:1(0) ack 1001 win 600").silent(); // 400 fit, 200 are unacknowledged
  p.sends(". 1:1(0) ack 1201 win 400").sees(". 1201:1601(400) ack 1");

  const q = new ScriptedPeer().established("<mss 1000>", 800);
  q.endpoint.setNoDelay(true);
  q.writes(2000).sees(". 1:801(800) ack 1").silent();
  q.sends(". 1:1(0) ack 401 win 799").silent();
  q.sends(". 1:1(0) ack 401 win 800").sees(". 801:1201(400) ack 1");
});

test.each([0, 1000])(
  "data that fits a small window leaves when the override timer of 0.1 to 1 s runs out, with an RTT of %i ms [9293-3.8.6.2.1-RULES]",
  (rtt) => {
    const p = new ScriptedPeer().listens();
    p.sends("S 0:0(0) win 4000 <mss 1000>").sees("S. 0:0(0) ack 1");
    p.waits(Math.min(rtt, 900)).sends(". 1:1(0) ack 1 win 4000");
    p.writes(4000);
    while (p.pending > 0) p.next();
    p.waits(rtt / 2)
      .writes(4000)
      .sends(". 1:1(0) ack 4001 win 300")
      .silent();
    const from = p.time;
    p.waits(99).silent().waits(901);
    const { at } = p.next();
    expect(at - from).toBeGreaterThanOrEqual(100);
    expect(at - from).toBeLessThanOrEqual(1000);
  },
);

test("an application that reads little by little from a full buffer causes no update for a little [MUST-39, 9293-3.8.6.2.2-EDGE]", () => {
  const settings = { tcp_rmem: [1024, 1024, 1024] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1000>");
  p.reads = false;
  // backwards, so that the first four are read one by one
  for (const n of [4, 3, 2, 1, 0, 7, 6, 5]) {
    p.sends(`. ${1 + 128 * n}:${129 + 128 * n}(128) ack 1`);
  }
  p.waits(50);
  let window = -1;
  while (p.pending > 0) window = p.next().segment.window;
  expect(window).toBe(0);
  // the threshold is min(1024 / 2, 1000)
  for (let n = 0; n < 3; n++) {
    expect(p.endpoint.receive()).toHaveLength(128);
    p.settle().silent();
  }
  // not even where an ACK leaves anyway
  p.sends(". 1025:1026(1) ack 1").sees(". 1:1(0) ack 1025 win 0");
  expect(p.endpoint.receive()).toHaveLength(128);
  p.settle().sees(". 1:1(0) ack 1025 win 512").silent();
});

test("with a large buffer the edge moves by a segment at the least [9293-3.8.6.2.2-EDGE]", () => {
  const settings = { tcp_rmem: [10_000, 10_000, 10_000] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1000>");
  p.reads = false;
  for (let n = 0; n < 10; n++) p.sends(`P. ${1 + 1000 * n}:${1001 + 1000 * n}(1000) ack 1`);
  p.waits(50);
  while (p.pending > 0) p.next();
  p.sends(". 10001:10002(1) ack 1").sees(". 1:1(0) ack 10001 win 0");
  const chunk = p.endpoint.receive()!;
  p.settle();
  expect(chunk.length).toBeGreaterThanOrEqual(1000);
  expect(p.next().segment.window).toBe(chunk.length);
  p.silent();
});
