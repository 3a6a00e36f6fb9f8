/** BBR in virtual time: what it makes of short and long queues, of loss, and of pauses; and how its segments are spaced. */
import { describe, expect, test } from "vitest";
import { scenario, simulate } from "../../src/sim/index.ts";
import type { LinkWords } from "../../src/sim/index.ts";

/** One flow over 20 Mbit/s and 40 ms. */
function run(cc: string, there: LinkWords, seed = 1): { goodput: number; rttMean: number } {
  const { flows } = simulate(
    scenario({
      duration: "20s",
      links: [{ from: "a", to: "b", rate: "20mbit", delay: "20ms", there }],
      flows: [{ from: "a", to: "b", congestionControl: cc }],
    }),
    { seed },
  );
  return flows[0]!;
}

const LINE = 2e7 * (1448 / 1500);

describe("one flow over 20 Mbit/s and 40 ms", () => {
  test("fills the path and leaves a long queue empty, which CUBIC fills", () => {
    const { goodput, rttMean } = run("bbr", { queue: 400 });
    expect(goodput).toBeGreaterThan(0.9 * LINE);
    expect(rttMean).toBeLessThan(50);
    expect(run("cubic", { queue: 400 }).rttMean).toBeGreaterThan(70);
  });

  // two losses among the 70 packets under way are more than its 2 %, so that it holds back at times
  test("takes little of a random loss of 1 % for congestion", () => {
    for (let seed = 1; seed <= 3; seed++) {
      const { goodput } = run("bbr", { queue: 100, loss: "1%" }, seed);
      expect(goodput).toBeGreaterThan(0.5 * LINE);
      expect(goodput).toBeGreaterThan(2 * run("cubic", { queue: 100, loss: "1%" }, seed).goodput);
    }
  });

  test("gets by with a short queue, as what it sends is paced", () => {
    expect(run("bbr", { queue: 20 }).goodput).toBeGreaterThan(0.85 * LINE);
  });
});

test("a flow that has little to send does not lower what BBR believes of the path", () => {
  const { flows } = simulate(
    scenario({
      duration: "20s",
      links: [{ from: "a", to: "b", rate: "20mbit", delay: "20ms", queue: 100 }],
      flows: [
        { from: "a", to: "b", congestionControl: "bbr", kind: "on-off", on: "2s", off: "1s" },
      ],
    }),
  );
  // two thirds of the time, less what comes and goes
  expect(flows[0]!.bytes * 8).toBeGreaterThan(0.75 * (2 / 3) * 20 * LINE);
});
