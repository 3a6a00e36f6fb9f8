/** Sizes: the MSS of both sides, and path MTU discovery by messages with the checks that keep forged ones out. */
import { expect, test } from "vitest";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { tooBig } from "../support/icmp.ts";
import { PEER, type PeerOptions, ScriptedPeer } from "../support/scripted-peer.ts";

const TSO = { checksum: true, tso: true };

/** Without Nagle, so that the last piece of a write leaves too. */
function eager(p: ScriptedPeer): ScriptedPeer {
  p.endpoint.setNoDelay(true);
  return p;
}

/** An active open to a peer whose SYN-ACK says MSS 1460. */
function connected(options: PeerOptions = {}): ScriptedPeer {
  return eager(new ScriptedPeer(options).connected());
}

/** Sizes of the packets that left, which are taken out. */
function sizes(p: ScriptedPeer): number[] {
  const all: number[] = [];
  while (p.pending > 0) all.push(p.next().ip.totalLength);
  return all;
}

/** Everything sent so far is acknowledged. */
function acknowledges(p: ScriptedPeer): void {
  const { sndNxt } = p.endpoint.info();
  p.sends(`. 1:1(0) ack ${(sndNxt - p.iss) >>> 0}`);
}

test.each([
  [1500, 1460],
  [576, 536],
  [9000, 8960],
  [65535, 65495],
])(
  "with an MTU of %i SYN and SYN-ACK carry MSS %i, whatever options are used, and nothing else does [MUST-14] [MUST-65] [MUST-67] [SHLD-5] [MAY-3] [6691-2-MSS]",
  (mtu, mss) => {
    const a = new ScriptedPeer({ mtu }).connects();
    const syn = a.next().segment;
    expect([syn.mss, syn.hasTimestamps]).toEqual([mss, true]);
    const b = new ScriptedPeer({ mtu }).listens().sends("S 0:0(0) win 65535 <mss 9000>");
    expect(b.next().segment.mss).toBe(mss);
    b.sends(". 1:1(0) ack 1").writes(1000).sends("F. 1:1(0) ack 1");
    expect(b.pending).toBeGreaterThan(1);
    while (b.pending > 0) expect(b.next().segment.mss).toBe(0);
  },
);

test("an MTU beyond what IPv4 can reassemble announces no more than that [MUST-67]", () => {
  const p = new ScriptedPeer({ mtu: 70_000 }).connects();
  expect(p.next().segment.mss).toBe(65535 - 40);
});

test("no segment exceeds the peer's MSS, 536 where it named none [MUST-14] [MUST-15]", () => {
  const small = eager(new ScriptedPeer().established("<mss 700>")).writes(3000);
  expect(sizes(small)).toEqual([740, 740, 740, 740, 240]);
  const none = eager(new ScriptedPeer().established("<>")).writes(2000);
  expect(sizes(none)).toEqual([576, 576, 576, 432]);
});

test("options come off the text: with timestamps 1448 bytes, with SACK blocks too still 1500 in all [MUST-16] [6691-2-MSS]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1 <TS val 1 ecr 0>").writes(4000);
  const first = p.next();
  expect([first.segment.payloadLength, first.ip.totalLength]).toEqual([1448, 1500]);
  sizes(p);
  p.endpoint.setNoDelay(true);
  p.settle();
  sizes(p);
  p.sends(". 11:21(10) ack 4001 <TS val 1 ecr 0>");
  sizes(p);
  p.writes(4000);
  const next = p.next();
  expect(next.segment.sackCount).toBe(1);
  expect(next.ip.totalLength).toBeLessThanOrEqual(1500);
  expect(next.segment.payloadLength).toBeLessThan(1448);
});

test("every packet has DF: SYN, data, ACK, FIN and RST [1191-3-DF]", () => {
  const p = new ScriptedPeer().listens();
  const flags: boolean[] = [];
  const take = (): void => {
    while (p.pending > 0) flags.push(p.next().ip.dontFragment);
  };
  p.sends("S 0:0(0) win 65535 <mss 1460>");
  take();
  p.sends(". 1:1(0) ack 1").writes(3000).sends("P. 1:2(1) ack 3001").waits(100);
  p.endpoint.shutdown();
  p.settle();
  take();
  p.endpoint.abort();
  p.settle();
  p.peerPort++;
  p.sends(". 1:1(0) ack 1"); // refused
  take();
  expect(flags.length).toBeGreaterThan(6);
  expect(flags).not.toContain(false);
});

