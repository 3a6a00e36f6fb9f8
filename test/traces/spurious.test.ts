/** Needless retransmissions and timeouts: F-RTO (RFC 5682), Eifel detection (RFC 3522), D-SACK, and the answer (RFC 4015). */
import { expect, test } from "vitest";
import { MSS, Sender, type SenderOptions } from "../support/sender.ts";

const PLAIN = `<mss ${MSS}>`;
const SACK = `<mss ${MSS},sackOK>`;
const STAMPS = `<mss ${MSS + 12},sackOK,TS val 1 ecr 0>`;

/** Ten segments are under way, more wait; RTO 300 ms. */
function sender(options = PLAIN, more = 30, settings: SenderOptions["settings"] = {}): Sender {
  const s = new Sender({ options, settings: { tcp_early_retrans: 0, ...settings } });
  s.writes(10 + more);
  expect(s.left().length).toBe(10);
  return s;
}

test("after a timeout only the first segment goes again, whatever comes; a second timeout means slow start [5682-2.1-ENTER]", () => {
  const s = sender();
  s.waits(300).sees("0 timeout");
  expect(s.tcb.losses!.spuriousStep).toBe(1);
  s.waits(600).sees("0 timeout");
  expect(s.tcb.losses!.spuriousStep).toBe(0);
  s.says(1);
  expect(s.left()[0]).toBe("1 timeout");
  // and a timeout later in the same recovery is no new beginning
  s.waits(s.info.rto);
  expect(s.left().at(-1)).toBe("1 timeout");
  expect(s.tcb.losses!.spuriousStep).toBe(0);
  s.says(2);
  expect(s.left()[0]).toBe("2 timeout");
});

test("the first ACK that advances lets two new segments go in place of retransmissions [5682-2.1-STEP2]", () => {
  const s = sender();
  s.waits(300).sees("0 timeout");
  s.says(3).sees("10, 11");
  expect(s.info.recovery).toBe("loss");
});

test("a duplicate ACK, nothing new to send, or an ACK of everything ends the question [5682-2.1-STEP2]", () => {
  const duplicate = sender();
  duplicate.waits(300).left();
  duplicate.says(0).says(1);
  expect(duplicate.left()[0]).toBe("1 timeout");
  const nothing = sender(PLAIN, 0);
  nothing.waits(300).left();
  nothing.says(1);
  expect(nothing.left()[0]).toBe("1 timeout");
  const all = sender();
  const { ssthresh } = all.info;
  all.waits(300).left();
  all.says(10);
  expect(all.info.recovery).toBe("open");
  expect(all.info.ssthresh).toBeLessThan(ssthresh);
});

test("a second ACK that advances shows that the timeout was spurious: the window is back [5682-2.1-STEP3]", () => {
  const s = sender();
  const before = s.info;
  s.waits(300).left();
  s.says(2).sees("10, 11");
  expect(s.info.cwnd).toBeLessThanOrEqual(3 * MSS);
  s.says(3);
  expect(s.info).toMatchObject({ recovery: "open", retransmits: 1, ssthresh: before.ssthresh });
  expect(s.info.cwnd).toBeGreaterThanOrEqual(before.cwnd);
  expect(s.count("TcpExtTCPSpuriousRTOs")).toBe(1);
  expect(s.left().filter((text) => text.includes("timeout"))).toEqual([]);
});

test("a duplicate instead shows that the loss was real: at most 3 segments of window, and slow start repairs [5682-2.1-STEP3]", () => {
  const s = sender();
  s.waits(300).left();
  s.says(6).sees("10, 11");
  s.says(6);
  expect(s.info.cwnd).toBeLessThanOrEqual(3 * MSS);
  expect(s.info.recovery).toBe("loss");
  expect(s.left()[0]).toBe("6 timeout");
  s.says(7);
  expect(s.left()).toEqual(["7 timeout", "8 timeout"]);
  expect(s.count("TcpExtTCPSpuriousRTOs")).toBe(0);
});

test("with SACK one ACK of what left before the timeout, and only once, is proof [5682-3.1-SACK]", () => {
  for (const answer of [["0", "4-5"], ["2"]] as string[][]) {
    const s = sender(SACK);
    s.waits(300).left();
    s.says(Number(answer[0]), ...answer.slice(1));
    expect(s.info).toMatchObject({ recovery: "open", retransmits: 1 });
    expect(s.info.ssthresh).toBe(0x7fffffff);
    expect(s.count("TcpExtTCPSpuriousRTOs")).toBe(1);
  }
});

