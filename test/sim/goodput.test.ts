/**
 * Goodput of one CUBIC flow over loss, round-trip time and queue, 20 Mbit/s, virtual time, fixed seeds: each cell has a floor.
 * `GOODPUT=write npx vitest run test/sim/goodput.test.ts` prints the table anew with the floors that it would give.
 */
import { afterAll, describe, expect, test } from "vitest";
import { scenario, simulate } from "../../src/sim/index.ts";
import { figure, FULL } from "../support/full.ts";

const RATE = 20;
const LOSSES = [0, 0.1, 1, 3, 10];
const ROUND_TRIPS = [1, 20, 100, 300];
/** Packets that wait at most; at 20 Mbit/s 12 ms, and 300 ms. */
const QUEUES = { small: 20, large: 500 };
type Queue = keyof typeof QUEUES;
const SECONDS = FULL ? 120 : 30;
const SEEDS = FULL ? 5 : 2;

/** Mbit/s, rows as LOSSES, columns as ROUND_TRIPS: four fifths of what was reached over 30 s with two seeds, or over 120 s with five if that was less. */
const FLOORS: Readonly<Record<Queue, readonly (readonly number[])[]>> = {
  small: [
    [15.4, 15.4, 12.4, 5.68],
    [15.4, 14.5, 4.36, 2.49],
    [15.4, 5.43, 1.26, 0.471],
    [15, 2.82, 0.6, 0.23],
    [4.75, 1.06, 0.256, 0.096],
  ],
  large: [
    [15.4, 15.4, 15.1, 14.1],
    [15.4, 15, 4.31, 3.17],
    [15.4, 5.44, 1.31, 0.481],
    [15, 2.8, 0.6, 0.23],
    [4.75, 1.06, 0.256, 0.096],
  ],
};

function goodput(loss: number, rtt: number, queue: Queue): number {
  const path = scenario({
    duration: SECONDS * 1000,
    links: [
      {
        from: "a",
        to: "b",
        rate: `${RATE}mbit`,
        delay: rtt / 2,
        queue: QUEUES[queue],
        there: { loss: loss / 100 },
      },
    ],
    flows: [{ from: "a", to: "b" }],
  });
  let sum = 0;
  for (let seed = 1; seed <= SEEDS; seed++) sum += simulate(path, { seed }).flows[0]!.goodput;
  return sum / SEEDS / 1e6;
}

describe.each(["small", "large"] as const)("goodput with a %s queue", (queue) => {
  const reached: number[][] = [];

  afterAll(() => {
    const title = `loss %   ${ROUND_TRIPS.map((rtt) => `${rtt} ms`.padStart(8)).join("")}   Mbit/s, ${queue} queue`;
    const rows = reached.map(
      (row, i) => `${LOSSES[i]}`.padEnd(9) + row.map((v) => v.toFixed(2).padStart(8)).join(""),
    );
    console.log([title, ...rows].join("\n"));
    if (process.env["GOODPUT"] === "write") {
      console.log(
        JSON.stringify(reached.map((row) => row.map((v) => Number((0.8 * v).toPrecision(3))))),
      );
    }
  });

  test.each(LOSSES)("%s percent lost", (loss) => {
    const row = ROUND_TRIPS.map((rtt) => goodput(loss, rtt, queue));
    reached.push(row);
    const floors = FLOORS[queue][LOSSES.indexOf(loss)]!;
    const text = ROUND_TRIPS.map((rtt, i) => `${row[i]!.toFixed(2)} at ${rtt} ms`).join(", ");
    figure(`goodput in a simulation, ${loss} % loss, ${queue} queue`, `${text}, of ${RATE} Mbit/s`);
    for (const [i, rtt] of ROUND_TRIPS.entries()) {
      expect.soft(row[i], `${rtt} ms`).toBeGreaterThanOrEqual(floors[i]!);
    }
  });
});
