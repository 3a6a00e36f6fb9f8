/** The bad network: its language, its model in virtual time, its effect on a device. */
import { expect, test } from "vitest";
import { instantOf, milliseconds } from "../../src/base/time.ts";
import { impairDevice } from "../../src/devices/impair.ts";
import { ImpairedLink } from "../../src/devices/impaired-link.ts";
import { noImpairment, parseImpairment } from "../../src/devices/impairment-spec.ts";
import { createPair } from "../../src/devices/pair.ts";

test("A specification holds for both ways unless a prefix names one", () => {
  const spec = parseImpairment("loss=1%,delay=20ms,rate=10mbit,out.loss=50%,limit=7,seed=9");
  if (typeof spec === "string") throw new Error(spec);
  expect(spec.seed).toBe(9);
  expect(spec.in).toMatchObject({ loss: 0.01, delay: 20, rate: 1e7, limit: 7 });
  expect(spec.out.loss).toBe(0.5);
});

test.each([
  ["los=1%", 'impairment "los" is not known; did you mean "loss"?'],
  ["in.dely=1ms", 'impairment "dely" is not known; did you mean "delay"?'],
  ["delay=20", "impairment delay=20: expected a value such as 20ms"],
  ["loss=200%", "impairment loss=200%: expected a value such as 1%"],
  ["limit=0", "impairment limit=0: expected a value such as 100"],
  ["loss", 'impairment "loss": expected key=value, such as loss=1%'],
  ["reorder=1%", "impairment reorder: needs a delay, which reordered packets skip"],
])("The mistake in %s is told in one line", (text, line) => {
  expect(parseImpairment(text)).toBe(line);
});

function run(spec: Partial<ReturnType<typeof noImpairment>>, seed: number, count: number) {
  const link = new ImpairedLink({ ...noImpairment(), limit: 1e9, ...spec }, seed);
  const verdicts = [];
  for (let i = 0; i < count; i++) verdicts.push({ ...link.offer(1000, instantOf(i)) });
  return { verdicts, counters: link.counters };
}

test("The same seed gives the same fate to every packet, another seed another", () => {
  const spec = { loss: 0.1, jitter: milliseconds(5), delay: milliseconds(9), corrupt: 0.1 };
  expect(run(spec, 3, 500)).toEqual(run(spec, 3, 500));
  expect(run(spec, 3, 500)).not.toEqual(run(spec, 4, 500));
});

test("Adding jitter leaves alone which packets are lost", () => {
  const fates = (jitter: number): (string | null)[] =>
    run({ loss: 0.2, delay: milliseconds(9), jitter: milliseconds(jitter) }, 5, 300).verdicts.map(
      (v) => v.dropped,
    );
  expect(fates(4)).toEqual(fates(0));
});

test("Loss, duplication, corruption and reordering come at the rates asked for", () => {
  const n = 20_000;
  const share = 0.1;
  const { counters } = run(
    { loss: share, duplicate: share, corrupt: share, reorder: share, delay: milliseconds(3) },
    11,
    n,
  );
  // Five standard deviations of a binomial.
  const slack = 5 * Math.sqrt(n * share * (1 - share));
  expect(Math.abs(counters.lost - n * share)).toBeLessThan(slack);
  for (const seen of [counters.duplicated, counters.corrupted, counters.reordered]) {
    expect(Math.abs(seen - n * share * (1 - share))).toBeLessThan(slack);
  }
});

test("Jitter varies the delay within its bounds and keeps the order", () => {
  const { verdicts } = run({ delay: milliseconds(20), jitter: milliseconds(5) }, 2, 2000);
  let last = -1;
  const delays = new Set<number>();
  verdicts.forEach((v, i) => {
    expect(v.deliverAt).toBeGreaterThanOrEqual(last);
    expect(v.deliverAt - i).toBeGreaterThanOrEqual(15);
    expect(v.deliverAt - i).toBeLessThanOrEqual(25);
    delays.add(v.deliverAt - i);
    last = v.deliverAt;
  });
  expect(delays.size).toBeGreaterThan(100);
});

test("A rate spaces packets by their length, and the limit drops what does not fit the queue", () => {
  const link = new ImpairedLink({ ...noImpairment(), rate: 8_000_000, limit: 3 }, 1);
  const at = [1, 2, 3].map(() => link.offer(1000, instantOf(0)).deliverAt);
  expect(at).toEqual([1, 2, 3]);
  expect(link.offer(1000, instantOf(0)).dropped).toBe("limit");
  expect(link.offer(1000, instantOf(1)).deliverAt).toBe(4);
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
  return { device, seen, send, advance, timers };
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

test("Closing drops what waits and leaves no timer", async () => {
  const { device, seen, send, advance, timers } = world("delay=20ms");
  send(1);
  expect(timers.length).toBe(1);
  await device.close();
  expect(timers.length).toBe(0);
  advance(100);
  expect(seen).toEqual([]);
});
