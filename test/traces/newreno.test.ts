/** Recovery without SACK: fast retransmit (RFC 5681 §3.2), limited transmit (RFC 3042), NewReno (RFC 6582). */
import { expect, test } from "vitest";
import { sendWindow } from "../../src/tcp/recovery/prr.ts";
import { MSS, Sender, type SenderOptions } from "../support/sender.ts";

const PLAIN: SenderOptions = { options: `<mss ${MSS}>` };

/** Ten segments under way, and more to send. */
function ten(options: SenderOptions = PLAIN): Sender {
  return new Sender(options).writes(60).sees("0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
}

function repeat(s: Sender, k: number, times: number): void {
  for (let n = 0; n < times; n++) s.says(k);
}

test("a window update and an ACK with data do not count towards three [5681-3.2-DUP]", () => {
  const s = ten();
  s.says(0).says(0).sees("10, 11");
  s.window = 60_000;
  s.says(0).says(0, "2-3").p.sends(". 1:11(10) ack 1 win 60000");
  // the second of these says what the first did: it is a duplicate
  expect(s.left).toContain("0 fast");
  const t = ten();
  for (let n = 0; n < 5; n++) {
    t.window -= 1000;
    t.says(0);
    t.p.sends(`. ${1 + 10 * n}:${11 + 10 * n}(10) ack 1 win ${t.window}`);
  }
  expect(t.left.filter((text) => /^\d/.test(text) && !/\(0\)/.test(text))).toEqual([]);
  expect(t.info).toMatchObject({ recovery: "open", retransmits: 0 });
});

test("the copy leaves on the third duplicate, not on the second; the first two let a new segment go each [5681-3.2-FRT] [3042-2-NEW]", () => {
  const s = ten();
  const { cwnd } = s.info;
  s.says(0).sees("10");
  s.says(0).sees("11");
  expect(s.info).toMatchObject({ cwnd, unacked: cwnd + 2 * MSS });
  s.says(0).sees("0 fast");
});

test("limited transmit keeps to the peer's window [3042-2-NEW]", () => {
  const s = new Sender({ ...PLAIN, window: 11 * MSS });
  s.writes(60).sees("0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
  s.says(0).sees("10");
  s.says(0).sees("");
});

test("cwnd is ssthresh + 3 with the copy, one more for each duplicate, and ssthresh again [5681-3.2-INFLATE, 5681-3.2-HALVE]", () => {
  const s = ten();
  repeat(s, 0, 3);
  expect(s.info.ssthresh).toBe(5 * MSS);
  const windows = [sendWindow(s.tcb)];
  for (let n = 0; n < 5; n++) {
    s.says(0);
    windows.push(sendWindow(s.tcb));
  }
  expect(windows).toEqual([8, 9, 10, 11, 12, 13].map((n) => n * MSS));
  s.says(12);
  expect(s.info.recovery).toBe("open");
  expect(s.info.cwnd).toBe(5 * MSS);
});

test("dup ACKs below or at recover start no fast retransmit after a timeout [6582-3.2-1]", () => {
  const s = ten({ ...PLAIN, settings: { tcp_frto: 0 } });
  s.waits(300).sees("0 timeout");
  repeat(s, 0, 5);
  s.sees("");
  s.says(1);
  expect(s.left).toEqual(["1 timeout", "2 timeout"]);
  repeat(s, 1, 5);
  s.sees("");
  // all that was outstanding at the timeout: recover itself
  s.says(10);
  const before = s.left;
  expect(before.length).toBeGreaterThan(3);
  repeat(s, 10, 5);
  expect(s.left.filter((text) => text.includes("fast"))).toEqual([]);
  // one more, and it is beyond
  s.says(11);
  repeat(s, 11, 3);
  expect(s.left).toContain("11 fast");
});

test("three losses in a window are repaired one a round trip, cwnd deflated by each partial ACK [6582-3.2-PARTIAL]", () => {
  const s = ten();
  // 0, 3 and 6 are lost: seven duplicates
  repeat(s, 0, 7);
  expect(s.left).toEqual(["10", "11", "0 fast"]);
  expect(sendWindow(s.tcb)).toBe((5 + 7) * MSS);
  s.waits(100).says(3);
  // less 3 acknowledged, 1 back
  expect(sendWindow(s.tcb)).toBe((5 + 7 - 3 + 1) * MSS);
  expect(s.left[0]).toBe("3 fast");
  expect(s.info.recovery).toBe("recovery");
  s.waits(100).says(6);
  expect(s.left[0]).toBe("6 fast");
  s.waits(100).says(12);
  expect(s.info).toMatchObject({ recovery: "open", retransmits: 3 });
  expect(s.count("TcpExtTCPTimeouts")).toBe(0);
});

test("only the first partial ACK restarts the timer [6582-3.2-TIMER]", () => {
  const s = ten();
  repeat(s, 0, 3);
  const { rto } = s.info;
  s.waits(100).says(2); // the first
  const until = s.p.time + rto;
  for (let k = 4; s.p.time + 100 < until; k += 1) s.waits(100).says(k);
  expect(s.left.filter((text) => text.includes("timeout"))).toEqual([]);
  s.waits(until - s.p.time);
  expect(s.left).toEqual([expect.stringContaining("timeout")]);
});

test("a full ACK leaves min(ssthresh, FlightSize + 1 segment) to be used, and what is acknowledged then opens it [6582-3.2-FULL]", () => {
  const s = new Sender(PLAIN).writes(10);
  expect(s.left.length).toBe(10);
  repeat(s, 0, 3);
  s.sees("0 fast").waits(100).says(10);
  expect(s.info).toMatchObject({ recovery: "open", ssthresh: 5 * MSS, unacked: 0 });
  expect(sendWindow(s.tcb)).toBe(2 * MSS);
  s.writes(20).sees("10, 11");
  s.says(12);
  expect(s.left).toEqual(["12", "13", "14", "15"]);
  s.says(16);
  expect(s.left.length).toBeGreaterThanOrEqual(5);
  // and with more under way
  const t = ten();
  repeat(t, 0, 9);
  expect(t.left).toEqual(["10", "11", "0 fast", "12", "13"]);
  t.says(12).sees("14");
  expect(sendWindow(t.tcb)).toBe(3 * MSS);
});

test("a timeout in recovery ends it and moves recover to the highest byte sent [6582-3.2-RTO]", () => {
  const s = ten();
  repeat(s, 0, 3);
  expect(s.left).not.toEqual([]);
  s.waits(s.info.rto);
  expect(s.left).toEqual(["0 timeout"]);
  expect(s.info).toMatchObject({ recovery: "loss", cwnd: MSS });
  expect(s.tcb.recoveryPoint).toBe(s.tcb.snd.nxt);
  expect(s.tcb.inflation).toBe(0);
});

test("each duplicate takes a segment off what is in flight, up to what was outstanding [9937-6.2-FLIGHT]", () => {
  const s = new Sender(PLAIN).writes(10);
  expect(s.left).toHaveLength(10);
  const seen: number[] = [];
  for (let n = 0; n < 14; n++) {
    s.says(0);
    seen.push(s.info.inFlight / MSS);
  }
  expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0]);
});
