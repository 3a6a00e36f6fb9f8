/** Receiving: when ACKs leave, what is kept out of order, what is cut off, old duplicates, SACK blocks. */
import { expect, test } from "vitest";
import { ScriptedPeer } from "../support/scripted-peer.ts";

function bytes(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => (from + i) & 0xff);
}

test("one segment is acknowledged after 40 ms, far below 500 [MUST-40] [SHLD-18]", () => {
  const p = new ScriptedPeer().established().aged();
  p.sends("P. 1:101(100) ack 1").waits(39).silent();
  p.waits(1).sees(". 1:1(0) ack 101", 40).silent();
});

test("the first 16 segments draw an ACK each, then every second full one does", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.sends("P. 1:11(10) ack 1").sees(". 1:1(0) ack 11");
  for (let n = 0; n < 15; n++) {
    const [from, to] = [11 + 1000 * n, 1011 + 1000 * n];
    p.sends(`. ${from}:${to}(1000) ack 1`).sees(`. 1:1(0) ack ${to}`).silent();
  }
  p.sends(". 15011:16011(1000) ack 1").silent();
  p.sends(". 16011:17011(1000) ack 1").sees(". 1:1(0) ack 17011").silent();
});

test("a small receive buffer has fewer quick ACKs, two at least", () => {
  for (const [buffer, quick] of [
    [16_080, 15],
    [4096, 3],
    [2048, 2],
  ] as const) {
    const settings = { tcp_rmem: [1024, buffer, buffer] as const };
    const p = new ScriptedPeer({ settings }).established("<mss 536>");
    for (let n = 0; n < quick; n++) {
      p.sends(`. ${1 + n}:${2 + n}(1) ack 1`).sees(`. 1:1(0) ack ${2 + n}`);
    }
    p.sends(`. ${1 + quick}:${2 + quick}(1) ack 1`).silent();
  }
});

test("who has answered with data acknowledges no segment by itself before its time", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.sends(". 1:1001(1000) ack 1").sees(". 1:1(0) ack 1001");
  p.waits(39).writes(10).sees("P. 1:11(10) ack 1001");
  p.sends(". 1001:2001(1000) ack 11").waits(39).silent();
  p.waits(1).sees(". 11:11(0) ack 2001");
  // a request before the first text is no answer, nor is what comes much later
  const client = new ScriptedPeer().established("<mss 1000>");
  client.writes(10).sees("P. 1:11(10) ack 1");
  client.sends(". 1:1001(1000) ack 11").sees(". 11:11(0) ack 1001");
  client.waits(40).writes(10).sees("P. 11:21(10) ack 1001");
  client.sends(". 1001:2001(1000) ack 21").sees(". 21:21(0) ack 2001");
});

test("after a pause of more than an RTO the next segments are acknowledged at once again", () => {
  const p = new ScriptedPeer().established("<mss 1000>").aged();
  p.sends(". 1:101(100) ack 1").silent().waits(40).sees(". 1:1(0) ack 101");
  p.waits(p.endpoint.info().rto - 41)
    .sends(". 101:201(100) ack 1")
    .silent();
  p.waits(200).sees(". 1:1(0) ack 201").waits(1000);
  p.sends(". 201:301(100) ack 1").sees(". 1:1(0) ack 301");
});

test("an ACK waits as long as text is apart, at most a round trip and 200 ms [MUST-40]", () => {
  /** ms that the ACK of the second of two segments waits, when the first one's waited in vain `vain` times. */
  const wait = (rtt: number, vain: number): number => {
    const p = new ScriptedPeer().listens();
    p.sends("S 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1").waits(rtt);
    p.sends(". 1:1(0) ack 1").aged();
    let next = 1;
    for (let n = 0; ; n++) {
      const { time } = p;
      p.sends(`. ${next}:${next + 10}(10) ack 1`).silent();
      next += 10;
      p.waits(205);
      const seen = p.next();
      if (n === vain) return Math.round(seen.at - time);
    }
  };
  expect(wait(600, 0)).toBe(40);
  expect([wait(600, 1), wait(600, 2), wait(600, 5)]).toEqual([80, 160, 200]);
  expect([wait(100, 1), wait(100, 5)]).toEqual([80, 100]);
  expect(wait(10, 5)).toBe(40);
});

test("the second full segment draws an ACK at once [SHLD-19]", () => {
  const p = new ScriptedPeer().established("<mss 1000>").aged();
  p.sends(". 1:1001(1000) ack 1").silent();
  p.sends(". 1001:2001(1000) ack 1").sees(". 1:1(0) ack 2001").silent();
});

test("an ACK that is owed goes along with data", () => {
  const p = new ScriptedPeer().established().aged();
  p.sends("P. 1:101(100) ack 1").silent();
  p.writes(3).sees("P. 1:4(3) ack 101").waits(150).silent();
});

test("segments of one batch are acknowledged together [MUST-58] [MUST-59]", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  const settle = p.settle.bind(p);
  p.settle = () => p; // the batch is not over
  for (let n = 0; n < 6; n++) p.sends(`. ${1 + 1000 * n}:${1001 + 1000 * n}(1000) ack 1`);
  p.settle = settle;
  p.settle().sees(". 1:1(0) ack 6001").silent();
});

