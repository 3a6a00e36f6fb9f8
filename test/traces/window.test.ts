/** Windows: scaling, zero windows and probes, silly windows on both sides, edges that never move left. */
import { expect, test } from "vitest";
import { EVENT_URGENT } from "../../src/tcp/endpoint.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

test("the window field is unsigned: 65535 lets 65535 bytes leave [MUST-1]", () => {
  const settings = { tcp_initial_cwnd: 100 };
  const p = new ScriptedPeer({ settings }).established("<mss 1460>", 65535);
  p.writes(200_000);
  let last = 1;
  while (p.pending > 0) {
    const { segment } = p.next();
    last = ((segment.seq + segment.payloadLength - p.ourSeq(0)) >>> 0) as number;
  }
  expect(last).toBeGreaterThan(1 + 65535 - 1460);
  expect(last).toBeLessThanOrEqual(1 + 65535);
});

test("windows are scaled only where both SYNs offered it, and never those of SYNs [7323-2.2-BOTH] [7323-2.2-SYN]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 500 <mss 1460,wscale 4>");
  p.sees("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 7>");
  p.sends(". 1:1(0) ack 1 win 500");
  expect(p.endpoint.info().sndWnd).toBe(500 << 4);
  const q = new ScriptedPeer().established("<mss 1460>", 500);
  expect(q.endpoint.info().sndWnd).toBe(500);
  expect(q.endpoint.info().rcvWscale).toBe(-1);
});

test("a window is believed only from a newer segment [9293-3.10.7.4-WL]", () => {
  const p = new ScriptedPeer().established();
  p.sends("P. 1:11(10) ack 1 win 9000").sends("P. 11:21(10) ack 1 win 8000");
  p.sends(". 2:2(0) ack 1 win 100");
  expect(p.endpoint.info().sndWnd).toBe(8000);
  p.sends(". 21:21(0) ack 1 win 7000");
  expect(p.endpoint.info().sndWnd).toBe(7000);
});

test("a zero window is probed after one RTO and then with back-off, and opens again [MUST-36] [SHLD-29] [SHLD-30]", () => {
  const p = new ScriptedPeer().established("<mss 1460>", 0);
  const { rto } = p.endpoint.info();
  p.writes(100).silent();
  let at = p.time;
  for (let n = 0; n < 6; n++) {
    at += rto * 2 ** n;
    p.until(at - 0.01).silent();
    p.until(at).sees(". 0:0(0) ack 1", at);
    p.sends(". 1:1(0) ack 1 win 0");
  }
  p.sends(". 1:1(0) ack 1 win 5000").sees("P. 1:101(100) ack 1");
});

test("while the peer answers probes the connection lives, a whole day [MUST-37]", () => {
  const p = new ScriptedPeer().established("<mss 1460>", 0);
  p.writes(100);
  while (p.time < 86_400_000) {
    p.waits(60_000);
    while (p.pending > 0) p.next();
    p.sends(". 1:1(0) ack 1 win 0");
    while (p.pending > 0) p.next();
  }
  expect(p.state).toBe("ESTABLISHED");
  p.sends(". 1:1(0) ack 1 win 5000").sees("P. 1:101(100) ack 1");
});

test("a peer that answers no probe is given up after tcp_retries2", () => {
  const p = new ScriptedPeer({ settings: { tcp_retries2: 4 } }).established("<mss 1460>", 0);
  p.writes(100).waits(1_000_000);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("a user timeout ends a zero window that nobody answers any more, and none that is answered", () => {
  const gone = new ScriptedPeer().established("<mss 1460>", 0);
  gone.endpoint.setUserTimeout(10_000);
  gone.writes(100).until(9999);
  expect(gone.state).toBe("ESTABLISHED");
  gone.until(10_001);
  expect(gone.endpoint.error?.code).toBe("ETIMEDOUT");

  const there = new ScriptedPeer().established("<mss 1460>", 0);
  there.endpoint.setUserTimeout(10_000);
  there.writes(100);
  for (let at = 1000; at <= 60_000; at += 1000) there.until(at).sends(". 1:1(0) ack 1 win 0");
  expect(there.state).toBe("ESTABLISHED");
});

test("a window that shrinks below what was sent harms nothing; what lies within it goes again [MUST-34] [MUST-35] [SHLD-15]", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.writes(5000);
  for (let i = 0; i < 5; i++) p.next();
  p.sends(". 1:1(0) ack 1001 win 1000").silent();
  p.writes(1000).silent();
  p.sends(". 1:1(0) ack 1001 win 0");
  p.waits(100_000);
  expect(p.state).toBe("ESTABLISHED");
  expect(p.pending).toBeGreaterThan(0);
  while (p.pending > 0) p.next();
  p.sends(". 1:1(0) ack 5001 win 0");
  p.waits(100_000);
  expect(p.pending).toBeGreaterThan(0); // probes
  while (p.pending > 0) p.next();
  p.sends(". 1:1(0) ack 5001 win 4000").sees("P. 5001:6001(1000) ack 1");
});

test("a full receive window is closed, answered as such, and opened when the user has read enough [9293-3.8.6.1-REPLY] [MUST-39]", () => {
  const settings = { tcp_rmem: [4096, 4096, 4096] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1000>");
  p.reads = false;
  for (let n = 0; n < 4; n++) p.sends(`. ${1 + 1000 * n}:${1001 + 1000 * n}(1000) ack 1`);
  p.sends("P. 4001:4097(96) ack 1").waits(500);
  let window = -1;
  while (p.pending > 0) window = p.next().segment.window;
  expect(window).toBe(0);
  p.sends(". 4097:4098(1) ack 1").sees(". 1:1(0) ack 4097 win 0");
  // 500 bytes would be a silly window; a segment's worth is not
  const chunk = p.endpoint.receive()!;
  p.settle();
  expect(chunk.length).toBeGreaterThanOrEqual(1000);
  const update = p.next().segment;
  expect(update.window).toBeGreaterThanOrEqual(1000);
  p.silent();
});

test("RST and URG are processed at a zero window [MUST-66]", () => {
  const settings = { tcp_rmem: [4096, 4096, 4096] as const };
  const closed = (): ScriptedPeer => {
    const p = new ScriptedPeer({ settings }).established("<mss 1000>");
    p.reads = false;
    for (let n = 0; n < 4; n++) p.sends(`. ${1 + 1000 * n}:${1001 + 1000 * n}(1000) ack 1`);
    p.sends("P. 4001:4097(96) ack 1").waits(500);
    while (p.pending > 0) p.next();
    return p;
  };
  const p = closed();
  p.sends(".U 4097:4097(0) ack 1 urg 5");
  expect(p.events & EVENT_URGENT).toBe(EVENT_URGENT);
  const q = closed();
  q.sends("R 4097:4097(0)");
  expect(q.endpoint.error?.code).toBe("ECONNRESET");
});

test("the right edge never moves left [SHLD-14]", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.reads = false;
  let edge = 0;
  for (let at = 1; at < 60_000; at += 1000) {
    p.sends(`. ${at}:${at + 1000}(1000) ack 1`);
    while (p.pending > 0) {
      const s = p.next().segment;
      const right = s.ack - p.peerSeq(0) + s.window;
      expect(right).toBeGreaterThanOrEqual(edge);
      edge = right;
    }
  }
  expect(edge).toBeGreaterThan(60_000);
});

test("a small window is not filled with crumbs; after a while what fits goes [MUST-38]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 4000);
  p.writes(4000);
  for (let i = 0; i < 4; i++) p.next();
  p.writes(4000).silent();
  p.sends(". 1:1(0) ack 4001 win 300").silent(); // less than a segment and than half of the largest window
  p.waits(1000).sees(". 4001:4301(300) ack 1");
});

