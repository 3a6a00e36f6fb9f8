/** Two of our stacks open connections; what the wire carries and which states both ends pass through. */
import { expect, test } from "vitest";
import { SYN } from "../../src/wire/tcp-segment.ts";
import { TwoStacks } from "../support/two-stacks.ts";

test("a normal open goes through SYN-SENT and SYN-RECEIVED to ESTABLISHED [MUST-11]", () => {
  const w = new TwoStacks();
  w.b.listens(80);
  w.a.connects(w.b, 80, 50000);
  w.runs(100);
  expect(w.story).toEqual([
    "A SYN-SENT > S 0:0(0) > B SYN-RECEIVED",
    "B SYN-RECEIVED > S. 0:0(0) ack 1 > A ESTABLISHED",
    "A ESTABLISHED > . 1:1(0) ack 1 > B ESTABLISHED",
  ]);
  expect(w.a.states).toEqual(["SYN-SENT", "ESTABLISHED"]);
  expect(w.b.states).toEqual(["SYN-RECEIVED", "ESTABLISHED"]);
});

test("SYNs that cross make one connection through SYN-RECEIVED at both ends [MUST-10]", () => {
  const w = new TwoStacks();
  w.a.connects(w.b, 50001, 50000);
  w.b.connects(w.a, 50000, 50001);
  w.runs(300);
  expect(w.story).toEqual([
    "A SYN-SENT > S 0:0(0) > B SYN-RECEIVED",
    "B SYN-SENT > S 0:0(0) > A SYN-RECEIVED",
    "B SYN-RECEIVED > S. 0:0(0) ack 1 > A ESTABLISHED",
    "A SYN-RECEIVED > S. 0:0(0) ack 1 > B ESTABLISHED",
  ]);
  expect(w.a.stack.connections()).toHaveLength(1);
  expect(w.b.stack.connections()).toHaveLength(1);
  w.a.endpoint!.send(Uint8Array.of(1, 2, 3));
  w.b.endpoint!.send(Uint8Array.of(4, 5));
  w.runs(300);
  expect(w.b.received).toEqual([1, 2, 3]);
  expect(w.a.received).toEqual([4, 5]);
});

test("a port where nobody listens refuses at once, and the end that asked is CLOSED", () => {
  const w = new TwoStacks();
  w.a.connects(w.b, 81, 50000);
  w.runs(100);
  expect(w.story).toEqual([
    "A SYN-SENT > S 0:0(0) > B CLOSED",
    "B CLOSED > R. 0:0(0) ack 1 > A CLOSED",
  ]);
  expect(w.a.endpoint!.error?.code).toBe("ECONNREFUSED");
});

test("a lost SYN, a lost SYN-ACK and a lost last ACK are each made good", () => {
  let syns = 0;
  const w = new TwoStacks({
    lose: (from, s, n) => {
      if (from === "A" && (s.flags & SYN) !== 0) return syns++ === 0;
      return n === 0 || (from === "A" && n === 2);
    },
  });
  w.b.listens(80);
  w.a.connects(w.b, 80, 50000);
  w.runs(10000);
  expect(w.a.state).toBe("ESTABLISHED");
  expect(w.b.state).toBe("ESTABLISHED");
  expect(w.story.slice(0, 4)).toEqual([
    "A SYN-SENT > S 0:0(0) > lost",
    "A SYN-SENT > S 0:0(0) > B SYN-RECEIVED",
    "B SYN-RECEIVED > S. 0:0(0) ack 1 > lost",
    "B SYN-RECEIVED > S. 0:0(0) ack 1 > A ESTABLISHED",
  ]);
  expect(w.story.at(-1)).toBe("A ESTABLISHED > . 1:1(0) ack 1 > B ESTABLISHED");
});
