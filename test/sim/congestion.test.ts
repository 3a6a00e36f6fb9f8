/** What congestion control makes of a link in the long run: the known models of goodput under loss, and fair shares. */
import { describe, expect, test } from "vitest";
import { scenario, simulate } from "../../src/sim/index.ts";
import { FULL } from "../support/full.ts";

/** Payload of a packet of 1500 bytes with timestamps. */
const MSS = 1448;

/** Bits a second of one flow at random loss, the mean of `runs` seeds. */
function goodput(cc: string, rtt: number, loss: number, duration: string, runs: number): number {
  const lossy = scenario({
    duration,
    links: [
      {
        from: "a",
        to: "b",
        rate: "1gbit",
        delay: rtt / 2,
        queue: 10_000,
        there: { loss },
      },
    ],
    flows: [{ from: "a", to: "b", congestionControl: cc }],
  });
  let sum = 0;
  for (let seed = 1; seed <= runs; seed++) sum += simulate(lossy, { seed }).flows[0]!.goodput;
  return sum / runs;
}

/** Mathis et al. 1997, for a receiver whose delayed ACKs are made up for by counting bytes: segments in flight. */
const mathis = (p: number): number => Math.sqrt(1.5 / p);
/** RFC 9438 §5.1 (figure 5), C = 0.4 and beta = 0.7; in its Reno-friendly region it is the former. */
const cubic = (p: number, rtt: number): number =>
  Math.max(mathis(p), ((0.4 * 3.7) / (4 * 0.3)) ** 0.25 * (rtt / 1000 / p) ** 0.75);

describe("goodput at random loss is 0.6 to 1.6 of the model's", () => {
  const runs = FULL ? 8 : 2;
  test.each([
    ["reno", 40, 0.01, "60s"],
    ["cubic", 40, 0.01, "60s"],
    ["cubic", 400, 0.01, "240s"],
    ["reno", 100, 0.002, "120s"],
    ["cubic", 200, 0.001, "240s"],
  ] as const)("%s, %d ms, p %d", (cc, rtt, p, duration) => {
    const window = cc === "reno" ? mathis(p) : cubic(p, rtt);
    const model = (window * MSS * 8 * 1000) / rtt;
    const ratio = goodput(cc, rtt, p, duration, runs) / model;
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });
});

/** Goodput of each of these flows over the second half of `seconds` on one bottleneck. */
function shares(
  kinds: readonly string[],
  seconds: number,
  seed: number,
  rate = "20mbit",
): number[] {
  const n = kinds.length;
  const run = simulate(
    scenario({
      duration: seconds * 1000,
      dumbbell: { left: n, right: n, bottleneck: { rate, delay: "15ms", queue: 75 } },
      flows: kinds.map((congestionControl, i) => ({
        from: `left${i + 1}`,
        to: `right${i + 1}`,
        start: i * 2000,
        congestionControl,
      })),
    }),
    { seed },
  );
  return run.flows.map(({ series }) => {
    const half = series.t.findIndex((t) => t >= seconds * 500);
    const rates = series["rate"]!.slice(half);
    return rates.reduce((sum, r) => sum + r, 0) / rates.length;
  });
}

function jain(x: readonly number[]): number {
  const sum = x.reduce((a, b) => a + b, 0);
  return sum ** 2 / (x.length * x.reduce((a, b) => a + b ** 2, 0));
}

test("two CUBIC flows share a link within a minute, though one began first: Jain's index is 0.95 or more", () => {
  for (let seed = 1; seed <= (FULL ? 10 : 2); seed++) {
    const both = shares(["cubic", "cubic"], 60, seed);
    expect(jain(both)).toBeGreaterThanOrEqual(0.95);
    expect(both[0]! + both[1]!).toBeGreaterThan(0.9 * 2e7 * (MSS / 1500));
  }
});

test("beside NewReno, where round trips are short, CUBIC is neither starved nor starves it [9438-4.3-RENO]", () => {
  for (let seed = 1; seed <= (FULL ? 10 : 2); seed++) {
    const [cubicShare, renoShare] = shares(["cubic", "reno"], 60, seed, "10mbit") as [
      number,
      number,
    ];
    expect(cubicShare / renoShare).toBeGreaterThan(0.5);
    expect(cubicShare / renoShare).toBeLessThan(2);
  }
});