test("Nagle holds a short segment while another is unacknowledged; setNoDelay does not [SHLD-7]", () => {
  const p = new ScriptedPeer().established();
  p.writes(5).sees("P. 1:6(5) ack 1");
  p.writes(5, 5).writes(5, 10).silent();
  p.sends(". 1:1(0) ack 6").sees("P. 6:16(10) ack 1");
  p.endpoint.setNoDelay(true);
  p.writes(5).sees("P. 16:21(5) ack 1");
});

test("the last of two or more segments that leave at once has PSH, though more is queued; a single one and a copy have not", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 2000);
  p.writes(6000).sees(". 1:1001(1000) ack 1").sees("P. 1001:2001(1000) ack 1").silent();
  p.sends(". 1:1(0) ack 1001 win 2000").sees(". 2001:3001(1000) ack 1").silent();
  p.sends(". 1:1(0) ack 3001 win 2500").sees(". 3001:4001(1000) ack 1");
  p.sees("P. 4001:5001(1000) ack 1").silent();
  p.waits(1000).sees(". 3001:4001(1000) ack 1");
});

test("a full segment leaves whenever one can be made, and PSH stands on the last of what is queued [SHLD-28] [MUST-61]", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.writes(3000);
  p.sees(". 1:1001(1000) ack 1").sees(". 1001:2001(1000) ack 1").sees("P. 2001:3001(1000) ack 1");
  p.writes(1500, 3000).sees(". 3001:4001(1000) ack 1").sees("P. 4001:4501(500) ack 1");
  // a short one is under way: the next waits
  p.writes(1999, 4500).sees(". 4501:5501(1000) ack 1").silent();
});

test("a window is that of the SYN at first and grows with what comes: two segments with each, but nothing for little, up to the buffer", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,wscale 7>").sees("S. 0:0(0) ack 1 win 65535");
  p.sends(". 1:1(0) ack 1");
  let window = 65535;
  let at = 1;
  const comes = (length: number): number => {
    p.sends(`. ${at}:${at + length}(${length}) ack 1`).waits(50);
    at += length;
    return p.next().segment.window << 7;
  };
  for (let n = 0; n < 5; n++) {
    window += 2 * 1460;
    expect(comes(1460)).toBe(Math.ceil(window / 128) * 128);
  }
  window += 2 * 4000;
  expect(comes(4000)).toBe(Math.ceil(window / 128) * 128);
  expect(comes(127)).toBeLessThanOrEqual(Math.ceil(window / 128) * 128);
  window += 2 * 1460;
  expect(comes(1460)).toBe(Math.ceil(window / 128) * 128);
  for (let n = 0; n < 50; n++) window = comes(1460);
  expect(window).toBe(131072); // where tcp_rmem begins; who is read faster gets more
});

test("behind a hole the window grows with SACK; without it each duplicate ACK has the window of the last, or it is none", () => {
  for (const sack of [true, false]) {
    const p = new ScriptedPeer().listens();
    p.sends(`S 0:0(0) win 65535 <mss 1460,wscale 7${sack ? ",sackOK" : ""}>`);
    p.sees("S. 0:0(0) ack 1 win 65535").sends(". 1:1(0) ack 1");
    const windows: number[] = [];
    for (let at = 1461; at < 1461 * 5; at += 1460) {
      p.sends(`. ${at}:${at + 1460}(1460) ack 1`);
      const { segment } = p.next();
      expect((segment.ack - p.peerSeq(0)) | 0).toBe(1);
      windows.push(segment.window);
    }
    if (sack) expect(new Set(windows).size).toBe(windows.length);
    else expect(windows).toEqual(windows.map(() => 512));
  }
});
