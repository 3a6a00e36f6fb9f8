/**
 * Recovery with SACK as RFC 6675 has it (`tcp_recovery` 0: no RACK), and what holds of SACK whatever finds the losses
 * (RFC 2018, RFC 2883, RFC 3042).
 */
import { expect, test } from "vitest";
import { pipe } from "../../src/tcp/flight.ts";
import { sendWindow } from "../../src/tcp/recovery/prr.ts";
import { MSS, Sender, type SenderOptions } from "../support/sender.ts";

const CLASSIC: SenderOptions = { settings: { tcp_recovery: 0, tcp_early_retrans: 0 } };

/** `n` segments under way, and `more` to send. */
function sender(n: number, more = 0, options: SenderOptions = CLASSIC): Sender {
  const s = new Sender({ ...options, settings: { tcp_initial_cwnd: n, ...options.settings } });
  s.writes(n + more);
  expect(s.left().length).toBe(n);
  return s.waits(100);
}

test("bare duplicate ACKs on a SACK connection send nothing, new or again [3042-2-SACK]", () => {
  for (const options of [CLASSIC, {}]) {
    const s = sender(10, 20, options);
    for (let n = 0; n < 6; n++) s.says(0);
    s.sees("");
    s.says(0, "1-2").sees("10");
    for (let n = 0; n < 6; n++) s.says(0, "1-2");
    s.sees("");
  }
});

test("after a timeout the left edge goes again though it was SACKed, and what was SACKed is not trusted [2018-5-RTO]", () => {
  for (const tcp_recovery of [0, 1]) {
    const s = sender(6, 0, { settings: { tcp_recovery, tcp_early_retrans: 0, tcp_frto: 0 } });
    // 0 is there, too, but not acknowledged: the peer gave all of it up
    s.says(0, "0.5-6");
    s.left();
    s.waits(s.info.rto);
    expect(s.left()).toEqual(["0 timeout"]);
    expect(s.info.sacked).toBe(0);
    for (let k = 1; k <= 6; k++) s.waits(10).says(k);
    expect(s.left().map((text) => Number.parseInt(text))).toEqual([1, 2, 3, 4, 5]);
    expect(s.info).toMatchObject({ sendQueued: 0, recovery: "open" });
  }
});

test("data that was SACKed is kept until it is acknowledged, and can go again [2018-8-KEEP]", () => {
  const s = sender(5);
  s.says(0, "1-5");
  expect(s.info).toMatchObject({ sacked: 4 * MSS, sendQueued: 5 * MSS });
  s.left();
  s.waits(100).says(1); // no more of it is held
  expect(s.info.sendQueued).toBe(4 * MSS);
  s.waits(2000);
  const again = s.p.next().segment;
  expect([
    again.payloadLength,
    ...again.buffer.subarray(again.payloadOffset, again.payloadOffset + 3),
  ]).toEqual([MSS, 1000 & 0xff, 1001 & 0xff, 1002 & 0xff]);
});

test("a D-SACK is known by the ACK of its own packet or by its second block [2883-5-CHECK]", () => {
  const s = sender(10, 0, {});
  s.says(5);
  s.says(5, "2-3");
  expect([s.info.dsackDuplicates, s.count("TcpExtTCPDSACKRecv")]).toEqual([1, 1]);
  s.says(5, "7-8", "6-9");
  expect([s.info.dsackDuplicates, s.count("TcpExtTCPDSACKOfoRecv")]).toEqual([2, 1]);
  expect(s.info.sacked).toBe(3 * MSS);
  // a plain report of what lies above
  s.says(5, "6-10", "2-3");
  expect(s.info).toMatchObject({ dsackDuplicates: 2, sacked: 4 * MSS });
  // an ACK that was overtaken: its block lies below SND.UNA and above its own number
  s.says(7);
  s.says(3, "4-6");
  expect(s.info.dsackDuplicates).toBe(2);
});

test("an ACK counts as duplicate if its blocks tell something new, whatever else it brings; a cumulative one starts anew [6675-2-DUP]", () => {
  const s = sender(12, 20);
  s.window = 60_000;
  s.says(0, "1-1.1");
  s.says(0, "1-1.1"); // nothing new
  expect(s.tcb.dupAcks).toBe(1);
  s.window = 50_000;
  s.says(0, "1-1.2");
  expect(s.tcb.dupAcks).toBe(2);
  s.left();
  s.p.sends(". 1:11(10) ack 1 win 50000 <sack 1001:1301>");
  expect(s.left()[0]).toBe("0 fast");
  const t = sender(12, 20);
  t.says(0, "5-5.1").says(0, "5-5.2");
  t.says(1).says(1, "5-5.3").says(1, "5-5.4");
  expect(t.info).toMatchObject({ recovery: "open", retransmits: 0 });
  t.says(1, "5-5.5");
  expect(t.info.recovery).toBe("recovery");
});

test("three ranges, or more than two segments' bytes, above it make a byte lost; two segments' do not [6675-4-LOST]", () => {
  for (const options of [CLASSIC, { settings: { tcp_early_retrans: 0 } }]) {
    expect(sender(10, 0, options).says(0, "2-2.2", "4-4.2", "6-6.2").left()[0]).toBe("0 fast");
    expect(sender(10, 0, options).says(0, "2-4.001").left()[0]).toBe("0 fast");
    const s = sender(10, 0, options).says(0, "2-3", "4-5");
    expect(s.info).toMatchObject({ recovery: "open", lost: 0, retransmits: 0 });
  }
  // of the holes only those with as much above them
  const s = sender(10).says(0, "1-2", "3-4", "5-6", "7-8");
  expect(s.tcb.sent!.lost).toBe(2 * MSS); // 0 and 2; 4 has two ranges above it, 6 one
});

