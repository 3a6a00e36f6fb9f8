/** The ladder as text and as data, for conversations of two of our stacks. */
import { expect, test } from "vitest";
import { ladder, ladderJson } from "../../../src/tools/observe/ladder.ts";
import type { Conversation } from "../../../src/tools/observe/tracker.ts";
import { watched } from "./watched.ts";

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
  expect(ladder(simple())).toMatch(/ACK seq 1 ack 1 win 65536 ─+▶ ESTABLISHED\n$/);
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
