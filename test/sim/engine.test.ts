/** The simulator as a whole: equal runs, plausible figures, and what each kind of flow counts. */
import { expect, test } from "vitest";
import { scenario, simulate } from "../../src/sim/index.ts";

const PATH = scenario({
  name: "path",
  duration: "5s",
  links: [{ from: "a", to: "b", rate: "10mbit", delay: "20ms", queue: 50 }],
  flows: [{ from: "a", to: "b" }],
});

test("two runs of a seed are equal to the last packet, and another seed's is another", () => {
  const lossy = { ...PATH, links: [{ ...PATH.links![0]!, loss: "1%", jitter: "1ms" }] };
  const one = simulate(lossy, { seed: 7 });
  expect(simulate(lossy, { seed: 7 })).toEqual(one);
  expect(simulate(lossy, { seed: 8 }).digest).not.toBe(one.digest);
});

test("a flow fills its link, its round trip is that of the link and of the queue, and what overflowed was sent again", () => {
  const { flows, links } = simulate(PATH);
  const [flow] = flows;
  expect(flow).toMatchObject({ outcome: "running", start: 0, from: "a", to: "b" });
  // 1448 of 1500 bytes are payload
  expect(flow!.goodput).toBeGreaterThan(0.9 * 1e7 * (1448 / 1500));
  expect(flow!.goodput).toBeLessThanOrEqual(1e7 * (1448 / 1500));
  expect(flow!.rttMin).toBeGreaterThan(40);
  expect(flow!.rttMin).toBeLessThan(42);
  expect(flow!.rttMean).toBeGreaterThan(flow!.rttMin);
  expect(flow!.rttMean).toBeLessThan(40 + 51 * 1.2 + 1);
  expect(flow!.retransmits).toBeGreaterThan(0);
  const [there, back] = links;
  expect([there!.name, back!.name]).toEqual(["a>b", "b>a"]);
  expect(there!.overflowed).toBeGreaterThan(0);
  expect(there!.overflowed).toBeLessThanOrEqual(flow!.retransmits);
  expect(Math.max(...there!.series["queuePackets"]!)).toBe(50);
  expect(flow!.series.t.length).toBe(500);
});

test("a transfer of given size is byte exact over a link that does everything wrong, and has an end", () => {
  const wrong = {
    loss: "2%",
    reorder: "2%",
    duplicate: "2%",
    corrupt: "1%",
    jitter: "5ms",
    order: "free",
  };
  for (let seed = 1; seed <= 20; seed++) {
    const { flows, links } = simulate(
      {
        duration: "300s",
        links: [{ from: "a", to: "b", rate: "10mbit", delay: "10ms", ...wrong }],
        flows: [{ from: "a", to: "b", bytes: "300kb", verify: true }],
      },
      { seed },
    );
    expect(flows[0]).toMatchObject({ outcome: "done", bytes: 300_000 });
    expect(flows[0]!.end).toBeLessThan(200_000);
    expect(links[0]!.corrupted + links[0]!.duplicated + links[0]!.reordered).toBeGreaterThan(0);
  }
});

test("without noDelay the last piece of an answer does not wait for the ACK of the full segments before it", () => {
  const { flows } = simulate({
    links: [{ from: "a", to: "b", delay: "50ms" }],
    flows: [{ kind: "request", from: "a", to: "b", response: "5kb", count: 3, noDelay: false }],
  });
  expect(flows[0]!.answers!["time"]).toEqual([200, 100, 100]);
});

test("requests: each answer takes what the path says, and thinking lies between", () => {
  const { flows } = simulate({
    duration: "10s",
    links: [{ from: "a", to: "b", delay: "50ms" }],
    flows: [{ kind: "request", from: "a", to: "b", response: "5kb", think: "100ms", count: 10 }],
  });
  const [flow] = flows;
  expect(flow).toMatchObject({ outcome: "done", bytes: 50_000, from: "a", to: "b" });
  // the first waits for the connection, too
  expect(flow!.answers!["time"]).toEqual([200, ...Array.from({ length: 9 }, () => 100)]);
  expect(flow!.answers!.t).toEqual(Array.from({ length: 10 }, (_, i) => 200 + i * 200));
});

test("on and off: nothing is sent while off, and while on no more than the rate", () => {
  const { flows } = simulate({
    duration: "10s",
    sample: "100ms",
    links: [{ from: "a", to: "b", rate: "100mbit", delay: "1ms" }],
    flows: [{ kind: "on-off", from: "a", to: "b", on: "1s", off: "1s", rate: "1mbit" }],
  });
  const { rate, t } = flows[0]!.series as { rate: number[]; t: number[] };
  const during = (from: number, to: number): number[] =>
    rate.filter((_, i) => t[i]! > from && t[i]! <= to);
  for (const phase of [2000, 4000, 6000, 8000]) {
    const on = during(phase + 100, phase + 900);
    expect(Math.max(...on)).toBeLessThan(1.3e6);
    expect(on.reduce((sum, r) => sum + r, 0) / on.length).toBeCloseTo(1e6, -5);
    expect(Math.max(...during(phase + 1200, phase + 1900))).toBe(0);
  }
});