test("pipe counts what is not SACKed once unless it is lost, and once more what went again [6675-4-PIPE]", () => {
  const s = sender(10);
  const seen: number[] = [];
  const note = (): void => void seen.push(pipe(s.tcb) / MSS);
  note();
  s.says(0, "2-3");
  note();
  s.says(0, "2-4");
  note();
  // 0 and 1 are lost, and 0 went again: 10 - 3 SACKED - 2 + 1
  s.says(0, "2-5");
  note();
  s.says(0, "2-6");
  note();
  s.says(1, "2-6");
  note();
  expect(seen).toEqual([10, 9, 8, 6, 5, 5]);
  expect(s.info.inFlight).toBe(5 * MSS);
});

test("what leaves is lost holes, then new data, then other holes, then one rescue [6675-4-NEXT, 6675-4-RESCUE]", () => {
  const s = sender(20, 2);
  // 0 and 2 are lost; what lies between the others has too little above it; of 8 to 19 nothing is known
  s.says(0, "1-2", "3-3.5", "5-5.5", "7-7.5");
  const order = s.left();
  // as if the flight had been delivered: room for a segment at a time
  for (let n = 0; n < 20; n++) {
    s.tcb.losses!.prrWindow = pipe(s.tcb) + MSS;
    s.p.endpoint.setNoDelay(true); // a user call, for it to be asked
    s.p.settle();
    order.push(...s.left());
  }
  const kind = (text: string): string => (/ (\w+)$/.exec(text) ?? ["", "new"])[1]!;
  expect(order.slice(0, 4)).toEqual(["0 fast", "2 fast", "20", "21"]);
  const rest = order.slice(4);
  expect(rest.pop()).toBe("21 rescue");
  expect(rest.length).toBeGreaterThan(2);
  expect(new Set(rest.map(kind))).toEqual(new Set(["hole"]));
  for (const text of rest) expect(Number.parseFloat(text)).toBeLessThan(7);
});

test("a rescue includes the highest byte that is not SACKed and leaves the next hole where it was [6675-4-RESCUE]", () => {
  const s = sender(10);
  // 0 is lost, and so is the tail, 8 and 9
  s.says(0, "1-8");
  expect(s.left()).toEqual(["0 fast", "9 rescue"]);
  expect(s.info.recovery).toBe("recovery");
  s.waits(100).says(8, "9-10");
  // a second one in the same recovery there is not, and 8 is a hole like others
  expect(s.left()).toEqual(["8 hole"]);
  s.waits(100).says(10);
  expect(s.info).toMatchObject({ recovery: "open", unacked: 0 });
  expect(s.count("TcpExtTCPTimeouts")).toBe(0);
});

test("recovery starts with RecoveryPoint = HighData and half of the flight, and the first hole goes at once [6675-5-ENTER]", () => {
  const s = sender(10);
  s.says(0, "1-4");
  expect(s.info).toMatchObject({ recovery: "recovery", ssthresh: 5 * MSS, cwnd: 5 * MSS });
  expect(s.tcb.recoveryPoint).toBe(s.tcb.snd.nxt);
  expect(s.left()).toEqual(["0 fast"]);
  expect(s.count("TcpExtTCPSackRecovery")).toBe(1);
});

test("while the window leaves room for a segment over pipe, one goes [6675-5-SEND]", () => {
  const s = sender(20, 40);
  for (let k = 2; k <= 20; k++) {
    s.says(0, `1-${k}`);
    s.left();
    const { recovery } = s.info;
    if (recovery !== "recovery") continue;
    expect(sendWindow(s.tcb) - pipe(s.tcb)).toBeLessThan(MSS);
    expect(pipe(s.tcb)).toBeLessThanOrEqual(sendWindow(s.tcb));
  }
  expect(s.info.unacked).toBeGreaterThan(20 * MSS);
});

test("recovery ends at RecoveryPoint; a loss above it starts a new one from what was SACKed before [6675-5-EXIT]", () => {
  for (const options of [CLASSIC, {}]) {
    const s = sender(10, 40, options);
    s.says(0, "1-4");
    for (let k = 5; k <= 10; k++) s.says(0, `1-${k}`);
    s.left();
    const { unacked } = s.info;
    expect(unacked).toBeGreaterThanOrEqual(14 * MSS);
    // of what left in recovery the first is lost
    const top = unacked / MSS;
    s.waits(100);
    s.says(0, `11-${top}`, "1-10");
    expect(s.count("TcpExtTCPSackRecovery")).toBe(1);
    s.says(10, `11-${top}`);
    expect(s.count("TcpExtTCPSackRecovery")).toBe(2);
    expect(s.left()).toContain("10 fast");
  }
});

test("a timeout in recovery ends it, and none starts before what was sent then is acknowledged [6675-5.1-RTO]", () => {
  for (const options of [CLASSIC, { settings: { tcp_early_retrans: 0 } }]) {
    const s = sender(10, 40, options);
    s.says(0, "1-4");
    s.waits(s.info.rto);
    expect(s.info.recovery).toBe("loss");
    expect(s.tcb.recoveryPoint).toBe(s.tcb.snd.nxt);
    const { ssthresh } = s.info;
    s.left();
    for (const block of ["1-4", "1-6", "1-8", "1-10"]) s.says(0, block);
    s.says(1, "2-10").says(1, "2-10.5");
    expect(s.info).toMatchObject({ recovery: "loss", ssthresh });
    expect(s.count("TcpExtTCPSackRecovery")).toBe(1);
    s.says(s.info.unacked / MSS + 1);
    expect(s.info.recovery).toBe("open");
  }
});
