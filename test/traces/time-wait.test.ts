/** TIME-WAIT: how long, what restarts it, what it ignores, and the SYN that may end it. */
import { expect, test } from "vitest";
import { ScriptedPeer } from "../support/scripted-peer.ts";

function timeWait(settings = {}, options = "<mss 1460>"): ScriptedPeer {
  const p = new ScriptedPeer({ settings }).established(options);
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  expect(p.state).toBe("TIME-WAIT");
  return p;
}

test.each([
  [30, 60_000],
  [120, 240_000],
  [1, 2000],
])(
  "lasts 2 MSL: with tcp_msl %i it is there at %i ms less one, and then gone [MUST-13]",
  (msl, ms) => {
    const p = timeWait({ tcp_msl: msl });
    p.waits(ms - 1);
    expect(p.stack.connections()).toHaveLength(1);
    p.waits(1).silent();
    expect(p.stack.connections()).toHaveLength(0);
  },
);

test("a repeated FIN is acknowledged and starts the time anew [9293-3.10.7.4-TW]", () => {
  const p = timeWait();
  p.waits(50_000);
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  p.waits(59_999);
  expect(p.state).toBe("TIME-WAIT");
  p.waits(1).silent();
  expect(p.state).toBe("CLOSED");
});

test("the user hears of the end when TIME-WAIT begins, once", () => {
  const p = timeWait();
  expect(p.closedAt).toBe(p.time);
  const before = p.closedAt;
  p.waits(100_000);
  expect(p.closedAt).toBe(before);
});

test("a RST does not cut it short, as tcp_rfc1337 says; without the setting it does [1337-3-F1]", () => {
  const p = timeWait();
  p.sends("R 2:2(0)").silent();
  expect(p.state).toBe("TIME-WAIT");
  const q = timeWait({ tcp_rfc1337: 0 });
  q.sends("R 2:2(0)").silent();
  expect(q.state).toBe("CLOSED");
});

test("a SYN above the last number opens anew, with our number above all that was used [6191-2-SEQ] [MAY-2]", () => {
  const p = timeWait();
  const last = p.iss;
  p.sends("S 5000:5000(0) win 65535 <mss 1460>");
  const { segment } = p.next();
  expect(p.describe(segment, "S. 0:0(0) ack 0")).toBe("S. 0:0(0) ack 5001");
  expect((p.iss - last) | 0).toBeGreaterThan(65535);
  p.silent();
});

test("any other SYN is answered with an ACK only, and TIME-WAIT goes on [6191-2-DROP]", () => {
  const p = timeWait({}, "<mss 1460,TS val 500 ecr 0>".replace(/,TS.*>/, ">"));
  p.sends("S 1:1(0) win 65535 <mss 1460>").sees(". 2:2(0) ack 2").silent();
  expect(p.state).toBe("TIME-WAIT");
  expect(p.stack.connections()).toHaveLength(1);
});

test("data that comes again is acknowledged and dropped", () => {
  const p = timeWait();
  p.sends("P. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  expect(p.received).toHaveLength(0);
});

test("the socket pair is in use for an active open until TIME-WAIT is over", () => {
  const p = new ScriptedPeer().connected();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  expect(() => p.connects()).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  p.waits(60_000);
  p.connects().sees("S 0:0(0)");
});