test("what comes out of order is kept, acknowledged at once, and delivered in order [SHLD-31, 5681-3.2-OOO, MAY-13]", () => {
  const p = new ScriptedPeer().established();
  p.sends(". 11:21(10) ack 1").sees(". 1:1(0) ack 1");
  p.sends(". 31:41(10) ack 1").sees(". 1:1(0) ack 1");
  expect(p.received).toHaveLength(0);
  p.sends(". 1:11(10) ack 1").sees(". 1:1(0) ack 21");
  p.sends(". 21:31(10) ack 1").sees(". 1:1(0) ack 41").silent();
  expect([...p.received]).toEqual(bytes(1, 41));
});

test("a segment that straddles what was received gives only its new bytes, once [9293-3.10.7.4-TRIM]", () => {
  const p = new ScriptedPeer().established().aged();
  p.sends("P. 1:11(10) ack 1").sends("P. 6:16(10) ack 1");
  expect([...p.received]).toEqual(bytes(1, 16));
  p.waits(100).sees(". 1:1(0) ack 16");
  p.sends("P. 6:16(10) ack 1").sees(". 1:1(0) ack 16").silent();
  expect([...p.received]).toEqual(bytes(1, 16));
});

test("overlapping pieces out of order make one stream", () => {
  const p = new ScriptedPeer().established();
  for (const [from, to] of [
    [5, 15],
    [10, 30],
    [25, 40],
    [3, 8],
    [20, 50],
  ] as const) {
    p.sends(`. ${from}:${to}(${to - from}) ack 1`);
  }
  p.sends(". 1:4(3) ack 1");
  expect([...p.received]).toEqual(bytes(1, 50));
});

test("text beyond the window is cut off and not delivered [9293-3.4-ACCEPT] [9293-3.10.7.4-TRIM]", () => {
  const settings = { tcp_rmem: [4096, 4096, 4096] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1460>");
  p.reads = false;
  p.sends(". 1:4197(4196) ack 1");
  p.read();
  expect(p.received).toHaveLength(4096);
  expect([...p.received]).toEqual(bytes(1, 4097));
});

test("a segment outside the window, old or too new, is answered with SND.NXT and RCV.NXT and dropped [9293-3.10.7.4-UNACC]", () => {
  const p = new ScriptedPeer().established();
  p.writes(5).sees("P. 1:6(5) ack 1");
  p.sends("P. 1:11(10) ack 1").waits(50).sees(". 6:6(0) ack 11");
  p.sends("P. 100001:100011(10) ack 6").sees(". 6:6(0) ack 11").silent();
  p.sends("P. 1:11(10) ack 6").sees(". 6:6(0) ack 11").silent();
  p.sends("F. 3:3(0) ack 6").sees(". 6:6(0) ack 11").silent();
  p.sends(". 5:5(0) ack 6").sees(". 6:6(0) ack 11").silent();
  expect([...p.received]).toEqual(bytes(1, 11));
  expect(p.state).toBe("ESTABLISHED");
  // dropped: its ACK does not count either
  expect(p.endpoint.info().sndUna).toBe(p.ourSeq(1) >>> 0);
});

test("an ACK of what was never sent draws an ACK, and its text is dropped [9293-3.10.7.4-FUTURE]", () => {
  const p = new ScriptedPeer().established();
  p.writes(5).sees("P. 1:6(5) ack 1");
  p.sends("P. 1:11(10) ack 7").sees(". 6:6(0) ack 1").silent();
  expect(p.received).toHaveLength(0);
  expect(p.endpoint.info().sndUna).toBe(p.ourSeq(1) >>> 0);
});

test("a segment without ACK is dropped [9293-3.10.7.4-NOACK]", () => {
  const p = new ScriptedPeer().established();
  p.sends("P 1:11(10)").waits(1000).silent();
  p.sends("F 1:1(0)").waits(1000).silent();
  expect(p.state).toBe("ESTABLISHED");
  expect(p.received).toHaveLength(0);
});

test("SACK blocks name what is held, the newest first [2018-4-FIRST] [2018-4-REPEAT] [2018-4-ALL]", () => {
  const p = new ScriptedPeer().established("<mss 1460,sackOK>");
  p.sends(". 11:21(10) ack 1").sees(". 1:1(0) ack 1 <sack 11:21>");
  p.sends(". 31:41(10) ack 1").sees(". 1:1(0) ack 1 <sack 31:41 11:21>");
  p.sends(". 21:31(10) ack 1").sees(". 1:1(0) ack 1 <sack 11:41>");
  p.sends(". 51:61(10) ack 1").sees(". 1:1(0) ack 1 <sack 51:61 11:41>");
  p.sends(". 1:11(10) ack 1").sees(". 1:1(0) ack 41 <sack 51:61>");
});

test("without SACK-permitted from the peer no block is sent [2018-4-NOPERM]", () => {
  const p = new ScriptedPeer().established();
  p.sends(". 11:21(10) ack 1").sees(". 1:1(0) ack 1 <>");
});

test("sequence numbers cross the wrap unharmed, both ways [9293-3.4-MOD]", () => {
  const p = new ScriptedPeer({ peerIsn: 0xffff_ff00 }).established("<mss 1000>");
  p.sends("P. 1:501(500) ack 1").waits(50).sees(". 1:1(0) ack 501");
  expect([...p.received]).toEqual(bytes(1, 501));
  p.sends("F. 501:501(0) ack 1").sees(". 1:1(0) ack 502");
});

test("PAWS drops an older timestamp and answers; a RST is not put to the test [7323-5.2-RST]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,TS val 1000 ecr 0>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1 <TS val 1000 ecr 0>");
  p.sends("P. 1:11(10) ack 1 <TS val 999 ecr 0>").sees(". 1:1(0) ack 1");
  expect(p.received).toHaveLength(0);
  p.sends("P. 1:11(10) ack 1 <TS val 1001 ecr 0>");
  expect(p.received).toHaveLength(10);
  p.sends("R 11:11(0) <TS val 5 ecr 0>");
  expect(p.endpoint.error?.code).toBe("ECONNRESET");
});

