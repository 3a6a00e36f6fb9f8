/** The bad network around a device: its language and its effect. The models themselves: test/netem. */
import { expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import { impairDevice } from "../../src/devices/impair.ts";
import { parseImpairment } from "../../src/devices/impairment-spec.ts";
import { createPair } from "../../src/devices/pair.ts";

test("A specification holds for both ways unless a prefix names one", () => {
  const spec = parseImpairment("loss=1%,delay=20ms,rate=10mbit,out.loss=50%,limit=7,seed=9");
  if (typeof spec === "string") throw new Error(spec);
  expect(spec.seed).toBe(9);
  expect(spec.in).toMatchObject({ loss: 0.01, delay: 20, rate: 1e7, limit: 7 });
  expect(spec.out.loss).toBe(0.5);
});

test("Every word is understood, each way for itself where it is said so", () => {
  const spec = parseImpairment(
    "rate=1gbit,queue=64kb,aqm=codel,target=1ms,interval=20ms,ecn=on,mark=20,burst=1%/30%,drop=3/7-9,jitter=2ms,order=free,delay=5ms,in.cut=1s-2s/3s-4.5s",
  );
  if (typeof spec === "string") throw new Error(spec);
  expect(spec.out.queue).toEqual({
    packets: Infinity,
    bytes: 64_000,
    codel: true,
    target: 1,
    interval: 20,
    ecn: true,
    mark: { packets: 20, bytes: Infinity },
  });
  expect(spec.out.burst).toEqual({ toBad: 0.01, toGood: 0.3, lossBad: 1, lossGood: 0 });
  expect(spec.out).toMatchObject({
    drop: [
      [3, 3],
      [7, 9],
    ],
    reorders: true,
    jitter: 2,
    cuts: [],
  });
  expect(spec.in.cuts).toEqual([
    [1000, 2000],
    [3000, 4500],
  ]);
});

test.each([
  ["los=1%", 'impairment "los" is not known; did you mean "loss"?'],
  ["in.dely=1ms", 'impairment "dely" is not known; did you mean "delay"?'],
  ["delay=20", "impairment delay=20: expected a value such as 20ms"],
  ["loss=200%", "impairment loss=200%: expected a value such as 1%"],
  ["loss=1constructor", "impairment loss=1constructor: expected a value such as 1%"],
  ["limit=0", "impairment limit=0: expected a value such as 100"],
  ["loss", 'impairment "loss": expected key=value, such as loss=1%'],
  ["reorder=1%", "impairment reorder: needs a delay, which reordered packets skip"],
  ["burst=1%", "impairment burst=1%: expected a value such as 1%/30%/100%/0%"],
  ["drop=5-3", "impairment drop=5-3: expected a value such as 3/17/20-25"],
  ["cut=3s-2s", "impairment cut=3s-2s: expected a value such as 2s-3s/8s-9s"],
  [
    "mtu=60",
    "impairment mtu=60: expected a value such as 1400 or 1500/3s:1280, 68 to 65535, by time",
  ],
  [
    "mtu=1500/3s",
    "impairment mtu=1500/3s: expected a value such as 1400 or 1500/3s:1280, 68 to 65535, by time",
  ],
  [
    "mtu=3s:1280/2s:1500",
    "impairment mtu=3s:1280/2s:1500: expected a value such as 1400 or 1500/3s:1280, 68 to 65535, by time",
  ],
  ["blackhole=on", "impairment blackhole: needs an mtu, above which packets vanish"],
  ["aqm=red", "impairment aqm=red: expected a value such as codel or none"],
  ["queue=10ms,rate=1mbit", "impairment queue=10ms: expected a value such as 100 or 64kb"],
  ["queue=10", "impairment queue: needs a rate, as without one nothing waits"],
  ["aqm=codel", "impairment aqm: needs a rate, as without one nothing waits"],
  ["mark=10", "impairment mark: needs a rate, as without one nothing waits"],
  ["ecn=on,rate=1mbit", "impairment ecn: needs aqm=codel, which then marks; see also mark"],
  ["order=free", "impairment order: needs a jitter, which may then reorder"],
])("The mistake in %s is told in one line", (text, line) => {
  expect(parseImpairment(text)).toBe(line);
});

function world(text: string) {
  const spec = parseImpairment(text);
  if (typeof spec === "string") throw new Error(spec);
  let now = 0;
  const timers: { at: number; fire: () => void }[] = [];
  const pair = createPair({ schedule: "manual" });
  const device = impairDevice(pair[0], spec, {
    clock: { now: () => instantOf(now) },
    setTimer(fire, ms) {
      const timer = { at: now + ms, fire };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  });
  const seen: [number, number[], number][] = [];
  pair[1].start({
    onPacket(buffer, offset, length, flags) {
      seen.push([now, [...buffer.subarray(offset, offset + length)], flags]);
      return null;
    },
    onBatchEnd() {},
    onDeviceLost() {},
  });
  const send = (byte: number): void => {
    device.reserve(1);
    device.buffer[device.offset] = byte;
    device.commit(1, false, 0, null);
    device.flush();
  };
  const advance = (to: number): void => {
    for (;;) {
      pair.deliver();
      const next = timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > to) break;
      timers.splice(timers.indexOf(next), 1);
      now = next.at;
      next.fire();
    }
    now = to;
  };
  return { device, pair, seen, send, advance, timers };
}

test("A delayed packet leaves when its time has come", () => {
  const { seen, send, advance } = world("out.delay=20ms");
  send(1);
  advance(5);
  send(2);
  advance(19);
  expect(seen).toEqual([]);
  advance(30);
  expect(seen).toEqual([
    [20, [1], 0],
    [25, [2], 0],
  ]);
});

test("Corruption flips one bit", () => {
  const { seen, send, advance } = world("corrupt=100%");
  send(0);
  advance(1);
  const flipped = seen[0]![1][0]!;
  expect(flipped).not.toBe(0);
  expect(flipped & (flipped - 1)).toBe(0);
});

test("A cut counts from when the device was made, and what is lost by the model is said to a capture", () => {
  const { seen, send, advance } = world("cut=10ms-20ms,drop=1");
  send(1);
  send(2);
  advance(15);
  send(3);
  advance(20);
  send(4);
  advance(30);
  expect(seen.map(([at, bytes]) => [at, bytes[0]])).toEqual([
    [0, 2],
    [20, 4],
  ]);
});

test("Closing drops what waits and leaves no timer", async () => {
  const { device, seen, send, advance, timers } = world("delay=20ms");
  send(1);
  expect(timers.length).toBe(1);
  await device.close();
  expect(timers.length).toBe(0);
  advance(100);
  expect(seen).toEqual([]);
});

test("Who sends what exceeds the MTU is told, the program behind the device as well as the peer, and not from a black hole", () => {
  const told = (words: string) => {
    const { device, seen, advance, pair } = world(words);
    const got: [number, number[]][] = [];
    device.start({
      onPacket: (buffer, offset, length) => {
        got.push([length, [...buffer.subarray(offset + 20, offset + 28)]]);
        return null;
      },
      onBatchEnd() {},
      onDeviceLost() {},
    });
    const packet = new Uint8Array(1500);
    packet.set([0x45, 0, 5, 220, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    for (const sender of [device, pair[1]]) {
      sender.reserve(1500);
      sender.buffer.set(packet, sender.offset);
      sender.commit(1500, false, 0, null);
      sender.flush();
      // the one that sends is told later, not in between
      expect(sender === device ? got : seen).toEqual([]);
      advance(1);
    }
    return [got, seen.map(([, bytes]) => [bytes.length, bytes.slice(20, 28)])];
  };
  const is = (message: (number | number[])[]): void => {
    expect(message[0]).toBe(56);
    expect(message[1]).toMatchObject([3, 4, expect.any(Number), expect.any(Number), 0, 0, 5, 0]);
  };
  const [program, peer] = told("mtu=1280");
  expect([program!.length, peer!.length]).toEqual([1, 1]);
  is(program![0]!);
  is(peer![0]!);
  expect(told("mtu=1280,blackhole=on")).toEqual([[], []]);
});
