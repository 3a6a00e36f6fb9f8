/** Controlled delay (RFC 8289) against its own rules, in virtual time. */
import { expect, test } from "vitest";
import { Codel } from "../../src/netem/codel.ts";
import { Fifo } from "../../src/netem/fifo.ts";
import { PacketPool } from "../../src/netem/packet.ts";

function world(ecn = false) {
  const pool = new PacketPool();
  const queue = new Fifo();
  const drops: number[] = [];
  let marks = 0;
  const codel = new Codel({ target: 5, interval: 100, ecn }, queue, {
    aqmDropped: (_p, now) => void drops.push(now),
    aqmMarked: () => void marks++,
  });
  const add = (now: number, ect = false): void => {
    const p = pool.take(1500);
    p.buffer.fill(0, 0, 20);
    p.buffer[1] = ect ? 2 : 0;
    p.queuedAt = now;
    queue.push(p);
  };
  return { codel, queue, drops, add, marks: () => marks };
}

/** Each ms one packet comes and one leaves, each after `delay` ms in the queue. */
function steady(delay: number, ms: number, ecn = false, ect = false) {
  const w = world(ecn);
  for (let now = -delay; now < 0; now++) w.add(now, ect);
  for (let now = 0; now < ms; now++) {
    w.add(now, ect);
    w.codel.dequeue(now);
    // what was dropped left, too: the delay is kept as it is, so that the control law can be read off
    while (w.queue.length < delay) w.add(now - delay + w.queue.length + 1, ect);
  }
  return w;
}

test("nothing is dropped while the delay is below the target, nor for less than an interval above it", () => {
  expect(steady(4, 2000).drops).toEqual([]);
  expect(steady(50, 100).drops).toEqual([]);
});

test("the first drop comes an interval after the delay rose, the next ones an interval over the root of their number later", () => {
  const { drops } = steady(50, 1200);
  expect(drops[0]).toBe(100);
  let due = 100;
  for (let n = 1; n < 12; n++) {
    due += 100 / Math.sqrt(n);
    // packets leave each ms, so a drop comes with the first one at or after its time
    expect(drops[n]).toBe(Math.ceil(due - 1e-9));
  }
});

test("a queue of one packet is left alone, whatever it waited", () => {
  const w = world();
  for (let now = 0; now < 5000; now += 50) {
    w.add(now - 40);
    expect(w.codel.dequeue(now)).not.toBeNull();
  }
  expect(w.drops).toEqual([]);
});

test("with ECN what would be dropped is marked, as often, if its transport is capable", () => {
  const marked = steady(50, 1200, true, true);
  expect(marked.drops).toEqual([]);
  expect(marked.marks()).toBe(steady(50, 1200).drops.length);
  expect(steady(50, 1200, true, false).drops.length).toBe(marked.marks());
});

test("dropping begins again near the rate that it ended with, if that was not long ago", () => {
  const again = (pause: number): number => {
    const w = world();
    let now = 0;
    const phase = (delay: number, ms: number): void => {
      for (const end = now + ms; now < end; now++) {
        while (w.queue.length < Math.max(2, delay)) w.add(now - delay);
        w.codel.dequeue(now);
      }
    };
    phase(50, 1500);
    phase(1, pause);
    const before = w.drops.length;
    phase(50, 500);
    return w.drops.length - before;
  };
  expect(again(50)).toBeGreaterThan(again(5000) + 2);
});

test("an empty queue gives nothing", () => {
  const w = world();
  expect(w.codel.dequeue(1)).toBeNull();
});
