/** Closing against a scripted peer: every path through the closing states, resets and aborts. */
import { expect, test } from "vitest";
import { EVENT_CLOSED, EVENT_PEER_FIN } from "../../src/tcp/endpoint.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

test("our close: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  expect(p.state).toBe("FIN-WAIT-1");
  p.sends(". 1:1(0) ack 2").silent();
  expect(p.state).toBe("FIN-WAIT-2");
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  expect(p.state).toBe("TIME-WAIT");
});

test("the peer's close: CLOSE-WAIT until we end too, LAST-ACK, CLOSED [9293-3.10.7.4-FIN]", () => {
  const p = new ScriptedPeer().established();
  p.sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2");
  expect(p.state).toBe("CLOSE-WAIT");
  expect(p.events & EVENT_PEER_FIN).toBe(EVENT_PEER_FIN);
  p.waits(3_600_000).silent();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 2");
  expect(p.state).toBe("LAST-ACK");
  p.sends(". 2:2(0) ack 2").silent();
  expect(p.state).toBe("CLOSED");
  expect(p.stack.connections()).toHaveLength(0);
});

test("a FIN with the ACK of ours leads from FIN-WAIT-1 straight to TIME-WAIT", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2").silent();
  expect(p.states.slice(-2)).toEqual(["ESTABLISHED -> FIN-WAIT-1", "FIN-WAIT-1 -> TIME-WAIT"]);
});

test("a FIN without the ACK of ours leads through CLOSING [9293-3.10.7.4-CLOSING]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  p.sends("F. 1:1(0) ack 1").sees(". 2:2(0) ack 2");
  expect(p.state).toBe("CLOSING");
  p.sends(". 2:2(0) ack 2").silent();
  expect(p.state).toBe("TIME-WAIT");
});

test("data with the FIN of the peer is delivered before the end", () => {
  const p = new ScriptedPeer().established();
  p.sends("FP. 1:6(5) ack 1").sees(". 1:1(0) ack 7");
  expect([...p.received]).toEqual([1, 2, 3, 4, 5]);
  expect(p.endpoint.atEnd).toBe(true);
});

test("a FIN behind a hole waits for what is missing [9293-3.10.7.4-FIN]", () => {
  const p = new ScriptedPeer().established();
  p.sends("FP. 4:6(2) ack 1").sees(". 1:1(0) ack 1");
  expect(p.state).toBe("ESTABLISHED");
  p.sends(". 1:4(3) ack 1").sees(". 1:1(0) ack 7");
  expect(p.state).toBe("CLOSE-WAIT");
  expect([...p.received]).toEqual([1, 2, 3, 4, 5]);
});

test("data after the peer's FIN is ignored [9293-3.10.7.4-LATE]", () => {
  const p = new ScriptedPeer().established();
  p.sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2");
  p.sends("P. 2:5(3) ack 1");
  expect(p.received).toHaveLength(0);
  expect(p.state).toBe("CLOSE-WAIT");
});

test("half-close: data still comes in after our FIN, and goes out after the peer's [9293-3.10.7.4-HALF]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2");
  p.sends("P. 1:4(3) ack 2").waits(200).sees(". 2:2(0) ack 4");
  expect([...p.received]).toEqual([1, 2, 3]);

  const q = new ScriptedPeer().established();
  q.sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2");
  q.writes(5).sees("P. 1:6(5) ack 2");
});

test("a FIN that is not acknowledged is sent again, and given up in the end", () => {
  const p = new ScriptedPeer({ settings: { tcp_orphan_retries: 2 } }).established();
  p.endpoint.close();
  p.settle().sees("F. 1:1(0) ack 1", 0);
  p.waits(200).sees("F. 1:1(0) ack 1", 200);
  p.waits(400).sees("F. 1:1(0) ack 1", 600);
  p.waits(799).silent();
  expect(p.stack.connections()).toHaveLength(1);
  p.waits(1).silent();
  expect(p.stack.connections()).toHaveLength(0);
});

