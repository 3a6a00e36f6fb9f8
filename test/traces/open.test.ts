/** Opening a connection, against a scripted peer: the three segments, repeats, refusals, old duplicates. */
import { expect, test } from "vitest";
import { EVENT_ESTABLISHED } from "../../src/tcp/endpoint.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

test("a passive open answers a SYN and is ESTABLISHED with the ACK [MUST-11]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460>");
  p.sees("S. 0:0(0) ack 1 win 65535 <mss 1460>");
  expect(p.states).toEqual(["LISTEN -> SYN-RECEIVED"]);
  expect(p.accepted).toBe(false);
  p.sends(". 1:1(0) ack 1");
  expect(p.state).toBe("ESTABLISHED");
  p.silent();
});

test("an active open offers MSS, SACK, timestamps and window scale in one SYN", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0) win 65535 <mss 1460,sackOK,TS,wscale 7>");
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>");
  p.sees(". 1:1(0) ack 1 <>"); // nothing that the peer did not offer
  expect(p.state).toBe("ESTABLISHED");
  expect(p.events & EVENT_ESTABLISHED).toBe(EVENT_ESTABLISHED);
});

test("a SYN-ACK that is not acknowledged goes out again with back-off, then the half-open one is forgotten", () => {
  const p = new ScriptedPeer({ settings: { tcp_synack_retries: 3 } }).listens();
  p.sends("S 0:0(0) win 65535 <mss 1460>");
  for (const at of [0, 1000, 3000, 7000]) p.until(at).sees("S. 0:0(0) ack 1", at);
  p.until(14999).silent();
  expect(p.stack.connections()).toHaveLength(1);
  p.until(60000).silent();
  expect(p.stack.connections()).toHaveLength(0);
  expect(p.states.at(-1)).toBe("SYN-RECEIVED -> CLOSED");
});

test("a repeated SYN draws the same SYN-ACK again, of which no sample is taken [MUST-18]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  p.waits(500).sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1").silent();
  p.waits(20).sends(". 1:1(0) ack 1").silent();
  expect(p.endpoint.info().srtt).toBe(0); // 20 ms, or 520?
});

test("data that comes with the ACK of the handshake is taken", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  p.sends("P. 1:4(3) ack 1");
  expect(p.received).toEqual(Uint8Array.of(1, 2, 3));
  p.waits(500).sees(". 1:1(0) ack 4");
});

test("a listener drops what has no SYN, ignores RST, and resets an ACK at its number [9293-3.10.7.2-LISTEN]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("R 7:7(0)").silent();
  p.sends("R. 7:7(0) ack 9").silent();
  p.sends("F 7:7(0)").silent();
  p.sends(". 7:7(0) ack 9").sees("R 9:9(0)");
  p.sends("S. 7:7(0) ack 9").sees("R 9:9(0)").silent();
  expect(p.stack.connections()).toHaveLength(0);
});

test("an active open is refused by RST with an acceptable ACK, and by no other [9293-3.10.7.3-RST]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.sends("R 0:0(0)").silent();
  p.sends("R. 0:0(0) ack 0").silent();
  p.sends("R. 0:0(0) ack 2").silent();
  expect(p.state).toBe("SYN-SENT");
  p.sends("R. 0:0(0) ack 1").silent();
  expect(p.endpoint.error?.code).toBe("ECONNREFUSED");
});

test("in SYN-SENT an ACK of something never sent draws RST at that number, and the open goes on [9293-3.10.7.3-ACK, 9293-3.10.7.3-DROP]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.sends("S. 0:0(0) ack 5").sees("R 5:5(0)");
  p.sends("S. 0:0(0) ack 0").sees("R 0:0(0)");
  p.sends(". 0:0(0) ack 0").sees("R 0:0(0)");
  p.sends("F 0:0(0)").sends("P 1:4(3)").sends("none 0:0(0)").silent();
  expect(p.state).toBe("SYN-SENT");
  p.sends(". 0:0(0) ack 1").silent(); // acceptable, but no SYN
  expect(p.state).toBe("SYN-SENT");
  p.sends("S. 0:0(0) ack 1").sees(". 1:1(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
});

test("an old duplicate SYN is answered, the peer's RST ends it, and the listener takes the true one [MUST-11]", () => {
  // RFC 9293 §3.5, figure 8: the peer is in SYN-SENT with another number
  const p = new ScriptedPeer().listens();
  p.sends("S 90:90(0) win 65535 <mss 1460>");
  p.sees("S. 0:0(0) ack 91");
  p.sends("R 91:91(0)").silent();
  expect(p.states).toEqual(["LISTEN -> SYN-RECEIVED", "SYN-RECEIVED -> CLOSED"]);
  expect(p.stack.connections()).toHaveLength(0);
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
});

test("a RST in SYN-RECEIVED fails an active open as refused [MUST-11]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  expect(p.state).toBe("SYN-RECEIVED");
  p.sends("R 1:1(0)").silent();
  expect(p.endpoint.error?.code).toBe("ECONNREFUSED");
});

test("SYNs that cross: the SYN-ACK of the peer completes the open [MUST-10]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.sends("S 0:0(0) win 65535 <mss 1460>");
  p.sees("S. 0:0(0) ack 1");
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1460>");
  expect(p.state).toBe("ESTABLISHED");
  p.writes(3).sees("P. 1:4(3) ack 1");
});

