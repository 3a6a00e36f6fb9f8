/** Keep-alive: off by default, Linux's times, probes without data, and when a peer counts as gone. */
import { expect, test } from "vitest";
import { seededRng, uniform } from "../../src/base/rng.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

test("is off unless asked for [MUST-25] [MAY-5]", () => {
  new ScriptedPeer()
    .established()
    .waits(30 * 86_400_000)
    .silent();
});

test("with the switch alone the first probe leaves at 7200 s, then every 75 s, ten in all, then it is over [MUST-28] [MUST-29] [SHLD-12]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true);
  p.settle();
  for (let n = 0; n < 10; n++) {
    const at = (7200 + 75 * n) * 1000;
    p.until(at - 1).silent();
    p.until(at).sees(". 0:0(0) ack 1", at);
    expect(p.state).toBe("ESTABLISHED");
  }
  const end = (7200 + 75 * 10) * 1000;
  p.until(end - 1).silent();
  p.until(end).sees("R. 1:1(0) ack 1", end).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  expect(p.stack.connections()).toHaveLength(0);
});

test("times of the connection and of the stack's settings are obeyed [MUST-27]", () => {
  const own = new ScriptedPeer().established();
  own.endpoint.setKeepAlive(true, 10_000, 2000, 2);
  own.settle().until(10_000).sees(". 0:0(0) ack 1").until(12_000).sees(". 0:0(0) ack 1");
  own.until(14_000).sees("R. 1:1(0) ack 1");

  const settings = { tcp_keepalive_time: 60, tcp_keepalive_intvl: 5, tcp_keepalive_probes: 1 };
  const all = new ScriptedPeer({ settings }).established();
  all.endpoint.setKeepAlive(true);
  all.settle().until(60_000).sees(". 0:0(0) ack 1").until(65_000).sees("R. 1:1(0) ack 1");
});

test("an answer keeps the connection, and the idle time starts anew [MUST-26]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true, 10_000, 1000, 3);
  p.settle().until(10_000).sees(". 0:0(0) ack 1");
  p.until(10_500).sends(". 1:1(0) ack 1").silent();
  p.until(20_499).silent().until(20_500).sees(". 0:0(0) ack 1");
});

test("anything heard moves the probe by a full interval, and none leaves while data is in flight [MUST-26]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true, 10_000, 1000, 3);
  p.settle().until(9000).sends("P. 1:2(1) ack 1").waits(100).sees(". 1:1(0) ack 2");
  p.until(18_999).silent().until(19_000).sees(". 0:0(0) ack 2");
  p.sends(". 2:2(0) ack 1");
  p.until(28_000).writes(5).sees("P. 1:6(5) ack 2");
  p.until(60_000);
  while (p.pending > 0)
    expect(p.describe(p.next().segment, "P. 0:0(0) ack 0")).toBe("P. 1:6(5) ack 2");
});

test("can be switched off again [MUST-24]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true, 1000, 1000, 3);
  p.settle().until(1000).sees(". 0:0(0) ack 1");
  p.endpoint.setKeepAlive(false);
  p.settle().waits(100_000).silent();
  expect(p.state).toBe("ESTABLISHED");
});

test("a peer that lost its state answers with RST, and that is a reset [1122-4.2.3.6-TWOSIDES]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true, 1000, 1000, 3);
  p.settle().until(1000).sees(". 0:0(0) ack 1");
  p.sends("R 1:1(0)");
  expect(p.endpoint.error?.code).toBe("ECONNRESET");
});

test("a probe of the peer, with or without its byte, is answered with an ACK [9293-3.8.4-SEQ]", () => {
  const p = new ScriptedPeer().established();
  p.sends(". 0:0(0) ack 1").sees(". 1:1(0) ack 1");
  p.sends(". 0:1(1) ack 1").sees(". 1:1(0) ack 1").silent();
  expect(p.received).toHaveLength(0);
});

test("with the user timeout option in use the first probe waits until after the timeout adopted [5482-4.2-KA]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.offerUserTimeout(100_000);
  p.endpoint.setKeepAlive(true, 10_000, 1000, 3);
  p.settle().until(100_000).silent();
  p.until(101_000).sees(". 0:0(0) ack 1 <uto 100>", 101_000);
  // and an unanswered one is no reason to end it
  p.until(102_000).sees(". 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1");
  expect(p.state).toBe("ESTABLISHED");
});

test("a user timeout of the user's own ends it at the first look after that, as in Linux", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setKeepAlive(true, 10_000, 1000, 9);
  p.endpoint.setUserTimeout(11_500);
  p.settle().until(11_999);
  expect(p.state).toBe("ESTABLISHED");
  p.until(12_000);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("a limit that is reached counts as reached, whatever fraction of a ms the clock shows", () => {
  const rng = seededRng(1);
  for (let n = 0; n < 200; n++) {
    // sums and differences of such moments round apart: a timer that waited for the rest would never be done
    const heard = 20_000 * (uniform(rng) + uniform(rng) / 2 ** 32);
    const p = new ScriptedPeer().established().waits(heard).sends("P. 1:2(1) ack 1");
    p.endpoint.setKeepAlive(true, 10_000, 2000, 1);
    p.settle().until(heard + 9999.9);
    p.sees(". 1:1(0) ack 2").silent();
    p.until(heard + 10_000.1).sees(". 0:0(0) ack 2", heard + 10_000);

    const shut = new ScriptedPeer().established("<mss 1460>", 0).waits(heard);
    shut.endpoint.setUserTimeout(5000);
    shut.writes(10);
    shut.sends(". 1:1(0) ack 1 win 0").until(heard + 5000.1);
    expect(shut.endpoint.error?.code).toBe("ETIMEDOUT");
    expect(shut.closedAt).toBeCloseTo(heard + 5000, 3);

    const lost = new ScriptedPeer().established().waits(heard).writes(10);
    lost.endpoint.setUserTimeout(5000);
    lost.settle().until(heard + 5000.1);
    expect(lost.closedAt).toBeCloseTo(heard + 5000, 3);
  }
});