test("a message lowers the size, what was lost goes again at once, and cwnd stays [1191-3-REDUCE] [1191-6.4-STORM]", () => {
  const p = connected().writes(6000);
  const { cwnd } = p.endpoint.info();
  expect(sizes(p)).toEqual([1500, 1500, 1500, 1500, 200]);
  tooBig(p, 1400, { seq: 1 });
  p.sees(". 1:1361(1360) ack 1").silent();
  // one at a time until an ACK comes back
  p.sends(". 1:1(0) ack 1361");
  p.sees(". 1361:2721(1360) ack 1").sees(". 2721:4081(1360) ack 1").sees(". 4081:5441(1360) ack 1");
  p.sees("P. 5441:6001(560) ack 1").silent();
  p.sends(". 1:1(0) ack 6001").writes(3000, 0);
  expect(sizes(p)).toEqual([1400, 1400, 320]);
  expect(p.endpoint.info().cwnd).toBeGreaterThanOrEqual(cwnd);
  expect(p.endpoint.info().pmtu).toBe(1400);
});

test("of a burst of messages only the first brings a repeat, of each byte one [1191-6.4-STORM]", () => {
  const p = connected().writes(14_600);
  expect(sizes(p)).toHaveLength(10);
  for (let n = 0; n < 10; n++) tooBig(p, 1400, { seq: 1 + 1460 * n });
  p.sees(". 1:1361(1360) ack 1").silent();
  p.sends(". 1:1(0) ack 1361");
  let at = 1361;
  while (p.pending > 0) {
    const { segment } = p.next();
    expect((segment.seq - p.ourSeq(at)) | 0).toBe(0);
    at += segment.payloadLength;
  }
  expect(at).toBe(14_601);
});

test("with offload the device cuts at the size that passes [1191-3-REDUCE]", () => {
  const p = connected({ offload: TSO }).writes(14_600);
  const first = p.next();
  expect([first.segment.payloadLength, first.gsoSize]).toEqual([14_600, 1460]);
  tooBig(p, 1400, { seq: 1 });
  expect(p.next()).toMatchObject({ gsoSize: 0, segment: { payloadLength: 1360 } });
  p.silent();
  p.sends(". 1:1(0) ack 14601").writes(13_600);
  const next = p.next();
  expect([next.segment.payloadLength, next.gsoSize]).toEqual([13_600, 1360]);
});

test("a message never raises the MTU, and below 68 it is nonsense [1191-3-68]", () => {
  const p = connected().writes(1460);
  sizes(p);
  for (const mtu of [9000, 1500, 65535, 1, 67]) {
    expect(tooBig(p, mtu, { seq: 1 })).toMatch(/dropped/);
    p.silent();
  }
  expect(p.endpoint.info().pmtu).toBe(1500);
});

test.each([
  [552, 552],
  [68, 68],
])("with min_pmtu %i a message of 68 leads to %i [1191-3-68]", (min_pmtu, expected) => {
  const p = connected({ settings: { min_pmtu } }).writes(1460);
  sizes(p);
  tooBig(p, 68, { seq: 1 });
  expect(sizes(p)).toEqual([expected]);
  expect(p.endpoint.info().pmtu).toBe(expected);
});

test("a message without a size leads down the table of common ones, one step for a burst [1191-3-ZERO]", () => {
  const p = connected().writes(5840);
  sizes(p);
  for (let n = 0; n < 4; n++) tooBig(p, 0, { seq: 1 + 1460 * n });
  expect(sizes(p)).toEqual([1492]);
  tooBig(p, 0, { seq: 1, size: 1492 });
  expect(sizes(p)).toEqual([1006]);
  tooBig(p, 0, { seq: 1, size: 1006 });
  expect(sizes(p)).toEqual([552]); // min_pmtu, above the table's 508
});

