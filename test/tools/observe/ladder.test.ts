/** Tracker and ladder against conversations of two of our stacks, whose states are known from the stacks themselves. */
import { expect, test } from "vitest";
import { ladder, ladderJson } from "../../../src/tools/observe/ladder.ts";
import { type Conversation, Tracker } from "../../../src/tools/observe/tracker.ts";
import { FIN, SYN } from "../../../src/wire/tcp-segment.ts";
import { TwoStacks, type WireOptions } from "../../support/two-stacks.ts";

interface Watched {
  readonly wire: TwoStacks;
  readonly tracker: Tracker;
  /** Of each segment: A sent it. */
  readonly fromLeft: boolean[];
  /** As a ladder has it, beside what the stacks say of themselves. */
  states(): { readonly seen: string[]; readonly told: string[] };
}

/** Watches the wire: each packet that arrives, when it arrives. */
function watched(options: WireOptions = {}): Watched {
  const wire = new TwoStacks(options);
  const tracker = new Tracker();
  const told: string[] = [];
  const fromLeft: boolean[] = [];
  for (const side of [wire.a, wire.b]) {
    const other = side === wire.a ? wire.b : wire.a;
    const input = side.stack.input.bind(side.stack);
    side.stack.input = (buffer, offset, length, flags, now) => {
      tracker.packet(now, buffer.subarray(offset, offset + length), null);
      const remark = input(buffer, offset, length, flags, now);
      const [left, right] = side === wire.a ? [side, other] : [other, side];
      fromLeft.push(side === wire.b);
      told.push(`${left.state} ${right.state}`);
      return remark;
    };
  }
  const seen = (): string[] =>
    tracker.conversations.flatMap((c) => c.rungs.map((r) => `${r.left} ${r.right}`));
  return { wire, tracker, fromLeft, states: () => ({ seen: seen(), told }) };
}

/**
 * Who receives is known at once; what the sender did since it sent is not on the wire yet. A listener listens
 * on when a connection of its is over: the ladder speaks of the connection.
 */
function sameStates(w: Watched): void {
  const { seen, told } = w.states();
  const ofReceivers = (all: readonly string[]): string[] =>
    all.map((both, i) => both.split(" ")[w.fromLeft[i]! ? 1 : 0]!.replace("LISTEN", "CLOSED"));
  expect(ofReceivers(seen)).toEqual(ofReceivers(told));
  expect(seen.at(-1)).toBe(told.at(-1)!.replace("LISTEN", "CLOSED"));
}

test("a normal open, data both ways and a close: the states are those of the stacks", () => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.send(new Uint8Array(5000));
  w.wire.runs(200);
  w.wire.b.endpoint!.send(new Uint8Array(300));
  w.wire.runs(200);
  w.wire.b.endpoint!.shutdown();
  w.wire.runs(200);
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(200);
  sameStates(w);
  const [c] = w.tracker.conversations;
  expect([c!.left, c!.right]).toEqual(["192.0.2.1:50000", "192.0.2.2:80"]);
  expect([c!.leftAtFirst, c!.rightAtFirst]).toEqual(["CLOSED", "LISTEN"]);
  expect(c!.rungs.at(-1)).toMatchObject({ left: "CLOSED", right: "TIME-WAIT" });
});

test.each([
  ["FINs that cross", ["CLOSING CLOSING"]],
  ["three segments", ["FIN-WAIT-1 CLOSE-WAIT", "TIME-WAIT LAST-ACK"]],
])("%s", (kind, expected) => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  const { b } = w.wire;
  if (kind === "three segments") {
    b.onEvents = (endpoint) => void (endpoint.atEnd && endpoint.shutdown());
  } else b.endpoint!.shutdown();
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(200);
  const { seen } = w.states();
  for (const states of expected) expect(seen).toContain(states);
  expect(seen.at(-1)).toBe(kind === "three segments" ? "TIME-WAIT CLOSED" : "TIME-WAIT TIME-WAIT");
});

test("SYNs that cross pass through SYN-RECEIVED at both ends", () => {
  const w = watched();
  w.wire.a.connects(w.wire.b, 50001, 50000);
  w.wire.b.connects(w.wire.a, 50000, 50001);
  w.wire.runs(200);
  // the watcher learns of the second SYN when it passes
  expect(w.states().seen.at(-1)).toBe("ESTABLISHED ESTABLISHED");
  expect(w.tracker.conversations).toHaveLength(1);
  expect(w.tracker.conversations[0]).toMatchObject({
    leftAtFirst: "CLOSED",
    rightAtFirst: "CLOSED",
  });
});

