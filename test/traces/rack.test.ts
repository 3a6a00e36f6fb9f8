/** RACK (RFC 8985 §4 to §6): losses found by the time at which things left. */
import { expect, test } from "vitest";
import type { TcpConnection } from "../../src/tcp/connection.ts";
import { reorderingWindow } from "../../src/tcp/recovery/rack.ts";
import { LongPath } from "../support/long-path.ts";
import { MSS, Sender, type SenderOptions } from "../support/sender.ts";

const NO_PROBE = { tcp_early_retrans: 0 };

/** `n` segments left at once and their round trip of 100 ms is over; `more` wait. */
function sender(n: number, more = 0, options: SenderOptions = {}): Sender {
  const settings = { tcp_initial_cwnd: n, ...NO_PROBE, ...options.settings };
  const s = new Sender({ ...options, settings });
  s.writes(n + more);
  expect(s.left().length).toBe(n);
  return s.waits(100);
}

/** The path was seen to reorder: 1 arrived before 0, which was not lost. */
function reordering(n: number, more = 0): Sender {
  const s = sender(n, more).says(0, "1-2").says(2);
  expect(s.tcb.losses!.reorderingSeen).toBe(true);
  expect(s.count("TcpExtTCPSACKReorder")).toBe(1);
  s.left();
  return s;
}

test("without SACK there is no RACK: three duplicates count, and time does not [8985-4-SACK]", () => {
  const s = sender(10, 0, { options: `<mss ${MSS}>` });
  s.says(0).says(0).waits(150).sees("");
  s.says(0).sees("0 fast");
  expect(s.tcb.losses!.reorderAt).toBe(Infinity);
});

test("each transmission has its time, of finer grain than a millisecond; an idle connection has none [8985-4-SACK]", () => {
  const s = new Sender().writes(1);
  s.waits(0.25).writes(1);
  s.left();
  s.waits(100).says(0, "1-2");
  expect(s.tcb.rtt.latest).toBeCloseTo(100, 3);
  s.says(2);
  expect(s.tcb.sent).toBe(null);
});

test("a single lost segment is marked at that instant, not before [8985-6.2-LOST, 8985-6.2-TIMER]", () => {
  const s = sender(2);
  s.says(0, "1-2");
  expect(s.info).toMatchObject({ timer: "reordering", recovery: "open", lost: 0 });
  // RTT 100, and a quarter of it
  s.waits(24.9).sees("");
  s.waits(0.2).sees("0 fast");
  expect(s.info.recovery).toBe("recovery");
});

test("what left after the newest delivered transmission is not lost, however old the others are [8985-6.2-LOST]", () => {
  const s = new Sender({ settings: NO_PROBE }).writes(2);
  s.waits(60).writes(4);
  s.left();
  s.waits(45).says(0, "1-2");
  s.waits(30);
  expect(s.info.lost).toBe(MSS);
  s.sees("0 fast");
});

test("a lost retransmission is found without a timeout, and lowers the window once more [8985-6.2-LOST] [5681-4.3-TWICE]", () => {
  const s = sender(20, 60);
  for (let k = 2; k <= 20; k++) s.says(0, `1-${k}`);
  const first = s.left();
  expect(first).toContain("0 fast");
  expect(s.info.ssthresh).toBe(10 * MSS);
  // what left behind the copy arrives, the copy does not
  const last = Number(first.at(-1));
  s.waits(100).says(0, `1-${last}`);
  expect(s.left()).toContain("0 fast");
  expect(s.count("TcpExtTCPLostRetransmit")).toBe(1);
  expect(s.info.ssthresh).toBe(5 * MSS);
  // the same again is the same: once for what was sent since
  s.says(0, `1-${last + 1}`);
  expect(s.info.ssthresh).toBe(5 * MSS);
  s.waits(100).says(s.info.unacked / MSS);
  expect(s.info.recovery).toBe("open");
  expect(s.count("TcpExtTCPTimeouts")).toBe(0);
});

test("the ACK of a copy counts only if it can be for the copy: by its echo, and by the least RTT [8985-6.2-UPDATE]", () => {
  const lossy = (options: string): Sender => {
    const s = sender(4, 0, { options });
    s.says(0, "1-4");
    expect(s.left()).toEqual(["0 fast"]);
    expect(s.tcb.rtt.latest).toBeCloseTo(100, 3);
    return s;
  };
  // 10 ms after the copy left: it was the original
  const quick = lossy(`<mss ${MSS},sackOK>`);
  quick.waits(10).says(1, "2-4");
  expect(quick.tcb.rtt.latest).toBeCloseTo(100, 3);
  const slow = lossy(`<mss ${MSS},sackOK>`);
  slow.waits(120).says(1, "2-4");
  expect(slow.tcb.rtt.latest).toBeCloseTo(120, 3);
  // in time, but with the echo of what left before the copy
  const old = lossy(`<mss ${MSS + 12},sackOK,TS val 1 ecr 0>`);
  old.waits(120).says(1, "2-4");
  expect(old.tcb.rtt.latest).toBeCloseTo(100, 3);
});

test("the newest delivered transmission is kept by time, and by number among equals [8985-6.2-UPDATE]", () => {
  const s = sender(6);
  s.says(0, "3-4");
  const { rackTime } = s.tcb.sent!;
  s.says(0, "1-2", "3-4");
  expect(s.tcb.sent!.rackTime).toBe(rackTime);
  s.says(0, "1-2", "3-5");
  expect(s.tcb.sent!.rackTime).toBeGreaterThan(rackTime);
});