test("what was SACKed before the timeout, or left again, is no proof [5682-3.1-SACK]", () => {
  const s = sender(SACK, 0);
  s.waits(100).says(0, "8-10");
  expect(s.info.recovery).toBe("open");
  s.waits(20);
  s.left();
  const t = sender(SACK, 0, { tcp_recovery: 0 });
  t.waits(50).says(0, "8-10");
  t.waits(250).sees("0 timeout");
  t.says(0, "8-10");
  expect(t.info.recovery).toBe("loss");
  t.says(1, "8-10");
  expect(t.info.recovery).toBe("loss");
  expect(t.left()[0]).toBe("1 timeout");
  // nor is anything once recovery was under way
  const u = sender(SACK, 30, { tcp_recovery: 0 });
  u.waits(100).says(0, "2-5");
  u.waits(u.info.rto);
  expect(u.info.recovery).toBe("loss");
  expect(u.tcb.losses!.spuriousStep).toBe(0);
  u.says(0, "7-9");
  expect(u.info.recovery).toBe("loss");
});

test("tcp_frto 0 asks nothing [5682-2.1-ENTER]", () => {
  const s = sender(SACK, 30, { tcp_frto: 0 });
  s.waits(300).left();
  s.says(2);
  expect(s.info.recovery).toBe("loss");
  expect(s.left()[0]).toBe("2 timeout");
});

test("an echo older than the copy takes a fast retransmit back, and what was lost is not lost", () => {
  const s = sender(STAMPS);
  const before = s.info;
  s.waits(100).says(0, "3-7"); // 0 to 2 come late
  expect(s.info.recovery).toBe("recovery");
  expect(s.info.ssthresh).toBeLessThan(before.ssthresh);
  s.left();
  s.waits(40).says(s.info.unacked / MSS);
  expect(s.info).toMatchObject({ recovery: "open", ssthresh: before.ssthresh, lost: 0 });
  expect(s.info.cwnd).toBeGreaterThanOrEqual(before.cwnd);
  expect(s.count("TcpExtTCPFullUndo")).toBe(1);
});

test("so it does in the midst of it, once no copy is under way, and the path counts as one that reorders", () => {
  const s = sender(STAMPS);
  const { ssthresh } = s.info;
  s.waits(100).says(0, "1-6");
  expect(s.left()).toContain("0 fast");
  s.waits(40).says(6);
  expect(s.info).toMatchObject({ recovery: "open", ssthresh });
  expect(s.count("TcpExtTCPPartialUndo")).toBe(1);
  expect(s.tcb.losses!.reorderingSeen).toBe(true);
});

test("an echo of the copy takes nothing back", () => {
  const s = sender(STAMPS);
  s.waits(100).says(0, "1-6");
  const { tsVal } = s.p.next().segment;
  s.left();
  expect(tsVal).not.toBe(0);
  s.stamps = `TS val 3 ecr ${(tsVal + 1) >>> 0}`; // not before it
  s.waits(100).says(6);
  s.waits(10).says(s.info.unacked / MSS + 6);
  expect(s.info.recovery).toBe("open");
  expect(s.info.ssthresh).toBe(5 * MSS);
});

test("D-SACKs for all that left again take the reduction back, after recovery, too", () => {
  const s = sender(SACK);
  s.waits(100).says(0, "2-10");
  expect(s.left().filter((text) => text.includes("fast"))).toEqual(["0 fast", "1 fast"]);
  const end = s.info.unacked / MSS;
  s.waits(100).says(end, "0-1");
  expect(s.info).toMatchObject({ recovery: "open", ssthresh: 5 * MSS });
  s.says(end, "1-2");
  expect(s.info.ssthresh).toBe(0x7fffffff);
  expect(s.count("TcpExtTCPDSACKUndo")).toBe(1);
  // of one of the two it would not have
  const t = sender(SACK);
  t.waits(100).says(0, "2-10");
  t.left();
  t.waits(100).says(t.info.unacked / MSS, "0-1");
  expect(t.info.ssthresh).toBe(5 * MSS);
});

test("a timeout, too, is taken back by an old echo", () => {
  const s = sender(STAMPS, 30, { tcp_frto: 0 });
  const before = s.info;
  s.waits(300).left();
  s.waits(10).says(10);
  expect(s.info).toMatchObject({ recovery: "open", ssthresh: before.ssthresh });
  expect(s.count("TcpExtTCPLossUndo")).toBe(1);
});