test("a refusal: nobody listened, and both ends are CLOSED", () => {
  const w = watched();
  w.wire.a.connects(w.wire.b, 81, 50000);
  w.wire.runs(100);
  expect(w.states().seen).toEqual(["SYN-SENT CLOSED", "CLOSED CLOSED"]);
  expect(w.tracker.conversations[0]!.rightAtFirst).toBe("CLOSED");
});

test("an abort closes both ends at once", () => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.abort();
  w.wire.runs(100);
  expect(w.states().seen.at(-1)).toBe("CLOSED CLOSED");
});

test("what is sent again is called so, and a lost last ACK shows TIME-WAIT answering", () => {
  let fins = 0;
  const w = watched({
    lose: (from, s) => from === "A" && fins > 0 && (s.flags & FIN) === 0 && fins++ === 1,
  });
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(100);
  fins = 1;
  w.wire.b.endpoint!.shutdown();
  w.wire.runs(2000);
  const again = w.tracker.conversations[0]!.rungs.filter((r) => r.remark === "retransmission");
  expect(again).toHaveLength(1);
  expect(again[0]!.flags & (FIN | SYN)).toBe(FIN);
  expect(w.states().seen.at(-1)).toBe("TIME-WAIT CLOSED");
});

test("text behind a hole and a FIN behind it change the state only when the hole is filled", () => {
  const w = watched({ lose: (from, s, n) => from === "A" && s.payloadLength === 1460 && n === 2 });
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.send(new Uint8Array(4000));
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(3000);
  sameStates(w);
});

test("a capture that begins in the middle does not pretend to know the states", () => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  const late = new Tracker();
  const input = w.wire.b.stack.input.bind(w.wire.b.stack);
  w.wire.b.stack.input = (buffer, offset, length, flags, now) => {
    late.packet(now, buffer.subarray(offset, offset + length), null);
    return input(buffer, offset, length, flags, now);
  };
  w.wire.a.endpoint!.send(new Uint8Array(10));
  w.wire.runs(100);
  w.wire.a.endpoint!.abort();
  w.wire.runs(100);
  const { rungs } = late.conversations[0]!;
  expect(rungs.map((r) => `${r.left} ${r.right}`)).toEqual(["? ?", "CLOSED CLOSED"]);
  expect([rungs[0]!.seq, rungs[0]!.length]).toEqual([1, 10]);
});

function simple(): Conversation {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  return w.tracker.conversations[0]!;
}

test("the text has a line for each segment with time, states, flags and numbers, and no line too wide", () => {
  const lines = ladder(simple()).split("\n");
  expect(lines[0]).toMatch(/^ +192\.0\.2\.1:50000 +192\.0\.2\.2:80$/);
  expect(lines[0]!.indexOf("192.0.2.2:80")).toBe(lines[2]!.indexOf("SYN-RECEIVED"));
  expect(lines[1]).toMatch(/^ +ms +CLOSED +LISTEN$/);
  expect(lines[2]).toMatch(/^ +0\.000 +SYN-SENT ── SYN seq 0 win 65535 .*▶ SYN-RECEIVED$/);
  expect(lines[3]).toMatch(
    /^ +10\.000 +ESTABLISHED ◀─+ SYN,ACK seq 0 ack 1 win 65535 .*SYN-RECEIVED$/,
  );
  expect(ladder(simple())).toMatch(/ACK seq 1 ack 1 win 131072 ─+▶ ESTABLISHED\n$/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  for (const line of ladder(simple(), { width: 80 }).split("\n")) {
    expect(line.length).toBeLessThanOrEqual(80);
  }
});

test("colour only when asked for", () => {
  expect(ladder(simple())).not.toContain("\u001b");
  expect(ladder(simple(), { color: true })).toContain("\u001b[36m");
});

test("long runs are folded to their sum, unless all is asked for", () => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.send(new Uint8Array(100_000));
  w.wire.runs(2000);
  const [c] = w.tracker.conversations;
  const folded = ladder(c!).split("\n");
  // heading, open with the options on lines of their own, a run of 30 and 10, its sum
  expect(folded.length).toBeLessThan(50);
  expect(folded.join("\n")).toMatch(/… \d+ segments, \d\d,\d{3} bytes left to right …/);
  expect(ladder(c!, { all: true }).split("\n").length).toBeGreaterThan(c!.rungs.length);
});

test("as data: names of flags, relative numbers, states by end", () => {
  const data = ladderJson(simple()) as { segments: Record<string, unknown>[] };
  expect(data.segments[1]).toMatchObject({
    ms: 10,
    from: "192.0.2.2:80",
    flags: ["SYN", "ACK"],
    seq: 0,
    ack: 1,
    states: { "192.0.2.1:50000": "ESTABLISHED", "192.0.2.2:80": "SYN-RECEIVED" },
  });
});
