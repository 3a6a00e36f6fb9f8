/** The user timeout: the user's own, and the one agreed with the peer by the option of RFC 5482. */
import { expect, test } from "vitest";
import { readTcpOptions, tcpOptionsLength, writeTcpOptions } from "../../src/wire/tcp-options.ts";
import { createTcpSegment } from "../../src/wire/tcp-segment.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** An active open that offers `ours` ms, to a peer that says `theirs` seconds (0: nothing). */
function agreed(ours: number, theirs: number): ScriptedPeer {
  const p = new ScriptedPeer();
  p.settle = () => p; // the offer is to be on the SYN
  p.connects();
  p.endpoint.offerUserTimeout(ours);
  Reflect.deleteProperty(p, "settle");
  p.settle().next();
  p.sends(`S. 0:0(0) ack 1 win 65535 <mss 1460${theirs > 0 ? `,uto ${theirs}` : ""}>`).next();
  return p;
}

test.each([
  [90, [28, 4, 0, 90]],
  [32767, [28, 4, 0x7f, 0xff]],
  [32768, [28, 4, 0x82, 0x23]],
  [300 * 60 * 60, [28, 4, 0x80 | 0x46, 0x50]],
])(
  "%i s are written in seconds where they fit, else in minutes [5482-3.3-FORM]",
  (seconds, bytes) => {
    const s = createTcpSegment();
    s.userTimeout = seconds;
    const buf = new Uint8Array(8);
    expect(writeTcpOptions(buf, 0, s)).toBe(4);
    expect(tcpOptionsLength(s)).toBe(4);
    expect([...buf.subarray(0, 4)]).toEqual(bytes);
  },
);

test("the unit bit says minutes; 0, a wrong length and a repetition count for nothing [5482-3.3-FORM]", () => {
  const read = (...bytes: number[]): number => {
    const s = createTcpSegment();
    expect(readTcpOptions(Uint8Array.from(bytes), 0, bytes.length, s)).toBe(null);
    return s.userTimeout;
  };
  expect(read(28, 4, 0, 90)).toBe(90);
  expect(read(28, 4, 0x80, 5)).toBe(300);
  expect(read(28, 4, 0xff, 0xff)).toBe(32767 * 60);
  expect(read(28, 4, 0, 0)).toBe(0);
  expect(read(28, 4, 0x80, 0)).toBe(0);
  expect(read(28, 3, 0, 1)).toBe(0);
  expect(read(28, 4, 0, 90, 28, 4, 0, 91)).toBe(90);
});

test("an offer of 0 is none: nothing is written [5482-3.3-FORM]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.offerUserTimeout(0);
  p.writes(1).sees("P. 1:2(1) ack 1 <>");
});

test("offered before the SYN leaves, the option is on it and on the segment after; after a change on the next [5482-3-SEND]", () => {
  const p = new ScriptedPeer();
  p.settle = () => p;
  p.connects();
  p.endpoint.offerUserTimeout(600_000);
  Reflect.deleteProperty(p, "settle");
  p.settle();
  expect(p.next().segment.userTimeout).toBe(600);
  p.sends("S. 0:0(0) ack 1 <mss 1460>");
  p.sees(". 1:1(0) ack 1 <uto 600>");
  p.writes(1).sees("P. 1:2(1) ack 1 <>").sends(". 1:1(0) ack 2");
  p.endpoint.offerUserTimeout(300_500);
  p.settle().silent(); // no segment for its own sake
  p.writes(1).sees("P. 2:3(1) ack 1 <uto 301>").sends(". 1:1(0) ack 3");
  p.writes(1).sees("P. 3:4(1) ack 1 <>");
});

test("a server's option is on the segment after the offer, and takes its bytes off a full segment [5482-3-SEND] [MUST-16]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0>").next();
  p.sends(". 1:1(0) ack 1 <TS val 1 ecr 0>");
  p.sends(". 11:21(10) ack 1 <TS val 1 ecr 0>").sends(". 31:41(10) ack 1 <TS val 1 ecr 0>");
  p.sends(". 51:61(10) ack 1 <TS val 1 ecr 0>");
  while (p.pending > 0) p.next();
  p.endpoint.offerUserTimeout(600_000);
  p.writes(2900);
  const { segment, ip } = p.next();
  expect([segment.userTimeout, segment.sackCount]).toEqual([600, 2]);
  expect(ip.totalLength).toBeLessThanOrEqual(1500);
});

test("without an offer of ours the peer's option is not obeyed [5482-3-SEND]", () => {
  const p = new ScriptedPeer().established().sends(". 1:1(0) ack 1 <uto 200>");
  expect(p.endpoint.info().userTimeout).toBe(0);
  p.endpoint.offerUserTimeout(100_000); // now it is
  expect(p.endpoint.info().userTimeout).toBe(200_000);
});

test.each([
  [200, 0, 200],
  [200, 300, 300],
  [400, 300, 400],
  [20, 30, 100],
  [200, 10_000, 3600],
])(
  "offered %i s, told %i s: %i s, within 100 s and an hour [5482-3.1-CALC] [5482-3.1-LIMITS]",
  (ours, theirs, expected) => {
    const p = agreed(ours * 1000, theirs);
    expect(p.endpoint.info().userTimeout).toBe(expected * 1000);
    p.writes(1).next();
    p.until(expected * 1000 - 1);
    expect(p.state).toBe("ESTABLISHED");
    p.until(expected * 1000);
    expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  },
);

