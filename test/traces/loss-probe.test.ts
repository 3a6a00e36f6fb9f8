/** Tail loss probes (RFC 8985 §7), and the one slot for timers of what is outstanding (§8). */
import { expect, test } from "vitest";
import { MSS, Sender, type SenderOptions } from "../support/sender.ts";

/** Ten segments were sent and acknowledged: SRTT is 100 ms. */
function sender(options: SenderOptions = {}): Sender {
  const s = new Sender(options).writes(10);
  expect(s.left().length).toBe(10);
  s.waits(100).says(10);
  expect(s.info.srtt).toBeCloseTo(100, 2);
  return s;
}

test("new data sent or acknowledged arms the probe timer; not in recovery, nor with something SACKed [8985-7.2-ARM]", () => {
  const s = sender();
  expect(s.info.timer).toBe("");
  s.writes(5);
  expect([s.info.timer, s.info.timerIn]).toEqual(["probe", expect.closeTo(200, 1)]);
  s.waits(20).writes(1); // anew
  expect([s.info.timer, s.info.timerIn]).toEqual(["probe", expect.closeTo(200, 1)]);
  s.waits(60).says(11);
  expect([s.info.timer, s.info.timerIn]).toEqual(["probe", expect.closeTo(2 * s.info.srtt, 1)]);
  s.says(11, "13-14");
  expect(s.info.timer).not.toBe("probe");
  s.says(11, "12-16");
  expect(s.info).toMatchObject({ recovery: "recovery", timer: "retransmit" });
});

test("PTO is two SRTT, with a lone segment 200 ms more, 1 s without a sample, and never later than the RTO [8985-7.2-PTO]", () => {
  const slow = new Sender({ rtt: 400 }).writes(2); // SRTT 400, RTO 1200
  expect(slow.info.timerIn).toBeCloseTo(800, 3);
  slow.waits(799.9);
  expect(slow.left()).toEqual(["0", "1"]);
  slow.waits(0.2).sees("1 tail loss probe");
  const lone = new Sender({ rtt: 400 }).writes(1);
  expect(lone.info.timerIn).toBeCloseTo(1000, 3);
  // SRTT 100, RTO 300
  const capped = new Sender({ rtt: 100 }).writes(1);
  expect([capped.info.timer, capped.info.timerIn]).toEqual(["probe", expect.closeTo(300, 3)]);
  // the SYN-ACK left twice: no sample, and 3 s of RTO
  const unknown = new Sender({ rtt: 1500 }).writes(2);
  expect(unknown.tcb.rtt.samples).toBe(0);
  expect(unknown.info.timerIn).toBeCloseTo(1000, 3);
});

test("a lost tail draws one probe, a second one only after a sample [8985-7.3-SEND]", () => {
  const s = sender().writes(3);
  s.left();
  s.waits(200).sees("12 tail loss probe");
  expect(s.count("TcpExtTCPLossProbes")).toBe(1);
  // acknowledged in part, which measures nothing: the copy makes the RTT unknown
  s.waits(20).says(11);
  expect(s.info.timer).toBe("retransmit");
  s.waits(150).sees("");
  s.says(13);
  s.writes(1);
  expect(s.info.timer).toBe("retransmit");
  s.left();
  s.waits(100).says(14);
  s.writes(2);
  expect(s.info.timer).toBe("probe");
});

test("the probe is new data where the peer's window has room, beyond cwnd by one segment [8985-7.3-SEND]", () => {
  const s = new Sender().writes(30);
  expect(s.left().length).toBe(10);
  const { cwnd } = s.info;
  s.waits(200).sees("10 tail loss probe");
  expect(s.info.unacked).toBe(cwnd + MSS);
  const full = new Sender({ window: 10 * MSS }).writes(30);
  full.left();
  full.waits(200).sees("9 tail loss probe");
  // what was sent in one piece and is longer: its end
  const fin = new Sender().writes(3);
  fin.left();
  fin.p.endpoint.shutdown();
  fin.p.settle();
  fin.waits(250);
  expect(fin.left()).toEqual(["3 (0)", "3 (0) tail loss probe"]);
});

test("behind the probe comes the timeout, one RTO later, whether a probe could leave or not [8985-7.3-RTO]", () => {
  const s = new Sender().writes(3); // RTO 300
  s.left();
  s.waits(200).sees("2 tail loss probe");
  expect([s.info.timer, s.info.timerIn]).toEqual(["retransmit", expect.closeTo(300, 3)]);
  s.waits(299.9).sees("");
  s.waits(0.2).sees("0 timeout");
  // the peer took its window back: nothing may leave
  const shut = new Sender().writes(3);
  shut.left();
  shut.window = 0;
  shut.says(1);
  shut.waits(200).sees("");
  expect(shut.info.timer).toBe("retransmit");
});

