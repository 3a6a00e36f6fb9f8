/** Each rule can be broken: a fault is put into the code for a moment, and the harness has to say which rule it breaks. */
import { afterEach, expect, test, vi } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { createTarget, type TargetName, type Violation } from "../../src/fuzz/index.ts";
import { PacketOutput } from "../../src/stack/packet-output.ts";
import { Stack } from "../../src/stack/stack.ts";
import { TcpConnection } from "../../src/tcp/connection.ts";
import { Reassembly } from "../../src/tcp/reassembly.ts";
import { ReceiveQueue } from "../../src/tcp/receive-queue.ts";
import { TimerTable } from "../../src/tcp/timers.ts";
import { RST } from "../../src/wire/tcp-segment.ts";

afterEach(() => vi.restoreAllMocks());

/** The first violation among some hundred random inputs. */
function search(target: TargetName, inputs = 400): Violation | null {
  const t = createTarget(target);
  const out = new Uint8Array(t.maxLength);
  const rng = seededRng(5);
  for (let i = 0; i < inputs; i++) {
    const { violation } = t.run(out.subarray(0, t.generate(rng, out)));
    if (violation !== null) return violation;
  }
  return null;
}

test("nothing is found where nothing is broken", () => {
  for (const target of ["connection", "listener", "stack", "reassembly"] as const)
    expect(search(target, 60)).toBe(null);
});

test("I1: what is thrown, and by what", () => {
  const whole = TcpConnection.prototype.onSegment;
  vi.spyOn(TcpConnection.prototype, "onSegment").mockImplementation(function (s, now) {
    if (s.payloadLength === 1460) throw new TypeError("no such byte");
    return whole.call(this, s, now);
  });
  expect(search("connection")).toMatchObject({ rule: "I1", message: /^thrown: TypeError no such/ });
});

test("I3: text that was not sent", () => {
  const whole = ReceiveQueue.prototype.shift;
  vi.spyOn(ReceiveQueue.prototype, "shift").mockImplementation(function () {
    const chunk = whole.call(this);
    return chunk === null || chunk.length < 100 ? chunk : chunk.slice(1);
  });
  expect(search("connection")).toMatchObject({ rule: "I3" });
});

test("I4: a RST in answer to a RST", () => {
  const whole = TcpConnection.prototype.onSegment;
  vi.spyOn(TcpConnection.prototype, "onSegment").mockImplementation(function (s, now) {
    if ((s.flags & RST) !== 0) this.resetOwed = true;
    return whole.call(this, s, now);
  });
  expect(search("connection")).toMatchObject({ rule: expect.stringMatching(/I4|MODEL/) });
});

test("I6: something left over", () => {
  vi.spyOn(Stack.prototype, "memoryUsed", "get").mockReturnValue(1);
  expect(search("connection")).toMatchObject({ rule: "I6", message: /^left over.*1 bytes/ });
});

test("I8: a packet with a wrong checksum", () => {
  const whole = PacketOutput.prototype.segment;
  vi.spyOn(PacketOutput.prototype, "segment").mockImplementation(function (t, out) {
    const { commit } = this.sender;
    this.sender.commit = (...args) => {
      this.sender.buffer[this.sender.offset + 34]! ^= 1;
      commit.apply(this.sender, args);
    };
    whole.call(this, t, out);
    this.sender.commit = commit;
  });
  expect(search("connection")).toMatchObject({ rule: "I8", message: /wrong TCP checksum/ });
});

test("I10: a connection without a timer", () => {
  const whole = TimerTable.prototype.start;
  vi.spyOn(TimerTable.prototype, "start").mockImplementation(function (timer, deadline) {
    if (timer !== 0) whole.call(this, timer, deadline); // no retransmission
  });
  expect(search("connection")).toMatchObject({ rule: "I10" });
});

test("MODEL: a RST that is taken wherever it lies in the window", () => {
  const whole = TcpConnection.prototype.onSegment;
  vi.spyOn(TcpConnection.prototype, "onSegment").mockImplementation(function (s, now) {
    const ahead = (s.seq - this.rcv.nxt) | 0;
    if ((s.flags & RST) !== 0 && ahead > 0 && ahead < 1000) s.seq = this.rcv.nxt;
    return whole.call(this, s, now);
  });
  const found = search("connection");
  expect(found).toMatchObject({ rule: "MODEL", message: /RST ahead: to CLOSED/ });
});

test("reassembly: a byte that is counted and not held", () => {
  const whole = Reassembly.prototype.insert;
  vi.spyOn(Reassembly.prototype, "insert").mockImplementation(function (start, data, limit) {
    return whole.call(this, start, data.length > 50 ? data.subarray(1) : data, limit);
  });
  expect(search("reassembly")?.rule).toMatch(/I3|I6/);
});
