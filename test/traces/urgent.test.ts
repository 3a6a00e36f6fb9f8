/** Urgent data both ways: the pointer's place, its news, and bytes that stay where they are. */
import { expect, test } from "vitest";
import { EVENT_URGENT } from "../../src/tcp/endpoint.ts";
import { URG } from "../../src/wire/tcp-segment.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { TwoStacks } from "../support/two-stacks.ts";

const TSO = { checksum: true, tso: true };

test("an urgent byte has URG and a pointer to the octet behind it [MUST-30] [MUST-62]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.sendUrgent(Uint8Array.of(1));
  p.settle().sees("P.U 1:2(1) ack 1 urg 1");
  p.sends(". 1:1(0) ack 2").writes(3).sees("P. 2:5(3) ack 1");
});

test("segments before the mark name it, those behind do not, and once acknowledged it is over [MUST-62]", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.endpoint.setNoDelay(true);
  p.endpoint.send(new Uint8Array(1500));
  p.endpoint.sendUrgent(new Uint8Array(300));
  p.endpoint.send(new Uint8Array(700));
  p.settle().sees(".U 1:1001(1000) ack 1 urg 1800");
  p.sees(".U 1001:2001(1000) ack 1 urg 800").sees("P. 2001:2501(500) ack 1").silent();
  p.waits(250).sees(".U 1:1001(1000) ack 1 urg 1800");
  p.sends(". 1:1(0) ack 2501").writes(2).sees("P. 2501:2503(2) ack 1").silent();
});

test("the mark is told ahead of data that the window holds back, and moves with each urgent write [MUST-30]", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 1000);
  p.writes(1000).sees("P. 1:1001(1000) ack 1");
  p.endpoint.sendUrgent(new Uint8Array(10));
  p.settle().sees(".U 1001:1001(0) ack 1 urg 10").silent();
  p.endpoint.sendUrgent(new Uint8Array(5));
  p.settle().sees(".U 1001:1001(0) ack 1 urg 15").silent();
});

test("urgent data does not wait for Nagle, as in Linux", () => {
  const p = new ScriptedPeer().established();
  p.writes(10).sees("P. 1:11(10) ack 1").writes(1).silent();
  p.endpoint.sendUrgent(Uint8Array.of(1));
  p.settle().sees("P.U 11:13(2) ack 1 urg 2").silent();
});

test("the device is given no segment to cut while a mark lies ahead: each piece has its own pointer", () => {
  const p = new ScriptedPeer({ offload: TSO }).established("<mss 1000>");
  p.endpoint.send(new Uint8Array(2000));
  p.endpoint.sendUrgent(Uint8Array.of(1));
  p.settle().sees(".U 1:1001(1000) ack 1 urg 2001").sees(".U 1001:2001(1000) ack 1 urg 1001");
});

test("100000 urgent bytes keep the mark up to the right byte [MUST-31]", () => {
  const w = new TwoStacks().established();
  w.b.reads = false;
  const marks: number[] = [];
  const { endpoint } = w.b;
  endpoint!.owner = {
    onEvents: (e, events) => {
      if ((events & EVENT_URGENT) !== 0)
        marks.push(e.bytesReceived - e.receiveQueued + e.urgentAhead);
      for (let c = e.receive(); c !== null; c = e.receive()) w.b.received.push(...c);
    },
  };
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i & 0xff);
  w.a.endpoint!.sendUrgent(bytes);
  w.runs(2000);
  expect(w.b.received).toEqual([...bytes]);
  // farther than the field can say at first, then nearer and nearer
  expect(marks[0]).toBe(65535);
  expect(marks.at(-1)).toBe(100_000);
  expect(marks).toEqual(marks.toSorted((a, b) => a - b));
  expect(endpoint!.urgentAhead).toBe(0);
});

test("a pointer is told when it comes and when it advances, not when it is repeated [MUST-32]", () => {
  const p = new ScriptedPeer().established();
  p.reads = false;
  const told = (): boolean => {
    const was = (p.events & EVENT_URGENT) !== 0;
    p.events = 0;
    return was;
  };
  p.sends("P.U 1:11(10) ack 1 urg 15");
  expect(told()).toBe(true);
  p.sends("P.U 1:11(10) ack 1 urg 15");
  expect(told()).toBe(false);
  p.sends("P.U 6:13(7) ack 1 urg 10");
  expect(told()).toBe(false);
  p.sends("P.U 13:16(3) ack 1 urg 4");
  expect(told()).toBe(true);
  p.sends("P. 16:17(1) ack 1");
  expect(told()).toBe(false);
});

test("the user sees how much lies before the mark, and at it and past it nothing [MUST-33] [6093-6-INLINE]", () => {
  const p = new ScriptedPeer().established();
  p.reads = false;
  p.sends(".U 1:301(300) ack 1 urg 600").sends(".U 301:601(300) ack 1 urg 300");
  p.sends("P. 601:901(300) ack 1");
  const ahead = (): number => p.endpoint.urgentAhead;
  expect(ahead()).toBe(600);
  // as many chunks as the arena made of them
  const sizes: number[] = [];
  let read = 0;
  for (let c = p.endpoint.receive(); c !== null; c = p.endpoint.receive()) {
    read += c.length;
    sizes.push(c.length);
    expect(ahead()).toBe(Math.max(0, 600 - read));
  }
  expect(read).toBe(900);
  // a later mark counts anew
  p.sends("P.U 901:905(4) ack 1 urg 2");
  expect(ahead()).toBe(2);
});

test("the FIN behind urgent data is no byte before the mark [MUST-33]", () => {
  const p = new ScriptedPeer().established();
  p.reads = false;
  p.sends("FP.U 1:11(10) ack 1 urg 10");
  expect(p.endpoint.urgentAhead).toBe(10);
  p.read();
  expect(p.endpoint.urgentAhead).toBe(0);
});

test("at a closed window the news of urgent data is still taken [MUST-66]", () => {
  const settings = { tcp_rmem: [4096, 4096, 4096] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1460>");
  p.reads = false;
  p.sends(". 1:4097(4096) ack 1");
  while (p.pending > 0) p.next();
  p.events = 0;
  p.sends(".U 4097:4097(0) ack 1 urg 3");
  expect(p.events & EVENT_URGENT).toBe(EVENT_URGENT);
  expect(p.endpoint.urgentAhead).toBe(4096 + 3);
});

test("what was acknowledged long ago leaves no mark behind: no later segment has URG", () => {
  const w = new TwoStacks().established();
  w.a.endpoint!.sendUrgent(new Uint8Array(10));
  w.runs(100);
  let urgent = 0;
  w.lose = (_from, s) => {
    if ((s.flags & URG) !== 0) urgent++;
    return false;
  };
  w.a.endpoint!.send(new Uint8Array(5000));
  w.runs(100);
  expect(w.b.received).toHaveLength(5010);
  expect(urgent).toBe(0);
});
