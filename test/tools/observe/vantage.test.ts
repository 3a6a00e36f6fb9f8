/** From where a capture sees a connection, and what was lost by the look of it. */
import { expect, test } from "vitest";
import { Tracker, type Conversation } from "../../../src/tools/observe/tracker.ts";
import { seemLost, vantageOf } from "../../../src/tools/observe/vantage.ts";
import { conversationLadder } from "../../../src/tools/pictures/conversation-ladder.ts";
import { TwoStacks, type WireOptions } from "../../support/two-stacks.ts";

/** A's device is watched: what it sends as it leaves, what it gets as it arrives; or B's. */
function captured(
  at: "A" | "B",
  options: WireOptions,
  play: (wire: TwoStacks) => void,
): Conversation {
  const wire = new TwoStacks(options);
  const tracker = new Tracker();
  const side = at === "A" ? wire.a : wire.b;
  const input = side.stack.input.bind(side.stack);
  side.stack.input = (buffer, offset, length, flags, now) => {
    tracker.packet(now, buffer.subarray(offset, offset + length), null);
    return input(buffer, offset, length, flags, now);
  };
  const { packets } = side.sender;
  const push = packets.push.bind(packets);
  packets.push = (...more) => {
    for (const { bytes } of more) tracker.packet(wire.time, bytes, null);
    return push(...more);
  };
  play(wire);
  return tracker.conversations[0]!;
}

const transfer = (wire: TwoStacks): void => {
  wire.b.listens(80);
  wire.a.connects(wire.b, 80, 40000);
  wire.runs(100);
  wire.a.endpoint!.send(new Uint8Array(10 * 1460));
  wire.runs(1000);
};

/** The fifth of the ten segments. */
const LOSS: WireOptions = {
  settings: { tcp_timestamps: 0 },
  delay: 15,
  lose: (from, _s, n) => from === "A" && n === 6,
};

test("half the shortest answer is the way to each end", () => {
  expect(vantageOf(captured("A", { delay: 15 }, transfer))).toEqual({ toLeft: 0, toRight: 15 });
  expect(vantageOf(captured("B", { delay: 15 }, transfer))).toEqual({ toLeft: 15, toRight: 0 });
});

test("an end that never answered is unknown", () => {
  const c = captured("A", {}, (wire) => {
    wire.a.connects(wire.b, 80, 40000);
    wire.runs(5);
  });
  expect(vantageOf(c)).toEqual({ toLeft: NaN, toRight: NaN });
});

test("what was sent again is lost where it passed near its sender; near the receiver it had arrived", () => {
  const near = captured("A", LOSS, transfer);
  const lost = [...seemLost(near, vantageOf(near))];
  expect(lost.map(({ seq, remark }) => [seq, remark])).toEqual([[4 * 1460 + 1, ""]]);
  const far = captured("B", LOSS, transfer);
  expect(seemLost(far, vantageOf(far)).size).toBe(0);
});

test("what a D-SACK reports had arrived after all", () => {
  // every ACK takes so long that the timeout comes first
  const c = captured("A", { settings: { tcp_timestamps: 0 } }, (wire) => {
    wire.b.listens(80);
    wire.a.connects(wire.b, 80, 40000);
    wire.runs(100);
    wire.delay = 500;
    wire.a.endpoint!.send(new Uint8Array(1000));
    wire.runs(5000);
  });
  const again = c.rungs.filter(({ remark }) => remark === "retransmission");
  expect(again.length).toBeGreaterThan(0);
  expect(c.rungs.some(({ options }) => options.includes("sack 1:1001"))).toBe(true);
  const lost = [...seemLost(c, vantageOf(c))];
  expect(lost.length).toBeLessThan(again.length);
});

test("the ladder of a capture: flights as long as the way, states as segments leave and arrive, the lost one crossed out", () => {
  const ladder = conversationLadder(captured("A", LOSS, transfer), true);
  const flights = ladder.segments.map(({ sent, arrived }) =>
    arrived === null ? 0 : arrived - sent,
  );
  expect(new Set(flights)).toEqual(new Set([15, 0]));
  expect(flights.filter((ms) => ms === 0)).toHaveLength(1);
  expect(ladder.segments.map(({ look }) => look).filter((look) => look === "again")).toHaveLength(
    1,
  );
  expect(ladder.segments[0]).toMatchObject({ sent: 0, arrived: 15, fromLeft: true, time: "0.000" });
  expect(ladder.segments[0]!.labels[0]).toMatch(/^SYN seq 0 win \d+ <mss 1460/);
  expect(ladder.segments[3]!.labels.at(-1)).toBe("ACK seq 1 ack 1 len 1460");
  expect(ladder.states).toEqual({
    left: [
      { at: -1, state: "CLOSED" },
      { at: 0, state: "SYN-SENT" },
      { at: 30, state: "ESTABLISHED" },
    ],
    right: [
      { at: -1, state: "LISTEN" },
      { at: 15, state: "SYN-RECEIVED" },
      { at: 45, state: "ESTABLISHED" },
    ],
  });
  expect(ladder.remarks).toEqual([
    "Flight times are half the shortest answers seen from where was captured: 0.000 ms to the left end, 15.000 ms to the right one.",
    "Crossed out: sent again, so lost, by the look of it.",
  ]);
});

test("a limit sums up what follows", () => {
  const ladder = conversationLadder(captured("A", {}, transfer), true, 5);
  expect(ladder.segments).toHaveLength(5);
  expect(ladder.gaps).toEqual([
    { before: 5, text: expect.stringMatching(/^… \d+ segments, .* … beyond the limit$/) },
  ]);
});