test("in SYN-RECEIVED an ACK outside of what was sent draws RST [9293-3.10.7.4-SYNRCVD]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 0").sees("R 0:0(0)");
  p.sends(". 1:1(0) ack 2").sees("R 2:2(0)").silent();
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
});

test.each(["R 1:1(0)", "S 1:1(0)", "S 7:7(0)"])(
  "in SYN-RECEIVED %s brings a passive open back to LISTEN, and nobody hears of it [9293-3.10.7.4-SYNRCVD, MUST-11]",
  (segment) => {
    const p = new ScriptedPeer().listens();
    p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
    p.sends(segment).silent();
    expect(p.accepted).toBe(false);
    expect(p.events).toBe(0);
    expect(p.stack.connections()).toHaveLength(0);
    p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
    expect(p.state).toBe("ESTABLISHED");
  },
);

test("text and FIN that come with a SYN are not lost in sequence [9293-3.10.7.2-LISTEN]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("FS 0:5(5) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
  p.sends("FP. 1:6(5) ack 1").sees(". 1:1(0) ack 7");
  expect([...p.received]).toEqual([1, 2, 3, 4, 5]);
  expect(p.state).toBe("CLOSE-WAIT");
});

test("SYNs that cross go through SYN-RECEIVED with the same number [MUST-10]", () => {
  const p = new ScriptedPeer().connects().sees("S 0:0(0)");
  const { iss } = p;
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1").silent();
  expect(p.iss).toBe(iss);
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.states).toEqual([
    "CLOSED -> SYN-SENT",
    "SYN-SENT -> SYN-RECEIVED",
    "SYN-RECEIVED -> ESTABLISHED",
  ]);
});

test("a SYN goes out again with back-off for more than three minutes, then the open times out [MUST-22, MUST-23, 6298-2.1]", () => {
  const p = new ScriptedPeer().connects();
  for (const s of [0, 1, 3, 7, 15, 31, 63, 127]) p.until(s * 1000).sees("S 0:0(0)", s * 1000);
  p.until(180_000);
  expect(p.state).toBe("SYN-SENT");
  p.until(246_999).silent();
  expect(p.state).toBe("SYN-SENT");
  p.until(247_000).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  expect(p.stack.connections()).toHaveLength(0);
});

test("tcp_syn_retries says how often", () => {
  const p = new ScriptedPeer({ settings: { tcp_syn_retries: 1 } }).connects();
  p.sees("S 0:0(0)", 0).until(1000).sees("S 0:0(0)", 1000).until(2999).silent();
  expect(p.state).toBe("SYN-SENT");
  p.until(3000).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("with timestamps too data begins with 3 s after a lost SYN, and the next sample brings it down [6298-5.7]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)").until(1000);
  const { tsVal } = p.next().segment;
  p.waits(50).sends(`S. 0:0(0) ack 1 win 65535 <mss 1460,TS val 7 ecr ${tsVal >>> 0}>`);
  p.sees(". 1:1(0) ack 1");
  expect(p.endpoint.info().srtt).toBe(50);
  expect(p.endpoint.info().rto).toBe(3000);
  p.writes(10).sees("P. 1:11(10) ack 1").waits(50).sends(". 1:1(0) ack 11 <TS val 8 ecr 0>");
  expect(p.endpoint.info().rto).toBeLessThan(1000);
});

test("a SYN-ACK that comes again echoes the first SYN, whose age is no round trip [MUST-18, 6298-5.7]", () => {
  const p = new ScriptedPeer().connects();
  const { tsVal } = p.next().segment;
  p.until(1000).sees("S 0:0(0)");
  p.waits(40).sends(`S. 0:0(0) ack 1 win 65535 <mss 1460,TS val 7 ecr ${tsVal >>> 0}>`);
  p.sees(". 1:1(0) ack 1");
  expect(p.endpoint.info()).toMatchObject({ srtt: 0, rto: 3000 });
  // of data that left once the first sample is one
  p.writes(10).sees("P. 1:11(10) ack 1").waits(40).sends(". 1:1(0) ack 11 <TS val 8 ecr 0>");
  expect(p.endpoint.info()).toMatchObject({ srtt: 40, rto: 240 });
});

test("after a SYN that was lost data begins with an RTO of 3 s [6298-5.7]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)").until(1000).sees("S 0:0(0)");
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1460>").sees(". 1:1(0) ack 1");
  p.writes(10).sees("P. 1:11(10) ack 1");
  p.until(3999).silent().until(4000).sees("P. 1:11(10) ack 1", 4000);
});

test("closed while SYN-SENT: nothing is sent, and a late SYN-ACK is reset [9293-3.10.4-FIN]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.endpoint.close();
  p.settle().silent();
  expect(p.stack.connections()).toHaveLength(0);
  p.sends("S. 0:0(0) ack 1").sees("R 1:1(0)");
});

test("data written and the stream ended before the open is complete leave in order", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.endpoint.send(Uint8Array.of(1, 2, 3));
  p.endpoint.shutdown();
  p.settle().silent();
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1460>");
  p.sees("FP. 1:4(3) ack 1").silent();
  expect(p.state).toBe("FIN-WAIT-1");
});
