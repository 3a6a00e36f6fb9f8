/** What a program may set of one connection or of a listener's: cork, quick ACKs, buffers, MSS, SYNs, TTL, lingering. */
import { expect, test } from "vitest";
import type { Tuning } from "../../src/tcp/tuning.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** A passive open of a listener with options of its own. */
function tuned(tuning: Tuning): ScriptedPeer {
  const p = new ScriptedPeer();
  const listener = p.listens().stack.listen({
    port: 81,
    tuning,
    owner: { onConnection: (from) => void from.accept() },
  });
  expect(listener.port).toBe(81);
  p.ourPort = 81;
  return p;
}

test("a cork holds a short segment, a full one leaves; pulled, or after the time of a window probe, the rest goes", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.endpoint.setCork(true);
  p.writes(1300).sees(". 1:1001(1000) ack 1").silent();
  p.sends(". 1:1(0) ack 1001").silent();
  p.endpoint.setCork(false);
  p.settle().sees("P. 1001:1301(300) ack 1").silent();
  p.sends(". 1:1(0) ack 1301");
  p.endpoint.setCork(true);
  p.writes(10).silent().waits(99).silent();
  p.waits(120).sees("P. 1301:1311(10) ack 1");
  p.sends(". 1:1(0) ack 1311");
  // the end does not wait
  p.writes(10);
  p.endpoint.shutdown();
  p.settle().sees("FP. 1311:1321(10) ack 1").silent();
});

test("quick ACKs: one that is put off leaves now; switched off they wait for data from the first segment on", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.sends("P. 1:11(10) ack 1").sees(". 1:1(0) ack 11");
  p.endpoint.setQuickAck(false);
  p.sends("P. 11:21(10) ack 1").silent();
  p.endpoint.setQuickAck(true);
  p.settle().sees(". 1:1(0) ack 21").silent();
});

test("a buffer that the program sets is the window, decides the scale and does not grow", () => {
  const p = tuned({ receiveBuffer: 20_000 });
  p.sends("S 0:0(0) win 65535 <mss 1000,wscale 3>").sees("S. 0:0(0) ack 1 win 20000");
  const q = tuned({ receiveBuffer: 300_000 });
  q.sends("S 0:0(0) win 65535 <mss 1000,nop,wscale 3>".replace("nop,", ""));
  expect(q.next().segment.windowScale).toBe(3);
});

test("the MSS that the program sets is offered, and nothing larger is sent", () => {
  const p = new ScriptedPeer().connects(80, { tuning: { maxSegment: 700 } });
  expect(p.next().segment.mss).toBe(700);
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>").sees(". 1:1(0) ack 1");
  p.writes(700).sees("P. 1:701(700) ack 1");
});

test("SYNs, the TTL and the time in FIN-WAIT-2 are the socket's own", () => {
  const p = new ScriptedPeer().connects(80, { tuning: { synRetries: 1, ttl: 9 } });
  expect(p.next().ip.ttl).toBe(9);
  p.waits(1000);
  expect(p.next().ip.ttl).toBe(9);
  p.waits(2000).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  const q = new ScriptedPeer().established();
  q.endpoint.tune({ finTimeout: 2, ttl: 5 });
  q.endpoint.close();
  q.settle();
  expect(q.next().ip.ttl).toBe(5);
  q.sends(". 1:1(0) ack 2").waits(1900);
  expect(q.state).toBe("FIN-WAIT-2");
  q.waits(200);
  expect(q.state).toBe("CLOSED");
});

test("a listener that defers has no connection before data, and gives up as it was told", () => {
  const p = tuned({ deferAccept: 2 });
  p.sends("S 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.stack.connections().map((c) => c.state)).toEqual(["SYN-RECEIVED"]);
  p.sends("P. 1:4(3) ack 1");
  expect(p.stack.connections().map((c) => c.state)).toEqual(["ESTABLISHED"]);
});

test("in slow start the window grows when more than half of it was in use, in avoidance when all of it was", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.writes(5000);
  while (p.pending > 0) p.next();
  p.sends(". 1:1(0) ack 5001");
  expect(p.endpoint.info().cwnd).toBe(10_000);
  p.writes(10_000);
  while (p.pending > 0) p.next();
  p.sends(". 1:1(0) ack 11001");
  expect(p.endpoint.info().cwnd).toBe(16_000);
});

test("part of a chunk can be received, and the window opens by that part", () => {
  const p = new ScriptedPeer();
  p.reads = false;
  p.established("<mss 1000>").sends("P. 1:1001(1000) ack 1");
  expect(p.endpoint.receive(300)).toHaveLength(300);
  expect(p.endpoint.receiveQueued).toBe(700);
  expect(p.endpoint.receive()).toHaveLength(700);
  expect(p.endpoint.receive(5)).toBe(null);
});