test("tcp_early_retrans 0 sends none [8985-7.2-ARM]", () => {
  const s = new Sender({ settings: { tcp_early_retrans: 0 } }).writes(3);
  expect(s.info.timer).toBe("retransmit");
  s.left();
  s.waits(299).sees("");
});

test("the loss of the last segment costs no timeout, and lowers the window as in fast recovery [8985-7.4.2-CC]", () => {
  const s = sender();
  const { cwnd } = s.info;
  s.writes(10);
  s.left();
  s.waits(100).says(19); // the last is lost
  s.waits(100 + 200);
  expect(s.left()).toEqual(["19 tail loss probe"]);
  s.waits(100).says(20);
  expect(s.info.cwnd).toBeGreaterThanOrEqual(cwnd);
  // the ACK of what is sent next says that nobody got the segment twice
  s.writes(2);
  s.waits(100).says(22);
  expect(s.info.ssthresh).toBeLessThan(cwnd);
  expect(s.count("TcpExtTCPLossProbeRecovery")).toBe(1);
  expect(s.count("TcpExtTCPTimeouts")).toBe(0);
});

test("a D-SACK, or a duplicate ACK, says that nothing was lost: the window stays [8985-7.4.2-CC]", () => {
  for (const answer of [["10-11"], []] as string[][]) {
    const s = sender().writes(1);
    const { ssthresh } = s.info;
    s.waits(320).left();
    s.says(11);
    s.says(11, ...answer);
    s.writes(2);
    s.waits(100).says(13);
    expect(s.info.ssthresh).toBe(ssthresh);
    expect(s.count("TcpExtTCPLossProbeRecovery")).toBe(0);
  }
});

test("several lost at the tail are found by the SACK of the probe, without a timeout [8985-7.3-SEND]", () => {
  const s = sender().writes(8);
  s.left();
  s.waits(100).says(13);
  s.waits(200).sees("17 tail loss probe");
  s.waits(100).says(13, "17-18");
  expect(s.left()[0]).toBe("13 fast");
  s.waits(100);
  for (let k = 14; k <= 18; k++) s.says(k, "17-18");
  expect(s.info).toMatchObject({ unacked: 0, recovery: "open" });
  expect(s.count("TcpExtTCPTimeouts")).toBe(0);
});

test("at any moment at most one of the four timers of what is to be sent is armed [8985-8-TIMERS]", () => {
  const s = new Sender().writes(40);
  const seen = new Set<string>();
  const look = (): void => {
    const names = ["retransmit", "probe", "reordering", "persist"];
    const { timer } = s.info;
    if (names.includes(timer)) seen.add(timer);
    // the first three share a slot; the fourth is the other
    const armed = [0, 1].filter((slot) => s.tcb.timers.isArmed(slot));
    expect(armed.length).toBeLessThanOrEqual(1);
  };
  const steps: (() => unknown)[] = [
    () => s.waits(100).says(4),
    () => s.says(4, "6-7"),
    () => s.waits(30),
    () => s.says(4, "6-10"),
    () => s.waits(100).says(10),
    () => s.waits(1000),
    () => s.says(s.info.unacked / MSS + 10),
  ];
  for (const step of steps) {
    step();
    for (let n = 0; n < 50; n++) {
      look();
      s.waits(1);
    }
  }
  s.window = 0;
  while (s.info.unacked > 0) s.waits(10).says((s.info.sndNxt - s.p.iss - 1) / MSS);
  s.writes(2).waits(1);
  for (let n = 0; n < 500; n++) {
    look();
    s.waits(10);
  }
  expect([...seen].toSorted()).toEqual(["persist", "probe", "reordering", "retransmit"]);
});

test("after a probe that was needless the next one waits for a sample, too [8985-7.3-SEND]", () => {
  const s = sender().writes(3);
  s.left();
  s.waits(200).sees("12 tail loss probe");
  // sooner than a copy can be answered: no sample
  s.waits(20).says(13, "12-13");
  s.writes(2);
  expect(s.info.timer).toBe("retransmit");
  s.left();
  s.waits(100).says(15).writes(2);
  expect(s.info.timer).toBe("probe");
});
