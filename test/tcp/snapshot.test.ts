/** The snapshot of a connection: what each figure says, and in which unit. */
import { expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import type { TcpInfo } from "../../src/tcp/info.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const info = (p: ScriptedPeer): TcpInfo => p.endpoint.info(instantOf(p.time));

test("a connection under way shows its queues, its flight and its times", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 4000 <mss 1000,sackOK,wscale 7>").next();
  p.waits(50).sends(". 1:1(0) ack 1 win 31"); // 3968 bytes
  p.endpoint.setKeepAlive(true);
  p.endpoint.setUserTimeout(60_000);
  p.writes(10_000).waits(30);
  p.reads = false;
  p.sends(". 1:11(10) ack 1 win 31 <sack 1001:2001>").sends(". 21:41(20) ack 1 win 31");
  expect(info(p)).toMatchObject({
    state: "ESTABLISHED",
    localPort: 80,
    remotePort: 40000,
    iss: p.iss,
    sndUna: (p.iss + 1) >>> 0,
    sndNxt: (p.iss + 3001) >>> 0,
    sndWnd: 3968,
    sndMss: 1000,
    advMss: 1460,
    pmtu: 1500,
    sndWscale: 7,
    rcvWscale: 7,
    timestamps: false,
    sack: true,
    srtt: 50,
    rttvar: 25,
    minRtt: expect.closeTo(30, 3),
    unacked: 3000,
    sacked: 1000,
    inFlight: 2000,
    sendQueued: 10_000,
    notSent: 7000,
    sendBuffer: 262_144,
    receiveQueued: 10,
    outOfOrderBytes: 20,
    receiveBuffer: 131_072,
    bytesReceived: 10,
    bytesAcked: 0,
    bytesSent: 3000,
    delivered: 1000, // SACKed
    pacingRate: 0,
    deliveryRate: 0,
    reorderingSeen: false,
    retries: 0,
    backoff: 0,
    probes: 0,
    lastSent: 30,
    lastHeard: 0,
    userTimeout: 60_000,
    keepAlive: true,
    softError: "",
    timer: "reordering",
  });
});

test("after timeouts it shows how often, the back-off, and what went again", () => {
  const p = new ScriptedPeer().established("<mss 1000>").writes(3000).waits(650);
  const now = info(p);
  expect(now).toMatchObject({ retries: 2, backoff: 2, rto: 800, recovery: "loss" });
  expect([now.retransmits, now.totalRetransmittedBytes]).toEqual([2, 2000]);
  expect([now.timer, now.timerIn]).toEqual(["retransmit", 750]);
  expect([now.lastSent, now.lastHeard]).toEqual([50, 650]);
});

test("unanswered keep-alives count as probes", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true, 1000, 1000, 9);
  p.settle().waits(3500);
  expect(info(p)).toMatchObject({ probes: 3, timer: "keepalive", timerIn: 500 });
  p.sends(". 1:1(0) ack 1");
  expect(info(p).probes).toBe(0);
});

test("a controller with a rate of its own shows it, and the rate at which the network delivers", () => {
  const p = new ScriptedPeer({ settings: { tcp_congestion_control: "bbr" } }).established(
    "<mss 1000>",
  );
  for (let round = 0; round < 4; round++) {
    p.writes(4000, 4000 * round).waits(40);
    p.sends(`. 1:1(0) ack ${4000 * (round + 1) + 1}`);
  }
  const now = info(p);
  // 4,000 bytes in 40 ms
  expect(now.deliveryRate).toBeCloseTo(100_000, -4);
  expect(now.pacingRate).toBeGreaterThan(now.deliveryRate);
  expect(now.delivered).toBe(16_000);
});

test("a path that reorders is told", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,sackOK>").next();
  p.waits(40).sends(". 1:1(0) ack 1").writes(3000).waits(40);
  p.sends(". 1:1(0) ack 1 <sack 1001:3001>").waits(1).sends(". 1:1(0) ack 3001");
  expect(info(p).reorderingSeen).toBe(true);
});