test("the peer may change its mind, in any acceptable segment; never below the limit [5482-3.1-LIMITS]", () => {
  const p = agreed(150_000, 0);
  p.sends(". 1:1(0) ack 1 <uto 500>");
  expect(p.endpoint.info().userTimeout).toBe(500_000);
  p.sends(". 100000:100000(0) ack 1 <uto 900>"); // outside the window
  expect(p.endpoint.info().userTimeout).toBe(500_000);
  p.sends(". 1:1(0) ack 1 <uto 1>");
  expect(p.endpoint.info().userTimeout).toBe(150_000);
});

test("an RTO above 100 s is the lower limit [5482-3.1-LIMITS]", () => {
  const p = agreed(300_000, 0);
  p.writes(1).next();
  p.until(103_000);
  expect(p.endpoint.info().rto).toBe(102_400);
  p.endpoint.offerUserTimeout(100_000);
  expect(p.endpoint.info().userTimeout).toBe(102_400);
});

test("a timeout that the user set is not the peer's to change [5482-3.1-FIXED]", () => {
  const p = agreed(200_000, 300);
  p.endpoint.setUserTimeout(5000);
  p.sends(". 1:1(0) ack 1 <uto 1000>");
  p.writes(1).next();
  p.until(4999);
  expect(p.state).toBe("ESTABLISHED");
  p.until(5000);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("a timeout set while data is under way counts from when that was sent; 0 takes it back", () => {
  const p = new ScriptedPeer().established().writes(1);
  p.until(3000);
  p.endpoint.setUserTimeout(5000);
  p.settle().until(4999);
  expect(p.state).toBe("ESTABLISHED");
  p.endpoint.setUserTimeout(0);
  p.settle().until(20_000);
  expect(p.state).toBe("ESTABLISHED");
  p.endpoint.setUserTimeout(5000); // long over
  p.settle().until(20_001);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("with Infinity nobody ever gives up [MUST-21]", () => {
  const p = new ScriptedPeer({ settings: { tcp_retries2: 1 } }).established();
  p.endpoint.setUserTimeout(Infinity);
  p.writes(1).until(30 * 86_400_000);
  expect(p.state).toBe("ESTABLISHED");
});

test("progress starts the time anew", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.setNoDelay(true);
  p.endpoint.setUserTimeout(5000);
  p.writes(10).writes(10);
  p.until(4000).sends(". 1:1(0) ack 11");
  p.until(8999);
  expect(p.state).toBe("ESTABLISHED");
  p.until(9000);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("a window that stays closed is no lack of progress while the peer answers", () => {
  const p = new ScriptedPeer().established("<mss 1460>", 100);
  p.endpoint.setUserTimeout(5000);
  p.writes(200).next();
  p.waits(1000).sends(". 1:1(0) ack 101 win 0");
  for (let n = 0; n < 60; n++) {
    p.waits(1000);
    if (p.pending > 0) p.sends(". 1:1(0) ack 101 win 0");
    while (p.pending > 0) p.next();
  }
  expect(p.state).toBe("ESTABLISHED");
});

test("what is no time is refused", () => {
  const p = new ScriptedPeer().established();
  for (const ms of [-1, Number.NaN]) {
    expect(() => p.endpoint.setUserTimeout(ms)).toThrow(/EINVAL/);
    expect(() => p.endpoint.offerUserTimeout(ms)).toThrow(/EINVAL/);
  }
  expect(() => p.endpoint.offerUserTimeout(Infinity)).toThrow(/EINVAL/);
});

test("a listener remembers what a SYN asks for until the ACK, and of another's SYN nothing [5482-3.1-CALC]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,uto 300>").sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
  p.endpoint.offerUserTimeout(100_000);
  expect(p.endpoint.info().userTimeout).toBe(300_000);
  p.peerPort = 40001;
  while (p.pending > 0) p.next();
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
  p.endpoint.offerUserTimeout(100_000);
  expect(p.endpoint.info().userTimeout).toBe(100_000);
});

test("a limit of Infinity holds no connection whose user is gone: orphan retries count again, for data and for probes [MUST-21]", () => {
  const data = new ScriptedPeer({ settings: { tcp_orphan_retries: 2 } }).established();
  data.endpoint.setUserTimeout(Infinity);
  data.writes(10).endpoint.close();
  data.settle().waits(60_000);
  expect(data.state).toBe("CLOSED");

  const probes = new ScriptedPeer({ settings: { tcp_orphan_retries: 2 } }).established(
    "<mss 1460>",
    0,
  );
  probes.endpoint.setUserTimeout(Infinity);
  probes.writes(10).endpoint.close();
  probes.settle().waits(60_000);
  expect(probes.state).toBe("CLOSED");

  const held = new ScriptedPeer({ settings: { tcp_orphan_retries: 2 } }).established();
  held.endpoint.setUserTimeout(Infinity);
  held.writes(10).waits(10 * 24 * 3_600_000);
  expect(held.state).toBe("ESTABLISHED"); // whose user is there
});