test("a flow stops when it is told to, and one that never starts says so", () => {
  const { flows } = simulate({
    duration: "5s",
    links: [{ from: "a", to: "b", rate: "10mbit", delay: "10ms" }],
    flows: [
      { from: "a", to: "b", start: "1s", stop: "2s" },
      { from: "a", to: "b", start: "6s" },
    ],
  });
  expect(flows[0]).toMatchObject({ outcome: "done", start: 1000 });
  expect(flows[0]!.end).toBeGreaterThan(2000);
  // what the send buffer held when it was stopped still goes
  expect(flows[0]!.end).toBeLessThan(5000);
  expect(flows[1]).toMatchObject({ outcome: "not started", bytes: 0, goodput: 0 });
});

test("a host that nobody listens on refuses, and a cut that never ends times out", () => {
  const { flows } = simulate({
    duration: "1000s",
    sample: "1s",
    links: [{ from: "a", to: "b", delay: "10ms", cut: "1s-2000s" }],
    settings: { tcp_retries2: 3, tcp_syn_retries: 2 },
    flows: [
      { from: "a", to: "b", bytes: "1gb" },
      { from: "a", to: "b", start: "2s" },
    ],
  });
  expect(flows.map((f) => f.outcome)).toEqual(["ETIMEDOUT", "ETIMEDOUT"]);
  expect(flows[1]!.timeouts).toBe(2);
});

test("packets go through routers by the fewest links, and a bottleneck's queue is where they wait", () => {
  const { links, flows } = simulate({
    duration: "5s",
    routers: ["r1", "r2", "long"],
    links: [
      { from: "a", to: "r1", rate: "1gbit" },
      { from: "r1", to: "long" },
      { from: "long", to: "r2" },
      { from: "r1", to: "r2", rate: "5mbit", delay: "10ms", queue: 20 },
      { from: "r2", to: "b" },
    ],
    flows: [{ from: "a", to: "b" }],
  });
  const by = new Map(links.map((l) => [l.name, l]));
  expect(by.get("r1>long")!.packets).toBe(0);
  expect(by.get("r1>r2")!.packets).toBe(by.get("a>r1")!.packets);
  expect(by.get("r1>r2")!.queueMost).toBe(20);
  expect(by.get("a>r1")!.queueMost).toBeLessThan(20);
  expect(flows[0]!.goodput).toBeGreaterThan(4e6);
});

test("CoDel keeps the delay of a deep queue low, and with ECN nothing is lost for it", () => {
  const run = (words: object, ecn: number) =>
    simulate({
      duration: "20s",
      links: [{ from: "a", to: "b", rate: "20mbit", delay: "20ms", queue: 1000, ...words }],
      settings: { tcp_ecn: ecn, tcp_rmem: [4096, 4_194_304, 6_291_456] },
      flows: [{ from: "a", to: "b" }],
    });
  const tail = run({}, 0);
  const codel = run({ aqm: "codel" }, 0);
  const marking = run({ aqm: "codel", ecn: true }, 1);
  expect(tail.links[0]!.waitMean).toBeGreaterThan(60);
  expect(codel.links[0]!.waitMean).toBeLessThan(20);
  expect(codel.links[0]!.aqmDropped).toBeGreaterThan(0);
  expect(marking.links[0]!.marked).toBeGreaterThan(0);
  expect(marking.links[0]!.aqmDropped).toBe(0);
  expect(marking.flows[0]!.retransmits).toBe(0);
  for (const { flows } of [codel, marking]) expect(flows[0]!.goodput).toBeGreaterThan(15e6);
});

test("marks tell each segment of a flow: sent, sent again, acknowledged, dropped", () => {
  const { flows, links } = simulate({
    duration: "2s",
    marks: ["flow1"],
    links: [{ from: "a", to: "b", delay: "10ms", there: { drop: [5, "9-10"] } }],
    flows: [
      { from: "a", to: "b", bytes: 30_000 },
      { from: "b", to: "a", bytes: 1000 },
    ],
  });
  const marks = flows[0]!.marks!;
  const of = (kind: string) =>
    marks.kind.flatMap((k, i) => (k === kind ? [[marks.from[i]!, marks.to[i]!]] : []));
  expect(links[0]!.lost).toBe(3);
  expect(of("dropped")).toHaveLength(3);
  // what was lost was data, and each of it was sent again
  for (const lost of of("dropped")) expect(of("retransmission")).toContainEqual(lost);
  expect(of("data").at(-1)![1]).toBe(30_000);
  expect(of("ack").some(([from]) => from! >= 30_000)).toBe(true);
  expect(of("sack").length).toBeGreaterThan(0);
  expect(marks.t).toEqual(marks.t.toSorted((x, y) => x - y));
  expect(flows[1]!.marks).toBeNull();
});
