/** All ways in which a connection between two of our stacks ends, with the states of both ends. */
import { expect, test } from "vitest";
import { FIN } from "../../src/wire/tcp-segment.ts";
import { TwoStacks } from "../support/two-stacks.ts";

test("a close in four segments by the end that opened", () => {
  const w = new TwoStacks().established();
  w.a.endpoint!.shutdown();
  w.runs(100);
  w.b.endpoint!.shutdown();
  w.runs(100);
  expect(w.story).toEqual([
    "A FIN-WAIT-1 > F. 1:1(0) ack 1 > B CLOSE-WAIT",
    "B CLOSE-WAIT > . 1:1(0) ack 2 > A FIN-WAIT-2",
    "B LAST-ACK > F. 1:1(0) ack 2 > A TIME-WAIT",
    "A TIME-WAIT > . 2:2(0) ack 2 > B LISTEN",
  ]);
  expect(w.a.states).toEqual(["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"]);
  expect(w.b.states).toEqual(["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"]);
});

test("a close in four segments by the end that was opened to", () => {
  const w = new TwoStacks().established();
  w.b.endpoint!.shutdown();
  w.runs(100);
  w.a.endpoint!.shutdown();
  w.runs(100);
  expect(w.story).toEqual([
    "B FIN-WAIT-1 > F. 1:1(0) ack 1 > A CLOSE-WAIT",
    "A CLOSE-WAIT > . 1:1(0) ack 2 > B FIN-WAIT-2",
    "A LAST-ACK > F. 1:1(0) ack 2 > B TIME-WAIT",
    "B TIME-WAIT > . 2:2(0) ack 2 > A CLOSED",
  ]);
});

test("a close in three segments: who answers a FIN at once sends FIN and ACK in one", () => {
  const w = new TwoStacks().established();
  const { b } = w;
  const asBefore = b.onEvents.bind(b);
  b.onEvents = (endpoint, events) => {
    asBefore(endpoint, events);
    if (endpoint.atEnd) endpoint.shutdown();
  };
  w.a.endpoint!.shutdown();
  w.runs(100);
  expect(w.story).toEqual([
    "A FIN-WAIT-1 > F. 1:1(0) ack 1 > B CLOSE-WAIT",
    "B LAST-ACK > F. 1:1(0) ack 2 > A TIME-WAIT",
    "A TIME-WAIT > . 2:2(0) ack 2 > B LISTEN",
  ]);
  expect(w.a.states.slice(2)).toEqual(["FIN-WAIT-1", "TIME-WAIT"]);
});

test("FINs that cross lead both ends through CLOSING", () => {
  const w = new TwoStacks().established();
  w.a.endpoint!.shutdown();
  w.b.endpoint!.shutdown();
  w.runs(100);
  expect(w.story).toEqual([
    "A FIN-WAIT-1 > F. 1:1(0) ack 1 > B CLOSING",
    "B FIN-WAIT-1 > F. 1:1(0) ack 1 > A CLOSING",
    "B CLOSING > . 2:2(0) ack 2 > A TIME-WAIT",
    "A CLOSING > . 2:2(0) ack 2 > B TIME-WAIT",
  ]);
});

test("half-close: after its FIN an end still receives, acknowledges and reads what the other sends", () => {
  const w = new TwoStacks().established();
  w.a.endpoint!.shutdown();
  w.runs(100);
  w.b.endpoint!.send(Uint8Array.of(7, 8, 9));
  w.runs(100);
  w.b.endpoint!.shutdown();
  w.runs(100);
  expect(w.story).toEqual([
    "A FIN-WAIT-1 > F. 1:1(0) ack 1 > B CLOSE-WAIT",
    "B CLOSE-WAIT > . 1:1(0) ack 2 > A FIN-WAIT-2",
    "B CLOSE-WAIT > P. 1:4(3) ack 2 > A FIN-WAIT-2",
    "A FIN-WAIT-2 > . 2:2(0) ack 4 > B CLOSE-WAIT",
    "B LAST-ACK > F. 4:4(0) ack 2 > A TIME-WAIT",
    "A TIME-WAIT > . 2:2(0) ack 5 > B LISTEN",
  ]);
  expect(w.a.received).toEqual([7, 8, 9]);
});

test("an abort sends one RST, the peer hears ECONNRESET, and nobody waits in TIME-WAIT", () => {
  const w = new TwoStacks().established();
  w.a.endpoint!.abort();
  w.runs(100);
  expect(w.story).toEqual(["A CLOSED > R. 1:1(0) ack 1 > B LISTEN"]);
  expect(w.b.endpoint!.error?.code).toBe("ECONNRESET");
  expect(w.a.stack.connections()).toHaveLength(0);
  expect(w.b.stack.connections()).toHaveLength(0);
});

test("a last ACK that was lost is sent again from TIME-WAIT, which then begins anew [MUST-13]", () => {
  let fins = 0;
  const w = new TwoStacks({
    lose: (from, s) => from === "A" && fins > 0 && (s.flags & FIN) === 0 && fins++ === 1,
  }).established();
  w.a.endpoint!.shutdown();
  w.runs(100);
  fins = 1;
  w.b.endpoint!.shutdown();
  w.runs(1000);
  expect(w.story.slice(2)).toEqual([
    "B LAST-ACK > F. 1:1(0) ack 2 > A TIME-WAIT",
    "A TIME-WAIT > . 2:2(0) ack 2 > lost",
    "B LAST-ACK > F. 1:1(0) ack 2 > A TIME-WAIT",
    "A TIME-WAIT > . 2:2(0) ack 2 > B LISTEN",
  ]);
  const again = w.times[4]! + w.delay;
  w.runs(again + 60000 - 1 - w.time);
  expect(w.a.state).toBe("TIME-WAIT");
  w.runs(2);
  expect(w.a.state).toBe("CLOSED");
});

test("closing with data that nobody read resets, so that the peer knows of the loss [SHLD-3]", () => {
  const w = new TwoStacks().established();
  w.b.reads = false;
  w.a.endpoint!.send(Uint8Array.of(1));
  w.runs(100);
  w.b.endpoint!.close();
  w.runs(100);
  expect(w.story.at(-1)).toBe("B CLOSED > R. 1:1(0) ack 2 > A CLOSED");
  expect(w.a.endpoint!.error?.code).toBe("ECONNRESET");
});

test("a FIN waits for everything queued before it, over many windows [9293-3.10.4-FIN]", () => {
  const w = new TwoStacks().established();
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff);
  w.a.endpoint!.send(bytes);
  w.a.endpoint!.shutdown();
  w.runs(2000);
  expect(w.b.received).toEqual([...bytes]);
  expect(w.b.state).toBe("CLOSE-WAIT");
  expect(w.story.filter((l) => l.startsWith("A") && / F|P/.test(l)).length).toBeGreaterThan(0);
  expect(w.a.state).toBe("FIN-WAIT-2");
});

test("a mebibyte comes in after our own end, and goes out after the peer's [9293-3.10.7.4-HALF]", () => {
  const w = new TwoStacks().established();
  w.a.endpoint!.shutdown();
  w.runs(100);
  const bytes = Uint8Array.from({ length: 1_048_576 }, (_, i) => (i * 11) & 0xff);
  w.b.endpoint!.send(bytes);
  w.runs(5000);
  expect(w.a.state).toBe("FIN-WAIT-2");
  expect(w.b.state).toBe("CLOSE-WAIT");
  expect(w.a.received).toHaveLength(bytes.length);
  expect(w.a.received.every((byte, i) => byte === bytes[i])).toBe(true);
});
