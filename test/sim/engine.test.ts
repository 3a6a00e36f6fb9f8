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