test("the reordering window is 0 in recovery and after three SACKed, else a quarter of the least RTT [8985-6.2-WND]", () => {
  // no reordering seen
  const s = sender(10).says(0, "2-3");
  expect(reorderingWindow(s.tcb)).toBeCloseTo(25, 3);
  s.says(0, "2-5");
  expect(reorderingWindow(s.tcb)).toBe(0);
  expect(s.info.recovery).toBe("recovery");
  // seen: neither makes it 0
  const t = reordering(12);
  t.says(2, "5-12");
  expect(t.info.recovery).toBe("open");
  expect(reorderingWindow(t.tcb)).toBeCloseTo(25, 3);
  t.waits(26);
  expect(t.info.recovery).toBe("recovery");
  expect(reorderingWindow(t.tcb)).toBeCloseTo(25, 3);
  // never above SRTT
  t.tcb.losses!.windowFactor = 9;
  expect(reorderingWindow(t.tcb)).toBe(t.tcb.rtt.srtt);
});

test("tcp_recovery: 2 keeps the window as it is, 4 has no threshold, 0 is RFC 6675", () => {
  const fixed = sender(10, 0, { settings: { tcp_recovery: 3 } });
  duplicateRound(fixed, 0);
  expect(fixed.tcb.losses!.windowFactor).toBe(1);
  const patient = sender(10, 0, { settings: { tcp_recovery: 5 } }).says(0, "3-10");
  expect(patient.info.recovery).toBe("open");
  patient.waits(26).sees("0 fast");
  const classic = sender(10, 0, { settings: { tcp_recovery: 0 } }).says(0, "9-10");
  classic.waits(150).sees("");
});

/** A needless copy of segment `k`, which is reported; all up to `k` was acknowledged before, and then `k`. */
function duplicateRound(s: Sender, k: number): void {
  s.says(k, `${k + 1}-${k + 4}`);
  s.waits(26).says(k + 4);
  s.says(k + 4, `${k}-${k + 1}`);
}

test("each round trip with a D-SACK widens the window by a quarter, 16 clean recoveries bring it back [8985-6.2-DSACK]", () => {
  const s = sender(10, 400);
  const factor = (): number => s.tcb.losses!.windowFactor;
  let k = 0;
  const copyOne = (reports: number): void => {
    Object.assign(s.tcb.cc!, { cwnd: 10 * MSS }); // which so many recoveries would lower
    s.p.endpoint.setNoDelay(true);
    s.p.settle();
    // the next three are taken for lost, and come late
    const top = k + s.info.unacked / MSS;
    s.waits(100).says(k, `${k + 3}-${top}`);
    s.waits(200);
    s.says(top);
    for (let n = 0; n < reports; n++) s.says(top, `${k + n}-${k + n + 1}`);
    k = top;
  };
  copyOne(1);
  expect(factor()).toBe(2);
  copyOne(3); // of the same round trip
  expect(factor()).toBe(3);
  copyOne(1);
  expect(factor()).toBe(4);
  for (let n = 0; n < 15; n++) {
    copyOne(0);
    expect(factor()).toBe(4);
  }
  copyOne(0);
  expect(factor()).toBe(1);
});

test("D-SACKs beyond the number of copies are the network's doing, and change nothing [8985-6.2-DSACK]", () => {
  const s = sender(10, 20).says(10, "3-4");
  expect(s.count("TcpExtTCPDSACKRecv")).toBe(1);
  expect(s.tcb.losses!.windowFactor).toBe(1);
});

test("at a timeout the first segment is lost, and of the others those that are old enough [8985-6.3-RTO]", () => {
  const s = new Sender({ settings: { ...NO_PROBE, tcp_frto: 0 } });
  s.writes(2).waits(250).writes(2);
  s.left();
  // the timeout comes 300 ms after the first ones left; the others are 50 ms old
  s.waits(50);
  expect(s.left()).toEqual(["0 timeout"]);
  expect(s.info).toMatchObject({ recovery: "loss", lost: 2 * MSS });
  // these two are under way and fill the window
  s.waits(10).says(1).sees("");
  s.waits(60).says(1, "2-4").sees("1 timeout");
  s.waits(100).says(4).sees("");
  expect(s.info).toMatchObject({ recovery: "open", retransmits: 2 });
});

test("30 segments in a row are repaired within four round trips and a timeout [8985-6.2-LOST]", () => {
  const path = new LongPath(50);
  path.runs(1000);
  const t = path.a as TcpConnection;
  const timeouts = (): number => t.rtt.backoff;
  const from = t.snd.nxt;
  let lost = 0;
  path.lose = (end, bytes) => end === "a" && bytes.length > 1000 && lost++ < 30;
  path.runs(1);
  while (lost < 30) path.runs(1);
  path.lose = () => false;
  const { rto, srtt } = t.info();
  const before = t.info().retransmits;
  let ms = 0;
  while (((t.snd.una - from) | 0) <= 0 || t.recovery !== "open") {
    path.runs(5);
    ms += 5;
    expect(ms).toBeLessThan(4 * srtt + rto);
  }
  expect(t.info().retransmits - before).toBe(30);
  expect(timeouts()).toBe(0);
});