test("a message counts only when it quotes a packet of ours that is under way [8899-4.6-PTB]", () => {
  const p = connected().writes(1460);
  sizes(p);
  p.sends(". 1:1(0) ack 1461").writes(1460).waits(0);
  sizes(p);
  for (const quote of [
    { seq: 1461, ourPort: p.ourPort + 1 },
    { seq: 1461, peerPort: p.peerPort + 1 },
    { seq: 1460 },
    { seq: 1 },
    { seq: 2921 },
    { seq: 1_000_000 },
  ]) {
    expect(tooBig(p, 600, quote)).toMatch(/dropped/);
  }
  p.silent();
  expect(p.endpoint.info().pmtu).toBe(1500);
});

test("a size above anything that was sent is not believed [8899-4.6-PTB]", () => {
  const p = connected().writes(500);
  sizes(p);
  expect(tooBig(p, 1400, { seq: 1 })).toMatch(/dropped/);
  expect(p.endpoint.info().pmtu).toBe(1500);
});

test("a size below what already got through waits for a timeout; an ACK before it shows the message to be forged [5927-7.2-PTB]", () => {
  const p = connected().writes(1460);
  sizes(p);
  acknowledges(p);
  p.writes(2920);
  sizes(p);
  tooBig(p, 600, { seq: 1461 });
  p.silent();
  expect(p.endpoint.info().pmtu).toBe(1500);
  acknowledges(p);
  p.writes(1460).waits(250); // and now a loss of another kind
  expect(sizes(p)).toEqual([1500, 1500]);
  acknowledges(p);

  // the same, and the path did become narrower
  p.writes(1460);
  sizes(p);
  tooBig(p, 1200, { seq: 5841 });
  p.silent().waits(1000);
  expect(sizes(p)[0]).toBe(1200);
  expect(p.endpoint.info().pmtu).toBe(1200);
});

test("what one connection learnt the next one to that host begins with, and a live one follows; others do not [SHLD-6]", () => {
  const p = connected();
  const open = (address: number, port: number): Endpoint =>
    p.stack.connect({ remoteAddress: address as typeof PEER, remotePort: port, owner: null });
  p.writes(1460);
  sizes(p);
  tooBig(p, 1400, { seq: 1 });
  sizes(p);
  open(PEER, 81);
  p.settle();
  expect(p.next().segment.mss).toBe(1360);
  open(PEER + 7, 81);
  p.settle();
  expect(p.next().segment.mss).toBe(1460);

  // an older connection learns from the younger one
  const q = connected();
  const first = q.endpoint;
  q.ourPort = 50001;
  const young = q.stack.connect({
    remoteAddress: PEER,
    remotePort: 80,
    localPort: 50001,
    owner: q,
  });
  q.settle().next();
  q.sends("S. 0:0(0) ack 1 <mss 1460>").next();
  const iss = q.iss;
  first.send(new Uint8Array(1460));
  young.send(new Uint8Array(1460));
  q.settle();
  sizes(q);
  tooBig(q, 1300, { seq: 1 });
  sizes(q);
  // a wider message about what the older one sent before does not take that back
  const flight = (first.info().sndUna - iss) | 0;
  expect(tooBig(q, 1400, { seq: flight, ourPort: 50000 })).toMatch(/dropped/);
  expect(first.info().pmtu).toBe(1300);
  first.send(new Uint8Array(3000));
  q.settle();
  expect(sizes(q)).toEqual([1300, 1300, 520]);
});

test("ten minutes after the message, no sooner than five, the larger size is tried again [1191-3-RAISE]", () => {
  const p = connected().writes(1460);
  sizes(p);
  tooBig(p, 1400, { seq: 1 });
  sizes(p);
  acknowledges(p);
  const send = (): number => {
    p.writes(3000);
    const [first] = sizes(p);
    acknowledges(p);
    return first!;
  };
  p.until(299_999);
  expect(send()).toBe(1400);
  p.until(599_999);
  expect(send()).toBe(1400);
  p.until(600_000);
  expect(send()).toBe(1500);
  expect(p.endpoint.info().pmtu).toBe(1500);
});

test("mtu_expires is not to be set below the five minutes [1191-3-RAISE]", () => {
  const build = (): unknown => new ScriptedPeer({ settings: { mtu_expires: 299 } });
  expect(build).toThrow(/mtu_expires/);
});