test("FIN-WAIT-2 without a user lasts tcp_fin_timeout; with one it lasts", () => {
  const p = new ScriptedPeer({ settings: { tcp_fin_timeout: 20 } }).established();
  p.endpoint.close();
  p.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2");
  p.waits(19_999);
  expect(p.state).toBe("FIN-WAIT-2");
  p.waits(1).silent();
  expect(p.state).toBe("CLOSED");

  const q = new ScriptedPeer({ settings: { tcp_fin_timeout: 20 } }).established();
  q.endpoint.shutdown();
  q.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2");
  q.waits(86_400_000).silent();
  expect(q.state).toBe("FIN-WAIT-2");
});

test("close with unread data, and data that comes after a close, are answered with RST [SHLD-3]", () => {
  const p = new ScriptedPeer().established();
  p.reads = false;
  p.sends("P. 1:4(3) ack 1");
  p.endpoint.close();
  p.settle().sees("R. 1:1(0) ack 4").silent();

  const q = new ScriptedPeer().established();
  q.endpoint.close();
  q.settle().sees("F. 1:1(0) ack 1");
  q.sends("P. 1:4(3) ack 2").sees("R. 2:2(0) ack 1").silent();
  expect(q.stack.connections()).toHaveLength(0);
});

test("abort sends RST at SND.NXT and drops everything queued [9293-3.10.5-ABORT]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 1500);
  p.writes(3000).sees(". 1:1001(1000) ack 1");
  while (p.pending > 0) p.next();
  const sent = p.endpoint.info().sndNxt - ((p.iss + 1) >>> 0);
  p.endpoint.abort();
  p.settle()
    .sees(`R. ${sent + 1}:${sent + 1}(0) ack 1`)
    .silent();
  expect(p.endpoint.error?.code).toBe("ECONNABORTED");
  p.waits(120_000).silent();
});

test.each(["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"] as const)(
  "RST at RCV.NXT in %s ends the connection with ECONNRESET [9293-3.10.7.4-RSTFLUSH]",
  (state) => {
    const p = new ScriptedPeer().established();
    let at = 1;
    if (state.startsWith("FIN-WAIT")) p.endpoint.shutdown();
    if (state.startsWith("FIN-WAIT")) p.settle().sees("F. 1:1(0) ack 1");
    if (state === "FIN-WAIT-2") p.sends(". 1:1(0) ack 2");
    if (state === "CLOSE-WAIT") p.sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2");
    if (state === "CLOSE-WAIT") at = 2;
    expect(p.state).toBe(state);
    p.sends(`R ${at}:${at}(0)`).silent();
    expect(p.endpoint.error?.code).toBe("ECONNRESET");
    expect(p.events & EVENT_CLOSED).toBe(EVENT_CLOSED);
    expect(p.stack.connections()).toHaveLength(0);
  },
);

test("RST elsewhere in the window draws a challenge ACK, outside of it nothing [5961-3.2-EXACT]", () => {
  const p = new ScriptedPeer().established();
  p.sends("R 2:2(0)").sees(". 1:1(0) ack 1");
  p.sends("R 70000:70000(0)").silent();
  p.sends("R. 0:0(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
});

test("a SYN on a live connection draws a challenge ACK [5961-4.2-SYN]", () => {
  const p = new ScriptedPeer().established();
  p.sends("S 1:1(0)").sees(". 1:1(0) ack 1");
  p.sends("S 90000:90000(0)").sees(". 1:1(0) ack 1");
  expect(p.state).toBe("ESTABLISHED");
});

test("segments for nobody are reset by the exact rule, and a RST never is [9293-3.10.7.1-RST] [9293-3.10.7.1-QUIET]", () => {
  const p = new ScriptedPeer({ peerIsn: 1000 });
  p.sends(". 5:5(0) ack 77").sees("R 77:77(0)");
  p.sends("S 5:5(0)").sees("R. 0:0(0) ack 6");
  p.sends("FP 5:8(3)").sees("R. 0:0(0) ack 9");
  p.sends("R 5:5(0)").silent();
  p.sends("R. 5:5(0) ack 1").silent();
});
