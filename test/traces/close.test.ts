/** Closing against a scripted peer: every path through the closing states, resets and aborts. */
import { expect, test } from "vitest";
import { EVENT_CLOSED, EVENT_PEER_FIN, EVENT_URGENT } from "../../src/tcp/endpoint.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

test("our close: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT [9293-3.10.7.4-CLOSING]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  expect(p.state).toBe("FIN-WAIT-1");
  p.sends(". 1:1(0) ack 2").silent();
  expect(p.state).toBe("FIN-WAIT-2");
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  expect(p.state).toBe("TIME-WAIT");
});

test("the peer's close: CLOSE-WAIT until we end too, LAST-ACK, CLOSED [9293-3.10.7.4-FIN, 9293-3.10.7.4-CLOSING]", () => {
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

test("a FIN with the ACK of ours leads from FIN-WAIT-1 straight to TIME-WAIT [9293-3.10.7.4-CLOSING]", () => {
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

test("data and URG after the peer's FIN are ignored [9293-3.10.7.4-LATE]", () => {
  const p = new ScriptedPeer().established();
  p.sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2");
  p.sends("P. 2:5(3) ack 1").sends("P.U 2:5(3) ack 1 urg 2");
  expect(p.received).toHaveLength(0);
  expect(p.events & EVENT_URGENT).toBe(0);
  expect(p.state).toBe("CLOSE-WAIT");
  expect(p.endpoint.info().rcvNxt).toBe(p.peerSeq(2) >>> 0);
});

test("text beyond a FIN that waits behind a hole is never delivered [9293-3.10.7.4-LATE]", () => {
  const p = new ScriptedPeer().established();
  p.sends("F. 11:11(0) ack 1").sees(". 1:1(0) ack 1");
  p.sends("P. 11:21(10) ack 1").sees(". 1:1(0) ack 1");
  p.sends("P. 1:31(30) ack 1").sees(". 1:1(0) ack 12");
  expect(p.received).toHaveLength(10);
  expect(p.state).toBe("CLOSE-WAIT");
});

test("a FIN in CLOSED, LISTEN and SYN-SENT is not processed [9293-3.10.7.4-FIN]", () => {
  new ScriptedPeer({ peerIsn: 1000 }).sends("F. 5:5(0) ack 9").sees("R 9:9(0)").silent();
  const listener = new ScriptedPeer().listens().sends("F 5:5(0)").silent();
  expect(listener.stack.connections()).toHaveLength(0);
  const p = new ScriptedPeer().connects().sees("S 0:0(0)");
  p.sends("F 0:0(0)").sends("F. 0:0(0) ack 1").silent();
  expect(p.state).toBe("SYN-SENT");
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1460>").sees(". 1:1(0) ack 1");
  expect(p.state).toBe("ESTABLISHED");
});

test("the FIN has the number after the last byte, and ending twice sends it once [9293-3.10.4-FIN]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 3000);
  p.endpoint.send(new Uint8Array(3500));
  p.endpoint.shutdown();
  p.endpoint.shutdown();
  p.settle();
  for (const at of [1, 1001]) p.sees(`. ${at}:${at + 1000}(1000) ack 1`);
  p.sees("P. 2001:3001(1000) ack 1").silent(); // the window is full, and the FIN comes after everything queued
  expect(p.state).toBe("ESTABLISHED");
  p.sends(". 1:1(0) ack 3001 win 3000").sees("FP. 3001:3501(500) ack 1").silent();
  p.endpoint.shutdown();
  p.endpoint.close();
  p.settle().silent();
  p.sends(". 1:1(0) ack 3502").silent();
  expect(p.state).toBe("FIN-WAIT-2");
});

test("ended in SYN-RECEIVED with data queued, data and FIN wait for the ACK of the SYN [9293-3.10.4-FIN]", () => {
  const p = new ScriptedPeer().connects().sees("S 0:0(0)");
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  p.endpoint.send(Uint8Array.of(1, 2, 3));
  p.endpoint.shutdown();
  p.settle().silent();
  expect(p.state).toBe("SYN-RECEIVED");
  p.sends(". 1:1(0) ack 1").sees("FP. 1:4(3) ack 1").silent();
  expect(p.state).toBe("FIN-WAIT-1");
});

test("closing a listener ends it: the next SYN is refused [9293-3.10.4-FIN]", () => {
  const p = new ScriptedPeer({ peerIsn: 0 });
  const listener = p.stack.listen({ port: 80, owner: { onConnection: () => {} } });
  p.sends("F 5:5(0)").silent();
  listener.close();
  p.settle().sends("S 5:5(0)").sees("R. 0:0(0) ack 6").silent();
  expect(p.stack.connections()).toHaveLength(0);
});

test("ending is half of a close: reading goes on; a full close ends both [MAY-1]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2");
  p.sends("P. 1:4(3) ack 2");
  expect([...p.received]).toEqual([1, 2, 3]);
  expect(() => p.endpoint.send(Uint8Array.of(1))).toThrow(
    expect.objectContaining({ code: "EPIPE" }),
  );
  const q = new ScriptedPeer().established();
  q.endpoint.close();
  q.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2");
  q.sends("P. 1:4(3) ack 2").sees("R 2:2(0)").silent();
  expect(q.received).toHaveLength(0);
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

test("a FIN that is not acknowledged is sent again, and given up after tcp_orphan_retries", () => {
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

test("data of a connection that nobody holds is given up sooner, after tcp_orphan_retries", () => {
  const settings = { tcp_orphan_retries: 2, tcp_retries2: 5 };
  const held = new ScriptedPeer({ settings }).established();
  held.writes(5).waits(200 + 400 + 800);
  expect(held.state).toBe("ESTABLISHED");
  held.waits(1600 + 3200 + 6400 - 1);
  expect(held.state).toBe("ESTABLISHED");
  held.waits(1);
  expect(held.state).toBe("CLOSED");

  const orphan = new ScriptedPeer({ settings }).established();
  orphan.writes(5);
  orphan.endpoint.close();
  orphan.settle().waits(200 + 400 + 800 - 1);
  expect(orphan.state).toBe("FIN-WAIT-1");
  orphan.waits(1);
  expect(orphan.state).toBe("CLOSED");

  // a zero window that nobody answers any more
  const shut = new ScriptedPeer({ settings }).established("<mss 1460>", 0);
  shut.writes(5);
  shut.endpoint.close();
  shut.settle().waits(10_000);
  expect(shut.state).toBe("CLOSED");
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
  // a user who has read on for a day and closes then: the time runs from the close
  q.endpoint.close();
  q.settle().waits(19_999).silent();
  expect(q.state).toBe("FIN-WAIT-2");
  q.waits(1).silent();
  expect(q.state).toBe("CLOSED");
});

test("close with unread data, and data that comes after a close, are answered with RST [SHLD-3, MAY-1]", () => {
  const p = new ScriptedPeer().established();
  p.reads = false;
  p.sends("P. 1:4(3) ack 1").sees(". 1:1(0) ack 4");
  p.endpoint.close();
  p.settle().sees("R. 1:1(0) ack 4").silent();

  const q = new ScriptedPeer().established();
  q.endpoint.close();
  q.settle().sees("F. 1:1(0) ack 1");
  q.sends("P. 1:4(3) ack 2").sees("R 2:2(0)").silent();
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
