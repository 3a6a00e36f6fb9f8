/** The receive buffer grows by the round trip that data takes, though the receiver sends nothing that would measure it. */
import { expect, test } from "vitest";
import { scenario, simulate } from "../../src/sim/index.ts";

/** What stood in the queue at most: more than the first receive buffer only when it has grown. */
function queued(maximum: number): number {
  const run = simulate(
    scenario({
      duration: "20s",
      hosts: { a: {}, b: { settings: { tcp_rmem: [4096, 131_072, maximum] } } },
      links: [{ from: "a", to: "b", rate: "10mbit", delay: "5ms", queue: "1000kb" }],
      flows: [{ from: "a", to: "b" }],
    }),
    { seed: 1 },
  );
  return Math.max(...run.links[0]!.series["queueBytes"]!);
}

test("a queue that grows behind the handshake does not keep the window at its first size", () => {
  expect(queued(131_072)).toBeLessThan(140_000);
  expect(queued(6_291_456)).toBeGreaterThan(500_000);
});
