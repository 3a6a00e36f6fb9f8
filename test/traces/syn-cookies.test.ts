/** SYN cookies against a scripted peer: when they are sent, what the connection of one is like, what is refused. */
import { expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { OURS, ScriptedPeer } from "../support/scripted-peer.ts";
import { SynFlood } from "../support/syn-flood.ts";

const SYN_TEXT = "S 0:0(0) win 65535 <mss 1460>";
const FULL = "S 0:0(0) win 65535 <mss 1400,sackOK,TS val 1000 ecr 0,wscale 7>";
const nobody = { onConnection: (): void => {} };

function always(settings: Partial<Settings> = {}): ScriptedPeer {
  return new ScriptedPeer({ settings: { tcp_syncookies: 2, ...settings } }).listens();
}

function counts(p: ScriptedPeer): number[] {
  return ["Sent", "Recv", "Failed"].map((n) => p.stack.counters.get(`TcpExtSyncookies${n}`));
}

test("a SYN leaves nothing, and the ACK of its SYN-ACK makes the connection [4987-3.6-COOKIE]", () => {
  const p = always().sends(SYN_TEXT).sees("S. 0:0(0) ack 1 win 65535 <mss 1460>").silent();
  expect(p.stack.connections()).toHaveLength(0);
  expect(p.stack.nextTimeout()).toBe(Infinity);
  p.waits(100_000).silent(); // nobody remembers to send it again
  p.sends(". 1:1(0) ack 1 win 1000").silent();
  expect(p.state).toBe("ESTABLISHED");
  expect(p.endpoint.info()).toMatchObject({ sndWnd: 1000, sndMss: 1460, srtt: 0 });
  expect(counts(p)).toEqual([1, 1, 0]);
  p.writes(3).sees("P. 1:4(3) ack 1");
  p.sends("P. 1:4(3) ack 4").waits(100).sees(". 4:4(0) ack 4");
});

test("the ACK may have text and FIN, and text makes good for an ACK that was lost", () => {
  const p = always().sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  p.sends("FP. 1:4(3) ack 1").sees(". 1:1(0) ack 5").silent();
  expect(p.state).toBe("CLOSE-WAIT");
  expect([...p.received]).toEqual([1, 2, 3]);
});

test("with timestamps window scale and SACK survive, and the MSS as the table has it [4987-3.6-OPTS]", () => {
  const p = always().sends(FULL);
  const { segment } = p.next();
  expect(p.describe(segment, "S. 0:0(0) ack 1 <TS>")).toBe(
    "S. 0:0(0) ack 1 <mss 1460,sackOK,TS,wscale 7>",
  );
  expect(segment.tsEcr).toBe(1000);
  p.waits(30).sends(`. 1:1(0) ack 1 win 100 <TS val 1030 ecr ${segment.tsVal}>`).silent();
  const info = p.endpoint.info();
  expect(info).toMatchObject({ timestamps: true, sack: true, sndWscale: 7, rcvWscale: 7 });
  expect(info).toMatchObject({ sndWnd: 12800, sndMss: 1388 });
  // the clock goes on from what the SYN-ACK said, and echoes what the ACK did
  p.writes(3);
  const data = p.next().segment;
  expect((data.tsVal - segment.tsVal) | 0).toBeGreaterThanOrEqual(0);
  expect((data.tsVal - segment.tsVal) | 0).toBeLessThan(30 + 64);
  expect(data.tsEcr).toBe(1030);
});

test("what the SYN did not offer is not there, timestamps or not [4987-3.6-OPTS]", () => {
  const p = always().sends("S 0:0(0) win 65535 <mss 1400,TS val 1000 ecr 0>");
  const { segment } = p.next();
  expect([segment.windowScale, segment.sackPermitted]).toEqual([-1, false]);
  p.sends(`. 1:1(0) ack 1 <TS val 1000 ecr ${segment.tsVal}>`);
  expect(p.endpoint.info()).toMatchObject({ timestamps: true, sack: false, sndWscale: -1 });
});

test("without timestamps neither scaling nor SACK is offered or used [4987-3.6-OPTS]", () => {
  const p = always().sends("S 0:0(0) win 65535 <mss 1400,sackOK,wscale 7>");
  p.sees("S. 0:0(0) ack 1 win 65535 <mss 1460>").sends(". 1:1(0) ack 1 win 100").silent();
  const info = p.endpoint.info();
  expect(info).toMatchObject({ timestamps: false, sack: false, sndWscale: -1, sndWnd: 100 });
});

test("a cookie one off, too old, or for another port draws a RST at its ACK number [4987-A-FORM] [H051]", () => {
  const p = always().sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 2").sees("R 2:2(0)").silent();
  p.sends(". 2:2(0) ack 1").sees("R 1:1(0)").silent();
  p.peerPort++;
  p.sends(". 1:1(0) ack 1").sees("R 1:1(0)").silent();
  p.peerPort--;
  expect(counts(p)).toEqual([1, 0, 3]);
  p.until(192_000).sends(". 1:1(0) ack 1").sees("R 1:1(0)").silent();
  expect(p.accepted).toBe(false);
});

test("without a cookie sent lately no ACK is looked at [H051]", () => {
  const p = always();
  p.sends(". 1:1(0) ack 1").sees("R 1:1(0)");
  expect(counts(p)).toEqual([0, 0, 0]);
  p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  p.until(192_001).sends(". 1:1(0) ack 1").sees("R 1:1(0)");
  expect(counts(p)).toEqual([1, 0, 0]);
});

test("RST, SYN-ACK and what has no ACK complete nothing", () => {
  const p = always().sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  p.sends("R. 1:1(0) ack 1").silent();
  p.sends("S. 1:1(0) ack 1").sees("R 1:1(0)");
  p.sends("P 1:2(1)").silent();
  expect(p.accepted).toBe(false);
});

test("tcp_syncookies 1: cookies when the SYN queue is full, and not before [4987-3.6-COOKIE]", () => {
  const p = new ScriptedPeer({ settings: { tcp_max_syn_backlog: 2 } }).listens();
  for (const port of [1001, 1002, 1003]) {
    p.peerPort = port;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  }
  expect(p.stack.connections()).toHaveLength(2);
  expect(counts(p)).toEqual([1, 0, 0]);
  expect(p.stack.counters.get("TcpExtTCPReqQFullDoCookies")).toBe(1);
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
  // an entry ends: the next is remembered again
  p.peerPort = 1002;
  p.sends("R 1:1(0)");
  p.peerPort = 1004;
  p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  expect(counts(p)).toEqual([1, 1, 0]);
});

test("tcp_syncookies 0: a valid cookie of before is worth nothing", () => {
  const p = always({ tcp_syncookies: 0, tcp_max_syn_backlog: 1 });
  p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  p.peerPort++;
  p.sends(SYN_TEXT).silent();
  expect(counts(p)).toEqual([0, 0, 0]);
});

test("a full accept queue drops the ACK of a cookie; data that comes later gets in [H054]", () => {
  const p = new ScriptedPeer({ settings: { tcp_syncookies: 2 } });
  const listener = p.stack.listen({ port: 80, backlog: 0, owner: nobody });
  p.peerPort = 1001;
  const first = p.sends(SYN_TEXT).next().segment.seq;
  p.peerPort = 1002;
  p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  p.peerPort = 1001;
  p.sends(`. 1:1(0) ack ${(first + 1 - p.iss) >>> 0}`).silent();
  expect(listener.waiting).toBe(1);
  p.peerPort = 1002;
  p.sends("P. 1:4(3) ack 1").silent();
  expect(p.stack.counters.get("TcpExtListenOverflows")).toBe(1);
  expect(p.stack.counters.get("TcpExtListenDrops")).toBe(1);
  expect(listener.accept()).not.toBe(null);
  p.waits(1000).sends("P. 1:4(3) ack 1").waits(100).sees(". 1:1(0) ack 4");
  expect(listener.accept()?.receiveQueued).toBe(3);
});

test("100,000 SYNs on a full queue cost no memory, and a true client connects all the while [4987-3.6-COOKIE] [H050]", () => {
  const flood = new SynFlood(OURS);
  const stack = new Stack({
    addresses: [{ address: OURS, prefix: 24 }],
    rng: seededRng(7),
    now: instantOf(0),
    sender: flood.sender,
  });
  const listener = stack.listen({ port: 80, owner: nobody });
  const limit = stack.settings.tcp_max_syn_backlog;
  let connected = 0;
  for (let i = 0; i < 100_000; i++) {
    const now = instantOf(i / 20); // 20,000 a second
    flood.syn(stack, flood.client(i), 1024 + (i % 7), i * 7919, now);
    if (i % 1000 !== 999) continue;
    const port = 40_000 + i / 1000;
    flood.syn(stack, flood.client(131_000), port, i, now, false);
    const s = flood.sender.last();
    flood.ack(stack, flood.client(131_000), port, s.ack, s.seq + 1, now);
    stack.poll(now);
    while (listener.accept() !== null) connected++;
    expect(stack.connections().length).toBeLessThanOrEqual(limit + connected);
  }
  expect(connected).toBe(100);
  // each SYN was answered, and the entries of the queue by timer too
  expect(flood.sender.sent).toBeGreaterThanOrEqual(100_100);
  expect(stack.counters.get("TcpExtSyncookiesSent")).toBeGreaterThan(100_000 - limit);
  for (let s = 5; s < 100; s++) stack.poll(instantOf(s * 1000));
  expect(stack.connections()).toHaveLength(connected);
});
