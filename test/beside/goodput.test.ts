/**
 * Goodput over a bad network beside the kernel's own in one run, as sender and as receiver. At full size each cell of loss and
 * round-trip time is held to a ratio; every day one cell is looked at for its bytes only.
 */
import { describe, expect, it } from "vitest";
import { obstacle } from "../interop/support/world.ts";
import { figure, FULL, progress } from "../support/full.ts";
import { BadNetwork, hasCubic, type Way } from "./bad-network.ts";

const LOSSES = FULL ? [0.1, 1, 3] : [1];
const ROUND_TRIPS = FULL ? [1, 20, 100] : [20];
/** More where they are slow, so that some hundreds of losses are seen. */
const flowsOf = (loss: number, rtt: number): number =>
  FULL ? (loss >= 1 && rtt >= 100 ? 24 : 8) : 2;
const RATE = 100e6;
const MSS = 1448;
const WAYS: readonly Way[] = ["down", "up"];
/** Runs of a cell: chance alone moves a ratio by a fifth where two of them see a hundred losses. */
const ROUNDS: Readonly<Record<number, number>> = { 1: 2, 20: 2, 100: 8 };
/** Of the kernel's goodput, in each cell. */
const LEAST = 0.9;

/** Bytes that one of the flows will move in about `seconds`, by the window that such a loss leaves. */
function sizeFor(loss: number, rtt: number, seconds: number, flows: number): number {
  const window = 1.3 * Math.sqrt(100 / loss) * MSS;
  const rate = Math.min(window / (rtt / 1000), RATE / 8 / flows);
  return Math.round(Math.max(200_000, rate * seconds));
}

/** Bytes a second of one flow: all that was moved by all the time that it took. */
async function goodput(
  kind: "ours" | "kernel",
  spec: string,
  flows: number,
  bytes: number,
): Promise<Record<Way, number>> {
  const network = new BadNetwork(spec);
  try {
    await (kind === "ours" ? network.serveOurs() : network.serveKernel());
    const rates: Partial<Record<Way, number>> = {};
    for (const way of WAYS) {
      const seconds = await network.transfer(way, flows, bytes);
      rates[way] = (bytes * flows) / seconds.reduce((a, b) => a + b, 0);
    }
    return rates as Record<Way, number>;
  } finally {
    await network.remove();
  }
}

// both ends of a comparison have to run the same congestion control
const missing = obstacle("curl") ?? (hasCubic() ? null : "the kernel has no CUBIC");
if (missing !== null) console.warn(`goodput beside the kernel is not measured: ${missing}`);

describe.skipIf(missing !== null)("beside the kernel, goodput", () => {
  for (const loss of LOSSES) {
    for (const rtt of ROUND_TRIPS) {
      it(
        `with ${loss} % loss and ${rtt} ms`,
        async () => {
          const flows = flowsOf(loss, rtt);
          const bytes = sizeFor(loss, rtt, FULL ? 6 : 0.5, flows);
          const rounds = FULL ? ROUNDS[rtt]! : 1;
          const sums = { ours: { up: 0, down: 0 }, kernel: { up: 0, down: 0 } };
          for (let seed = 1; seed <= rounds; seed++) {
            const spec = `loss=${loss}%,delay=${rtt / 2}ms,rate=${RATE / 1e6}mbit,queue=500,limit=5000,seed=${seed}`;
            // both at once, so that whatever else the machine does is the same for both
            const [ours, kernel] = await Promise.all([
              goodput("ours", spec, flows, bytes),
              goodput("kernel", spec, flows, bytes),
            ]);
            for (const way of WAYS) {
              sums.ours[way] += ours[way] / rounds;
              sums.kernel[way] += kernel[way] / rounds;
            }
          }
          for (const way of WAYS) {
            const ratio = sums.ours[way] / sums.kernel[way];
            const mbit = (b: number): string => ((b * 8) / 1e6).toFixed(2);
            const role = way === "down" ? "sender" : "receiver";
            figure(
              `goodput beside the kernel's, ${loss} % loss, ${rtt} ms, as ${role}`,
              `${ratio.toFixed(2)} (${mbit(sums.ours[way])} against ${mbit(sums.kernel[way])} Mbit/s a flow, ${flows} flows)`,
            );
            progress(`${loss} % ${rtt} ms ${role}: ${ratio.toFixed(2)}`);
            if (FULL) expect.soft(ratio, `as ${role}`).toBeGreaterThanOrEqual(LEAST);
            expect(sums.ours[way]).toBeGreaterThan(0);
          }
        },
        FULL ? 600_000 : 60_000,
      );
    }
  }
});
