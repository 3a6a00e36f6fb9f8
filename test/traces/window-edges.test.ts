/** Edges of windows: what is acceptable around them, scaling, shrinking on either side, and windows that stay closed. */
import { expect, test } from "vitest";
import { below, seededRng } from "../../src/base/rng.ts";
import type { Tcb } from "../../src/tcp/tcb.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** Takes all that was sent; the first and the last byte after it of each, relative. */
function drain(p: ScriptedPeer): [number, number][] {
  const ranges: [number, number][] = [];
  while (p.pending > 0) {
    const { segment } = p.next();
    const at = (segment.seq - p.ourSeq(0)) | 0;
    ranges.push([at, at + segment.payloadLength]);
  }
  return ranges;
}

function full(settings = {}): ScriptedPeer {
  const p = new ScriptedPeer({
    settings: { tcp_rmem: [4096, 4096, 4096] as const, ...settings },
  }).established("<mss 1000>");
  p.reads = false;
  for (let n = 0; n < 4; n++) p.sends(`. ${1 + 1000 * n}:${1001 + 1000 * n}(1000) ack 1`);
  p.sends("P. 4001:4097(96) ack 1").waits(500);
  drain(p);
  expect(p.endpoint.info().rcvWnd).toBe(0);
  return p;
}

// RCV.NXT is 101, and 3900 bytes are offered: 101 to 4000 are within the window
test.each([
  [101, 0, true],
  [100, 0, false],
  [4000, 0, true],
  [4001, 0, false],
  [101, 1, true],
  [100, 1, false],
  [100, 2, true],
  [1, 100, false],
  [1, 101, true],
  [4000, 1, true],
  [4000, 500, true],
  [4001, 1, false],
  [60_000, 10, false],
  [1, 5000, false],
])("a segment at %i with %i bytes is acceptable: %s [9293-3.4-ACCEPT]", (at, length, accepted) => {
  const settings = { tcp_rmem: [4000, 4000, 4000] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1000>");
  p.sends("P. 1:101(100) ack 1").waits(50).sees(". 1:1(0) ack 101 win 3900");
  p.writes(5).sees("P. 1:6(5) ack 101 win 3900");
  // what is accepted has its ACK taken
  p.sends(`. ${at}:${at + length}(${length}) ack 6`);
  expect(p.endpoint.info().sndUna).toBe(p.ourSeq(accepted ? 6 : 1) >>> 0);
  if (!accepted) p.sees(". 6:6(0) ack 101 win 3900");
});

test.each([
  [4097, 0, true],
  [4096, 0, false],
  [4098, 0, false],
  [4098, 1, false],
  [4096, 1, false],
])(
  "at window 0 a segment at %i with %i bytes is acceptable: %s [9293-3.4-ACCEPT]",
  (at, length, accepted) => {
    const p = full();
    p.writes(5).sees("P. 1:6(5) ack 4097 win 0");
    p.sends(`. ${at}:${at + length}(${length}) ack 6`);
    expect(p.endpoint.info().sndUna).toBe(p.ourSeq(accepted ? 6 : 1) >>> 0);
  },
);

test("at window 0 no text is taken, though the ACK with it is [9293-3.4-ACCEPT, 9293-3.8.6.1-REPLY]", () => {
  const p = full();
  p.writes(5).sees("P. 1:6(5) ack 4097 win 0");
  p.sends("P. 4097:4098(1) ack 6").sees(". 6:6(0) ack 4097 win 0").silent();
  expect(p.endpoint.info().sndUna).toBe(p.ourSeq(6) >>> 0);
  p.read();
  expect(p.received).toHaveLength(4096);
});

test("a window may stay closed for a day: each probe is answered, nothing else is sent [MAY-8]", () => {
  const p = full();
  for (let n = 0; n < 24 * 60; n++) {
    p.waits(60_000).silent();
    p.sends(". 4096:4096(0) ack 1").sees(". 1:1(0) ack 4097 win 0");
    p.sends(". 4097:4098(1) ack 1").sees(". 1:1(0) ack 4097 win 0").silent();
  }
  expect(p.state).toBe("ESTABLISHED");
  p.read();
  p.settle().sees(". 1:1(0) ack 4097 win 4096");
});

test("windows of SYNs are never scaled: neither that of a SYN-ACK nor of one that crosses ours [7323-2.2-SYN]", () => {
  const p = new ScriptedPeer().connects().sees("S 0:0(0) win 65535 <mss 1460,sackOK,TS,wscale 7>");
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 7>").sees(". 1:1(0) ack 1");
  expect(p.endpoint.info().sndWnd).toBe(65535);
  p.sends(". 1:1(0) ack 1 win 500");
  expect(p.endpoint.info().sndWnd).toBe(500 << 7);

  const crossed = new ScriptedPeer().connects().sees("S 0:0(0)");
  crossed.sends("S 0:0(0) win 60000 <mss 1460,wscale 7>").sees("S. 0:0(0) ack 1 win 65535");
  crossed.sends("S. 0:0(0) ack 1 win 60000 <mss 1460,wscale 7>");
  expect(crossed.state).toBe("ESTABLISHED");
  expect(crossed.endpoint.info().sndWnd).toBe(60_000);
  crossed.sends(". 1:1(0) ack 1 win 500");
  expect(crossed.endpoint.info().sndWnd).toBe(500 << 7);
});

/** As much text as it takes until the window is `most`, each segment adding twice its length; where the text ends. */
function earns(p: ScriptedPeer, most: number): number {
  let at = 1;
  for (let window = 65535; window < most; window += 120_000) {
    p.sends(`. ${at}:${at + 60_000}(60000) ack 1`);
    at += 60_000;
    while (p.pending > 0) p.next();
  }
  p.waits(50);
  while (p.pending > 0) p.next();
  return at;
}

test("with shifts 3 and 9 windows are read with the peer's and sent with ours [7323-2.3-SHIFT]", () => {
  const settings = { tcp_rmem: [4096, 2_000_000, 33_000_000] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.sends("S 0:0(0) win 1000 <mss 1000,wscale 3>");
  p.sees("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 9>");
  p.sends(". 1:1(0) ack 1 win 1000").aged();
  expect(p.endpoint.info().sndWnd).toBe(8000);
  const at = earns(p, 2_000_000);
  p.sends(`. ${at}:${at + 1000}(1000) ack 1 win 1001`).waits(50);
  expect(p.endpoint.info().sndWnd).toBe(8008);
  const { window } = p.next().segment;
  expect(Math.abs(window * 512 - 2_000_000)).toBeLessThan(512);
  expect(p.endpoint.info().rcvWnd).toBe(window * 512);
});

test("with shift 14 a window of a gigabyte is held, both ways [REC-1]", () => {
  const most = 65535 << 14;
  const settings = { tcp_rmem: [4096, 1 << 30, 1 << 30] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,wscale 14>");
  p.sees("S. 0:0(0) ack 1 win 65535 <mss 1460,wscale 14>");
  p.sends(". 1:1(0) ack 1 win 65535");
  expect(p.endpoint.info().sndWnd).toBe(most);
  (p.endpoint as unknown as Tcb).rcv.ssthresh = 1 << 30; // as if half a gigabyte had come
  const at = 1;
  p.sends(`. ${at}:${at + 1000}(1000) ack 1`).sees(`. 1:1(0) ack ${at + 1000} win 65535`);
  expect(p.endpoint.info().rcvWnd).toBe(most);
  // the last byte within it, and the first beyond
  const last = at + 999 + most;
  p.sends(`. ${last}:${last + 1}(1) ack 1`).sees(`. 1:1(0) ack ${at + 1000}`);
  expect(p.endpoint.info().outOfOrderBytes).toBe(1);
  p.sends(`. ${last + 1}:${last + 2}(1) ack 1`).sees(`. 1:1(0) ack ${at + 1000}`);
  expect(p.endpoint.info().outOfOrderBytes).toBe(1);
});

test("what was offered once is accepted, though rounding made the last offer smaller [7323-2.4-SHRINK]", () => {
  const settings = { tcp_rmem: [8192, 8192, 4_000_000] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,wscale 0>").sees("S. 0:0(0) ack 1 win 8192");
  p.sends(". 1:1(0) ack 1");
  p.reads = false;
  let edge = 1 + 8192;
  let last = 0;
  // odd lengths: the edge falls between multiples of 2^6
  for (let at = 1; at < 8193 - 111; at += 111) {
    p.sends(`P. ${at}:${at + 111}(111) ack 1`).waits(50);
    for (; p.pending > 0;) {
      const s = p.next().segment;
      last = ((s.ack - p.peerSeq(0)) | 0) + (s.window << 6);
      expect(last).toBeGreaterThan(edge - 64);
      edge = Math.max(edge, last);
    }
  }
  expect(last).toBeLessThan(edge); // it was rounded down
  const next = 1 + 111 * Math.floor(8191 / 111);
  const room = edge - next;
  expect(room).toBeGreaterThan(0);
  p.sends(`P. ${next}:${edge}(${room}) ack 1`).waits(50);
  p.read();
  expect(p.received).toHaveLength(edge - 1);
});

test("the window closes for single bytes too, though each is rounded up by the shift [7323-2.4-SHRINK]", () => {
  const settings = { tcp_rmem: [8192, 8192, 6_291_456] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,wscale 0>").sees("S. 0:0(0) ack 1 win 8192");
  p.sends(". 1:1(0) ack 1");
  p.reads = false;
  let at = 1;
  for (let window = 8192; window > 0 && at < 20_000;) {
    p.sends(`. ${at}:${at + 1}(1) ack 1`).waits(40);
    at++;
    while (p.pending > 0) window = p.next().segment.window << 7;
  }
  expect(at).toBeGreaterThan(8192);
  expect(at).toBeLessThan(1.125 * 8192 + 256);
  p.sends(`. ${at + 200}:${at + 201}(1) ack 1`);
  expect(p.next().segment.window).toBe(0);
  p.read();
  expect(p.received).toHaveLength(at - 1);
});

test("the right edge never falls, in order, out of order, read or unread [SHLD-14]", () => {
  const rng = seededRng(3);
  const settings = { tcp_rmem: [4096, 16_384, 1_000_000] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,wscale 2>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1");
  p.reads = false;
  const shift = p.endpoint.info().rcvWscale;
  let edge = 0;
  let next = 1;
  for (let n = 0; n < 1500; n++) {
    const at = next + (below(rng, 3) === 0 ? below(rng, 3000) : 0);
    const length = 1 + below(rng, 1000);
    if (at + length <= edge || n === 0) p.sends(`. ${at}:${at + length}(${length}) ack 1`);
    if (below(rng, 4) === 0) p.read();
    p.waits(below(rng, 60));
    for (; p.pending > 0;) {
      const s = p.next().segment;
      next = (s.ack - p.peerSeq(0)) | 0;
      expect(next + (s.window << shift)).toBeGreaterThanOrEqual(edge);
      edge = next + (s.window << shift);
    }
  }
  expect(next).toBeGreaterThan(100_000);
});

test("a window is believed from a newer segment, and of equal ones from the newer ACK [9293-3.10.7.4-WL]", () => {
  const p = new ScriptedPeer().established();
  p.writes(30).sees("P. 1:31(30) ack 1");
  p.sends(". 1:1(0) ack 21 win 5000");
  p.sends(". 1:1(0) ack 11 win 100"); // same number, older ACK: came late
  expect(p.endpoint.info().sndWnd).toBe(5000);
  p.sends(". 1:1(0) ack 21 win 4000"); // both equal: a window update
  expect(p.endpoint.info().sndWnd).toBe(4000);
  p.sends("P. 11:21(10) ack 21 win 3000"); // newer, though out of order
  expect(p.endpoint.info().sndWnd).toBe(3000);
  p.sends("P. 1:11(10) ack 31 win 2000"); // older number, newer ACK
  expect(p.endpoint.info().sndWnd).toBe(3000);
});

test("a window that falls from 10000 to 2000 with 8000 in flight holds new data back, and all arrives [MUST-34, SHLD-15]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 10_000);
  p.writes(8000);
  expect(drain(p).at(-1)).toEqual([7001, 8001]);
  p.sends(". 1:1(0) ack 1001 win 2000").writes(4000).silent();
  for (let una = 2001; una <= 8001; una += 1000) p.sends(`. 1:1(0) ack ${una} win 2000`);
  // usable again only once the edge, 10001, is beyond what was sent
  expect(drain(p)).toEqual([
    [8001, 9001],
    [9001, 10_001],
  ]);
  p.sends(". 1:1(0) ack 10001 win 2000");
  expect(drain(p).at(-1)).toEqual([11_001, 12_001]);
  p.sends(". 1:1(0) ack 12001 win 2000").waits(10_000).silent();
});

test("what lies within a shrunken window goes again at the RTO; beyond, only what was sent before [SHLD-16, MAY-7]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 10_000);
  p.writes(5000);
  drain(p);
  p.writes(2000);
  drain(p);
  p.sends(". 1:1(0) ack 1 win 1500").silent();
  p.until(200);
  expect(drain(p)).toEqual([[1, 1001]]);
  p.sends(". 1:1(0) ack 1001 win 500");
  p.waits(100_000);
  for (const [, end] of drain(p)) expect(end).toBeLessThanOrEqual(7001);
});

test("a window shrunk to 0 is probed one RTO later, with data in flight and without [MUST-35]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 10_000);
  p.writes(2000);
  drain(p);
  p.sends(". 1:1(0) ack 1 win 0").writes(1000, 2000).silent();
  p.until(199.9).silent().until(200);
  expect(drain(p)).toHaveLength(1);

  const q = new ScriptedPeer().established("<mss 1000>", 10_000);
  q.writes(2000);
  drain(q);
  q.waits(10).sends(". 1:1(0) ack 2001 win 0").writes(1000, 2000).silent();
  const { rto } = q.endpoint.info();
  q.waits(rto - 0.1)
    .silent()
    .waits(0.2)
    .sees(". 2000:2000(0) ack 1");
});

test.each([0, 300])(
  "data beyond an edge shrunk to %i bytes does not end a connection whose peer answers [SHLD-17, MUST-37]",
  (window) => {
    const p = new ScriptedPeer({ settings: { tcp_retries2: 3 } }).established("<mss 1000>", 10_000);
    p.writes(5000);
    drain(p);
    let una = 1;
    p.sends(`. 1:1(0) ack 1 win ${window}`);
    // a peer with `window` bytes takes what lies within it, reads it, and never opens further
    for (let n = 0; n < 2400; n++) {
      p.waits(1000);
      for (const [at, end] of drain(p)) {
        if (at <= una && end > una) una = Math.min(end, una + window);
        p.sends(`. 1:1(0) ack ${una} win ${window}`);
      }
    }
    expect(p.state).toBe("ESTABLISHED");
    if (window > 0) expect(una).toBe(5001);
    else {
      // opened, all goes at once, not a back-off later
      p.sends(". 1:1(0) ack 1 win 10000").sees(". 1:1001(1000) ack 1");
    }
  },
);

test("new data stays within the latest window; the first repeat of a byte past it still leaves, later ones do not [7323-2.4-SENDER]", () => {
  const p = new ScriptedPeer().established("<mss 1000,wscale 7>", 32);
  p.writes(6000);
  expect(drain(p)).toEqual([1, 1001, 2001, 3001].map((at) => [at, Math.min(at + 1000, 4097)]));
  // rounding: 4097 was the edge, 3073 + 7 * 128 = 3969 is
  p.sends(". 1:1(0) ack 3001 win 7").silent();
  expect(p.endpoint.info().sndWnd).toBe(7 * 128);
  const { rto } = p.endpoint.info();
  p.waits(rto);
  expect(drain(p)).toEqual([[3001, 4001]]);
  p.waits(2 * rto);
  expect(drain(p)).toEqual([[3001, 3001 + 7 * 128]]);
});
