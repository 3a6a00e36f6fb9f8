/** The pieces do what their names say, so that what is timed is the thing itself. */
import { expect, test } from "vitest";
import { formatPacket, type Packet } from "../../../src/packet/index.ts";
import { createMachine } from "../../../src/tools/bench/machine.ts";
import { measurePieces } from "../../../src/tools/bench/measure.ts";
import { createScoreboard } from "../../../src/tools/bench/scoreboard.ts";
import { createSynFlood } from "../../../src/tools/bench/syn-flood.ts";
import { PIECES } from "../../../src/tools/bench/pieces.ts";
import { createTransfer } from "../../../src/tools/bench/transfer.ts";

const step = (name: string): (() => unknown) => {
  const spec = PIECES.find((piece) => piece.name.startsWith(name));
  if (spec === undefined) throw new Error(`no piece ${name}`);
  return spec.make();
};

test("no two pieces have one name", () => {
  expect(new Set(PIECES.map(({ name }) => name)).size).toBe(PIECES.length);
});

test("what the codec pieces read is well-formed", () => {
  const readers = PIECES.filter(({ name }) => name.startsWith("read "));
  expect(readers.length).toBeGreaterThan(4);
  for (const { name, make } of readers) expect(make()(), name).toBeNull();
});

test("the headers that are written have the length of their options", () => {
  expect(step("write a TCP header, timestamps")()).toBe(32);
  expect(step("write a TCP header, timestamps and 3 SACK")()).toBe(60);
  expect(step("write a SYN")()).toBe(40);
});

test("what the packet pieces make is a packet, the same in all its forms", () => {
  for (const name of ["a SYN with five options", "a segment of 1,448 bytes"]) {
    const built = step(`${name} built`)() as object;
    expect(step(`${name} parsed`)()).toEqual(built);
    expect(step(`${name} read from a line`)()).toEqual(built);
    expect(formatPacket(built as Packet)).toBe(step(`${name} printed`)());
  }
});

test("every look-up finds a connection", () => {
  const find = step("find one of 100 ");
  for (let i = 0; i < 250; i++) expect(find()).not.toBeNull();
});

test("each SYN of the flood is answered with a cookie, and remembered nowhere", () => {
  const { stack, syn, answers } = createSynFlood();
  for (let i = 0; i < 5000; i++) syn();
  expect(answers()).toBe(5000);
  expect(stack.counters.get("TcpExtSyncookiesSent")).toBe(5000);
  expect(stack.connections()).toEqual([]);
  expect(stack.memoryUsed).toBe(0);
});

test("each segment of data is taken, each ACK acknowledges one, and a pure ACK neither", () => {
  const { endpoint, data, ack, send } = createMachine();
  for (let i = 0; i < 1000; i++) data();
  expect(endpoint.bytesReceived).toBe(1000 * 1448);
  const before = endpoint.info();
  expect(before.segsOut).toBeGreaterThan(450);
  expect(before.segsOut).toBeLessThan(600);
  for (let i = 0; i < 1000; i++) send();
  const sent = endpoint.info();
  expect(sent.bytesAcked).toBe(1000 * 1448);
  expect(sent.segsOut - before.segsOut).toBeGreaterThanOrEqual(1000);
  // and the short ends of 23 blocks, which wait for no full segment
  expect(sent.segsOut - before.segsOut).toBeLessThan(1060);
  expect(sent.retransmits).toBe(0);
  // what is outstanding is probed for after 10 ms (RFC 8985 §7), and these take less
  for (let i = 0; i < 500; i++) ack();
  const after = endpoint.info();
  expect(after.segsIn - sent.segsIn).toBe(500);
  expect([after.segsOut, after.bytesAcked]).toEqual([sent.segsOut, sent.bytesAcked]);
  expect(endpoint.state).toBe("ESTABLISHED");
});

test("the scoreboard holds as many ranges after each ACK, and hears of a segment SACKed and of one that was not", () => {
  const { sent, news, ack } = createScoreboard(100);
  for (let i = 0; i < 5000; i++) {
    expect(ack()).toBe(2 * 1448);
    expect([sent.ranges, sent.sacked, sent.count]).toEqual([100, 100 * 1448, 200]);
  }
  expect([news.lost, sent.lost]).toEqual([0, 0]);
  expect(sent.capacity).toBeLessThan(1000);
});

test("a transfer carries its bytes, again and again", () => {
  const transfer = createTransfer(1500);
  for (let i = 0; i < 100; i++) transfer();
});

test("a piece costs some time, and each of a group is measured", () => {
  const wheel = PIECES.filter(({ group }) => group === "timers").slice(0, 2);
  const pieces = measurePieces(wheel, 3);
  expect(pieces.map(({ name }) => name)).toEqual(wheel.map(({ name }) => name));
  for (const { ns } of pieces) expect(ns).toBeGreaterThan(0);
});
