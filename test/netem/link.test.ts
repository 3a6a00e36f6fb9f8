/** The models of a bad network in virtual time: each by itself, and that none moves another's choices. */
import { expect, test } from "vitest";
import { linkDraft, type LinkDraft } from "../../src/netem/fields.ts";
import { type DropReason, NetemLink } from "../../src/netem/link.ts";
import { type NetemPacket, PacketPool } from "../../src/netem/packet.ts";

interface Seen {
  readonly number: number;
  readonly at: number;
  readonly dropped: DropReason | null;
  readonly ce: boolean;
  readonly bytes: Uint8Array;
}

type Draft = Omit<Partial<LinkDraft>, "queue"> & { queue?: Partial<LinkDraft["queue"]> };

/** An IPv4 header of an ECN-capable packet, with a checksum that holds, and its number behind it. */
function packet(pool: PacketPool, number: number, length: number, ect: boolean): NetemPacket {
  const p = pool.take(length);
  p.buffer.fill(0, 0, length);
  p.buffer.set([0x45, ect ? 2 : 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, 6]);
  const sum = headerSum(p.buffer);
  p.buffer.set([(~sum >> 8) & 255, ~sum & 255], 10);
  new DataView(p.buffer.buffer).setUint32(20, number);
  return p;
}

function headerSum(b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += (b[i]! << 8) | b[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

class World {
  readonly link: NetemLink;
  readonly seen: Seen[] = [];
  private readonly pool = new PacketPool();
  private count = 0;

  constructor(spec: Draft, seed = 1) {
    const draft = linkDraft(Infinity);
    Object.assign(draft, { ...spec, queue: { ...draft.queue, ...spec.queue } });
    const note = (p: NetemPacket, at: number, dropped: DropReason | null): void => {
      const bytes = p.buffer.slice(0, p.length);
      const number = new DataView(bytes.buffer).getUint32(20);
      this.seen.push({ number, at, dropped, ce: (bytes[1]! & 3) === 3, bytes });
      this.pool.give(p);
    };
    this.link = new NetemLink(draft, seed, "test", this.pool, {
      deliver: (p, now) => note(p, now, null),
      dropped: (p, why, now) => note(p, now, why),
      beforeChange() {},
    });
  }

  offer(now: number, length = 1000, ect = false): this {
    this.runs(now);
    this.link.offer(packet(this.pool, ++this.count, length, ect), now);
    return this;
  }

  runs(until: number): this {
    while (this.link.due <= until) this.link.run(this.link.due);
    return this;
  }

  /** `count` packets, one each `gap` ms. */
  stream(count: number, gap = 1, ect = false): this {
    for (let i = 0; i < count; i++) this.offer(i * gap, 1000, ect);
    return this.runs(1e12);
  }

  get dropped(): number[] {
    return this.seen.filter((s) => s.dropped !== null).map((s) => s.number);
  }

  get delivered(): Seen[] {
    return this.seen.filter((s) => s.dropped === null);
  }
}

/** Whether it may be cut is a matter of DF. */
function offered(world: World, now: number, length: number, mayCut: boolean): void {
  world.runs(now).link.offer(cuttable(length, mayCut), now);
}

function cuttable(length: number, mayCut: boolean): NetemPacket {
  const p = packet(new PacketPool(), 1, length, false);
  for (let i = 24; i < length; i++) p.buffer[i] = i & 255;
  if (mayCut) p.buffer[6] = 0;
  p.buffer.set([0, 0], 10);
  const sum = headerSum(p.buffer);
  p.buffer.set([(~sum >> 8) & 255, ~sum & 255], 10);
  return p;
}

test("what exceeds the MTU is dropped where it must not be cut, by the MTU of the moment", () => {
  const world = new World({
    mtu: [
      [0, 1000],
      [50, 576],
      [90, 1500],
    ],
  });
  for (const [now, length] of [
    [0, 1000],
    [1, 1001],
    [49, 1000],
    [50, 577],
    [51, 576],
    [90, 1500],
    [91, 1501],
  ] as const)
    offered(world, now, length, false);
  world.runs(100);
  expect(world.seen.map((s) => s.dropped)).toEqual([null, "mtu", null, "mtu", null, null, "mtu"]);
  expect(world.link.counters).toMatchObject({ tooBig: 3, fragmented: 0, packets: 7 });
});

test("what may be cut goes on in fragments of eight bytes' multiples, whose headers hold", () => {
  const world = new World({ mtu: [[0, 600]] });
  offered(world, 0, 1500, true);
  world.runs(1);
  const headers = world.seen.map(({ bytes }) => {
    const view = new DataView(bytes.buffer);
    expect(headerSum(bytes)).toBe(0xffff);
    expect(view.getUint16(2)).toBe(bytes.length);
    return [bytes.length, view.getUint16(6) & 0x1fff, (view.getUint16(6) & 0x2000) !== 0];
  });
  expect(headers).toEqual([
    [596, 0, true],
    [596, 72, true],
    [348, 144, false],
  ]);
  const text = world.seen.flatMap(({ bytes }) => [...bytes.subarray(20)]);
  expect(text).toEqual([...cuttable(1500, true).buffer.subarray(20, 1500)]);
  expect(world.link.counters).toMatchObject({ tooBig: 0, fragmented: 1, packets: 1 });
});

test("the same seed gives every packet the same fate, another seed another", () => {
  const spec = { loss: 0.1, jitter: 5, delay: 9, corrupt: 0.1, duplicate: 0.1, reorder: 0.1 };
  expect(new World(spec, 3).stream(500).seen).toEqual(new World(spec, 3).stream(500).seen);
  expect(new World(spec, 3).stream(500).seen).not.toEqual(new World(spec, 4).stream(500).seen);
});

const ALL: Draft = {
  loss: 0.05,
  burst: { toBad: 0.02, toGood: 0.3, lossBad: 1, lossGood: 0 },
  corrupt: 0.05,
  duplicate: 0.05,
  reorder: 0.05,
  jitter: 5,
};

/** What one model decided, and nothing of the others; -1 for a packet that another model took away. */
const DECIDED: Readonly<Record<string, (w: World) => unknown[]>> = {
  loss: (w) => w.dropped,
  burst: (w) => w.dropped,
  corrupt: (w) =>
    w.delivered
      .filter((s) => s.bytes.some((byte, i) => i >= 24 && byte !== 0))
      .map((s) => s.number),
};

test.each(["loss", "burst", "corrupt"])(
  "what %s decides does not depend on the other models",
  (one) => {
    const alone: Draft = { delay: 20, [one]: ALL[one as keyof Draft] };
    const lossless = { loss: 0, burst: null };
    const other = one === "corrupt" ? { ...ALL, ...lossless } : { ...ALL, ...lossless, ...alone };
    const decided = (spec: Draft): unknown[] => [
      ...new Set(DECIDED[one]!(new World({ delay: 20, ...spec }, 5).stream(1000))),
    ];
    const sorted = (numbers: unknown[]): unknown[] =>
      numbers.toSorted((a, b) => Number(a) - Number(b));
    expect(decided(alone).length).toBeGreaterThan(10);
    expect(sorted(decided(other))).toEqual(sorted(decided(alone)));
  },
);

test("losing packets leaves the delays of the others as they were, though jitter draws for each", () => {
  const delays = (loss: number): Map<number, number> => {
    const world = new World({ delay: 20, jitter: 5, reorders: true, loss }, 7).stream(500);
    return new Map(world.delivered.map((s) => [s.number, s.at]));
  };
  const [all, some] = [delays(0), delays(0.3)];
  expect(some.size).toBeLessThan(400);
  for (const [number, at] of some) expect(at).toBe(all.get(number));
});

test("loss, duplication, corruption and reordering come at the rates asked for", () => {
  const n = 20_000;
  const share = 0.1;
  const world = new World(
    { loss: share, duplicate: share, corrupt: share, reorder: share, delay: 3 },
    11,
  ).stream(n);
  const { counters } = world.link;
  // five standard deviations of a binomial
  const slack = 5 * Math.sqrt(n * share * (1 - share));
  expect(Math.abs(counters.lost - n * share)).toBeLessThan(slack);
  for (const count of [counters.duplicated, counters.corrupted]) {
    expect(Math.abs(count - n * share * (1 - share))).toBeLessThan(slack);
  }
  // a packet that skips the delay overtakes only if one is in it, and its copy does, too
  const { reordered } = counters;
  expect(Math.abs(reordered - n * share * (1 - share) * (1 + share))).toBeLessThan(2 * slack);
  expect(counters.packets).toBe(n);
});

test("Gilbert and Elliott lose in bursts of the length and share that the chances give", () => {
  const burst = { toBad: 0.01, toGood: 0.25, lossBad: 1, lossGood: 0 };
  const lost = new World({ burst }, 3).stream(200_000).dropped;
  const bursts = lost.filter((number, i) => number !== (lost[i - 1] ?? -1) + 1).length;
  const share = 0.01 / (0.01 + 0.25);
  expect(lost.length / 200_000).toBeGreaterThan(share * 0.9);
  expect(lost.length / 200_000).toBeLessThan(share * 1.1);
  expect(lost.length / bursts).toBeGreaterThan(4 * 0.93);
  expect(lost.length / bursts).toBeLessThan(4 * 1.07);
});

test("the states of Gilbert and Elliott have losses of their own", () => {
  const always = { toBad: 1, toGood: 1, lossBad: 0, lossGood: 1 };
  expect(new World({ burst: always }).stream(6).dropped).toEqual([1, 3, 5]);
});

test("listed packets are lost, and no others", () => {
  const world = new World({ drop: [[2, 2], [5, 7]] }).stream(9); // prettier-ignore
  expect(world.dropped).toEqual([2, 5, 6, 7]);
  expect(world.link.counters.lost).toBe(4);
});

test("a rate spaces packets by their length", () => {
  const world = new World({ rate: 8_000_000 });
  world.offer(0, 1000).offer(0, 500).offer(0, 1500).runs(10).offer(10, 1000).runs(20);
  expect(world.seen.map((s) => s.at)).toEqual([1, 1.5, 3, 11]);
});

test("what is due long ago is done as of its own time: a late caller does not slow the link", () => {
  const world = new World({ rate: 8_000_000, delay: 5 });
  for (let i = 0; i < 4; i++) world.offer(0);
  world.link.run(7.5);
  expect(world.delivered.map((s) => s.number)).toEqual([1, 2]);
  expect(world.link.due).toBe(8);
});

test("a queue of packets and one of bytes drop what does not fit behind the one being sent", () => {
  const packets = new World({ rate: 8_000_000, queue: { packets: 2 } });
  for (let i = 0; i < 5; i++) packets.offer(0);
  expect(packets.dropped).toEqual([4, 5]);
  expect([packets.link.queuePackets, packets.link.queueBytes]).toEqual([2, 2000]);
  packets.offer(1).runs(1e12);
  expect(packets.dropped).toEqual([4, 5]);
  const bytes = new World({ rate: 8_000_000, queue: { bytes: 2500 } });
  for (let i = 0; i < 4; i++) bytes.offer(0);
  bytes.offer(0, 500);
  expect(bytes.seen.map((s) => [s.number, s.dropped])).toEqual([[4, "queue"]]);
  expect(bytes.link.counters.overflowed).toBe(1);
});

test("a limit counts what is in the delay as well", () => {
  const world = new World({ delay: 10, limit: 2 }).offer(0).offer(1).offer(2).offer(10.5);
  world.runs(1e12);
  expect(world.seen.map((s) => [s.number, s.dropped])).toEqual([
    [3, "limit"],
    [1, null],
    [2, null],
    [4, null],
  ]);
});

test("jitter keeps the order within its bounds, unless it may reorder", () => {
  const kept = new World({ delay: 20, jitter: 5 }, 2).stream(2000);
  expect(kept.delivered.map((s) => s.number)).toEqual(kept.seen.map((_, i) => i + 1));
  expect(kept.link.counters.reordered).toBe(0);
  const free = new World({ delay: 20, jitter: 5, reorders: true }, 2).stream(2000);
  expect(free.link.counters.reordered).toBeGreaterThan(500);
  for (const world of [kept, free]) {
    const delays = world.delivered.map((s) => s.at - (s.number - 1));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(15);
    expect(Math.max(...delays)).toBeLessThanOrEqual(25);
    expect(new Set(delays).size).toBeGreaterThan(100);
  }
});

test("a cut loses what is put on the wire meanwhile, not what is on it, nor what waits until it is over", () => {
  const world = new World({ delay: 10, cuts: [[2, 4]] }); // prettier-ignore
  for (const now of [0, 1.9, 2, 3.9, 4]) world.offer(now);
  expect(world.runs(100).dropped).toEqual([3, 4]);
  const queued = new World({ rate: 8_000_000, cuts: [[0.5, 2.5]] }); // prettier-ignore
  for (let i = 0; i < 4; i++) queued.offer(0);
  expect(queued.runs(100).dropped).toEqual([1, 2]);
  expect(queued.link.counters.cut).toBe(2);
});

test("corruption flips one bit of the packet", () => {
  const world = new World({ corrupt: 1 }).stream(200);
  const places = new Set<number>();
  for (const { bytes, number } of world.seen) {
    const clean = packet(new PacketPool(), number, 1000, false).buffer;
    const wrong = [...bytes.keys()].filter((i) => bytes[i] !== clean[i]);
    expect(wrong.length === 1 || number > 200).toBe(true);
    const flipped = bytes[wrong[0]!]! ^ clean[wrong[0]!]!;
    expect(flipped & (flipped - 1)).toBe(0);
    places.add(wrong[0]!);
  }
  expect(places.size).toBeGreaterThan(100);
});

test("a queue above its mark makes ECN-capable arrivals CE, and their header's checksum stays right", () => {
  const world = new World({ rate: 8_000_000, queue: { mark: { packets: 2, bytes: Infinity } } });
  for (let i = 0; i < 5; i++) world.offer(0, 1000, i !== 4);
  world.runs(100);
  expect(world.delivered.map((s) => s.ce)).toEqual([false, false, false, true, false]);
  for (const { bytes } of world.delivered) expect(headerSum(bytes)).toBe(0xffff);
  expect(world.link.counters.marked).toBe(1);
});

test("CE leaves every header checksum right, whatever the header holds", () => {
  const world = new World({ rate: 1e9, queue: { mark: { packets: 1, bytes: 0 } } });
  for (let i = 0; i < 3000; i++) world.offer(0, 40 + i, true);
  world.runs(1e9);
  expect(world.delivered.filter((s) => s.ce).length).toBeGreaterThan(2990);
  for (const { bytes } of world.delivered) expect(headerSum(bytes)).toBe(0xffff);
});
