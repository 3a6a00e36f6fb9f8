/** Proportional rate reduction (RFC 9937): how much leaves in fast recovery. */
import { expect, test } from "vitest";
import { pipe } from "../../src/tcp/flight.ts";
import { MSS, Sender } from "../support/sender.ts";

/** `n` segments left at once and their round trip is over; `more` wait. */
function sender(n: number, more: number, settings = {}): Sender {
  const all = { tcp_initial_cwnd: n, tcp_early_retrans: 0, ...settings };
  const s = new Sender({ settings: all });
  s.writes(n + more);
  expect(s.left().length).toBe(n);
  return s.waits(100);
}

test("an episode begins with both counts at 0, and RecoverFS without what was SACKed before it [9937-6.1-INIT]", () => {
  const plain = sender(20, 0).says(0, "1-4");
  expect(plain.tcb.losses).toMatchObject({ recoverFlight: 20 * MSS, prrDelivered: 3 * MSS });
  expect(plain.tcb.losses!.prrOut).toBe(MSS); // the copy
  // half of the window is SACKed by the time that the loss is found: the path is known to reorder
  const s = sender(22, 0).says(0, "1-2").says(2);
  s.says(2, "12-22");
  expect(s.info.recovery).toBe("open");
  s.waits(30);
  expect(s.info.recovery).toBe("recovery");
  expect(s.tcb.losses).toMatchObject({ recoverFlight: 10 * MSS, prrDelivered: 0 });
  s.waits(80);
  for (let k = 3; k <= 8; k++) {
    s.says(k, "12-22");
    expect(s.tcb.losses!.recoverFlight).toBe(10 * MSS);
  }
});

test("in flight is what left less what was SACKed or lost, and what left again since [9937-6.2-FLIGHT]", () => {
  const s = sender(10, 0);
  const seen: number[] = [];
  const note = (): void => void seen.push(s.info.inFlight / MSS);
  s.says(0, "3-5");
  note(); // 8
  s.says(0, "3-6");
  note(); // 0 to 2 lost, 0 left again: 10 - 3 - 3 + 1
  s.says(0, "3-7");
  note(); // 10 - 4 - 3, and 0 and 1 left again
  s.says(1, "3-7");
  note(); // 9 - 4 - 2, and 1 and 2 left again
  expect(seen).toEqual([8, 5, 5, 5]);
});

test("with 20 segments and one lost about one leaves for every two that are delivered [9937-6.2-PRR]", () => {
  const s = sender(20, 40);
  const out: number[] = [];
  for (let k = 2; k <= 20; k++) {
    s.says(0, `1-${k}`);
    const sent = s.left().length;
    if (s.info.recovery === "recovery") out.push(sent);
  }
  // ssthresh is 10 of 22 that were outstanding with limited transmit
  expect(out[0]).toBe(1);
  const total = out.reduce((a, b) => a + b, 0);
  const delivered = s.tcb.losses!.prrDelivered / MSS;
  const { ssthresh } = s.info;
  expect(total).toBe(Math.floor((delivered * ssthresh) / s.tcb.losses!.recoverFlight));
  expect(Math.max(...out)).toBe(1);
  // evenly: never two ACKs in a row that let one go but for rounding
  for (let i = 3; i < out.length; i++) expect(out[i]! + out[i - 1]! + out[i - 2]!).toBeLessThan(3);
});

test("under ssthresh it is conservation, then one segment more for each ACK while all goes well [9937-6.2-BOUND]", () => {
  // 16 of 20 are lost: 4 to 19 arrived not, 0 to 15
  const s = sender(20, 40);
  s.says(0, "16-20");
  expect(s.info).toMatchObject({ recovery: "recovery", lost: 16 * MSS, ssthresh: 10 * MSS });
  // 4 were delivered: 4 leave
  expect(s.left()).toEqual(["0 fast", "1 fast", "2 fast", "3 fast"]);
  s.waits(100);
  // each copy that arrives lets two go: one for itself, one as SND.UNA advanced with no new loss
  const out: number[] = [];
  for (let k = 1; k <= 4; k++) {
    s.says(k, "16-20");
    out.push(s.left().length);
  }
  expect(out).toEqual([2, 2, 2, 2]);
  expect(pipe(s.tcb)).toBe(8 * MSS);
  s.waits(100);
  for (let k = 5; k <= 12; k++) {
    s.says(k, "16-20");
    expect(pipe(s.tcb)).toBeLessThanOrEqual(10 * MSS); // to ssthresh and no further
  }
  expect(pipe(s.tcb)).toBe(10 * MSS);
});

test("an ACK that does not advance, or shows more losses, lets only as much go as it delivers [9937-6.2-BOUND]", () => {
  const s = sender(20, 40);
  s.says(0, "16-20");
  s.left();
  s.waits(100).says(0, "2-3", "16-20");
  expect(s.left().length).toBe(1);
});

test("the ACK that starts the episode always lets one retransmission go [9937-6.2-FORCE]", () => {
  // 40 of which the last three arrive: three are delivered, of 40 * 3 / 40 of them half may leave; and as RFC 6675's pipe is
  // above ssthresh by far, without the rule less than a segment
  const s = sender(40, 0, { tcp_recovery: 0 });
  s.says(0, "1-1.1").says(0, "1-1.2").says(0, "1-1.3");
  expect(s.info.recovery).toBe("recovery");
  const { prrDelivered, recoverFlight } = s.tcb.losses!;
  expect(Math.ceil((prrDelivered * s.info.ssthresh) / recoverFlight)).toBeLessThan(MSS);
  expect(s.left()).toEqual(["0 fast"]);
});

test("at the end cwnd is ssthresh, after an application that had nothing to send, too [9937-6.4-END]", () => {
  for (const more of [0, 40]) {
    const s = sender(20, more).says(0, "1-4");
    for (let k = 5; k <= 20; k++) s.says(0, `1-${k}`);
    const { ssthresh } = s.info;
    s.waits(100).says(20);
    expect(s.info).toMatchObject({ recovery: "open", cwnd: ssthresh, ssthresh: 10 * MSS });
  }
});

test("a controller that drives recovery itself is left alone", () => {
  const s = sender(20, 40);
  Object.assign(s.tcb.cc!, { drivesRecovery: true });
  s.says(0, "1-4");
  s.left();
  // cwnd is 10 segments, and pipe 20 - 3: nothing leaves before it is below
  for (let k = 5; k <= 11; k++) {
    s.says(0, `1-${k}`);
    s.sees("");
  }
  expect(pipe(s.tcb)).toBeLessThanOrEqual(12 * MSS);
});