test("with timestamps agreed a segment without them is dropped, and the connection lives [7323-3.2-MISSING]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1460,TS val 1000 ecr 0>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1 <TS val 1000 ecr 0>");
  p.sends("P. 1:11(10) ack 1").silent();
  expect(p.received).toHaveLength(0);
  expect(p.state).toBe("ESTABLISHED");
});

test("with delayed ACKs the timestamp of the first segment is echoed, behind a hole the last in order [7323-4.3-RECENT]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,TS val 100 ecr 0>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1 <TS val 101 ecr 0>");
  p.aged().sends(". 1:1001(1000) ack 1 <TS val 110 ecr 0>");
  p.sends(". 1001:2001(1000) ack 1 <TS val 120 ecr 0>");
  expect(p.next().segment.tsEcr).toBe(110);
  p.sends(". 2001:3001(1000) ack 1 <TS val 130 ecr 0>").silent();
  p.sends(". 4001:5001(1000) ack 1 <TS val 140 ecr 0>");
  expect(p.next().segment.tsEcr).toBe(130);
  p.sends(". 3001:4001(1000) ack 1 <TS val 150 ecr 0>");
  expect(p.next().segment.tsEcr).toBe(150);
});

test("the timestamp of text that waits is looked at when it arrives, and not again when the hole is filled [7323-5.3-ONCE]", () => {
  const p = new ScriptedPeer().listens();
  p.sends("S 0:0(0) win 65535 <mss 1000,TS val 100 ecr 0>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1 <TS val 100 ecr 0>");
  p.sends(". 11:21(10) ack 1 <TS val 110 ecr 0>").sees(". 1:1(0) ack 1");
  p.sends(". 1:6(5) ack 1 <TS val 200 ecr 0>").sees(". 1:1(0) ack 6");
  p.sends(". 21:31(10) ack 1 <TS val 150 ecr 0>"); // older than TS.Recent on arrival
  expect(p.endpoint.info().outOfOrderBytes).toBe(10);
  p.sends(". 6:11(5) ack 1 <TS val 200 ecr 0>");
  expect([...p.received]).toEqual(bytes(1, 21));
});

test("an urgent pointer is told once and when it advances, and how much lies before it [MUST-32] [MUST-33] [6093-6-INLINE]", () => {
  const p = new ScriptedPeer().established();
  p.reads = false;
  p.sends("P.U 1:11(10) ack 1 urg 5");
  expect(p.endpoint.info().state).toBe("ESTABLISHED");
  const c = p.endpoint as unknown as { urgentAhead: number };
  expect(c.urgentAhead).toBe(5);
  p.sends("P.U 11:21(10) ack 1 urg 10");
  expect(c.urgentAhead).toBe(20);
  p.read();
  expect([...p.received]).toEqual(bytes(1, 21));
  expect(c.urgentAhead).toBe(0);
});

test("who answered and then does not has waited for nothing: the next ACK waits 40 ms again, not twice as long", () => {
  const p = new ScriptedPeer().established();
  // an ACK waits no longer than a round trip: a long one
  for (let at = 1; at < 101; at += 10)
    p.writes(10)
      .sees(`P. ${at}:${at + 10}(10) ack 1`)
      .waits(190)
      .sends(`. 1:1(0) ack ${at + 10}`);
  p.sends("P. 1:11(10) ack 101").sees(". 101:101(0) ack 11");
  p.waits(10).writes(10).sees("P. 101:111(10) ack 11");
  p.sends(". 11:11(0) ack 111");
  for (const at of [11, 21]) {
    p.waits(10)
      .sends(`P. ${at}:${at + 10}(10) ack 111`)
      .silent();
    const came = p.time;
    p.until(came + 39.9).silent();
    p.until(came + 40).sees(`. 111:111(0) ack ${at + 10}`, came + 40);
  }
});
