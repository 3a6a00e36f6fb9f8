/**
 * Many transfers of 1 to 20 MB between curl on the kernel and our stack, both ways, over networks that lose, reorder, double
 * and damage: the SHA-256 of what arrived is that of what was sent. Every day a few of them, small.
 */
import { describe, expect, it } from "vitest";
import { below, seededRng } from "../../src/base/rng.ts";
import { obstacle, STACK, World } from "../interop/support/world.ts";
import { figure, FULL, progress } from "../support/full.ts";

const NETWORKS = [
  "loss=0.1%,delay=10ms",
  "loss=1%,delay=5ms",
  "loss=3%,delay=1ms",
  "burst=0.5%/30%/100%/0%,delay=5ms",
  "delay=5ms,jitter=2ms,order=free,reorder=1%",
  "loss=0.5%,duplicate=1%,corrupt=0.5%,reorder=1%,delay=2ms,rate=200mbit",
];
/** For each network, half of them up. */
const TRANSFERS = FULL ? 50 : 2;
const AT_ONCE = 5;
const [LEAST, MOST] = FULL ? [1e6, 20e6] : [1e5, 1e6];

interface Job {
  readonly up: boolean;
  readonly bytes: number;
}

function plan(seed: number): Job[] {
  const rng = seededRng(seed);
  return Array.from({ length: TRANSFERS }, (_, i) => ({
    up: i % 2 === 0,
    bytes: LEAST + below(rng, MOST - LEAST),
  }));
}

/** What curl and the other side have to say about one: the hash that was sent, and the one that arrived. */
async function carry(world: World, { up, bytes }: Job, name: string): Promise<[string, string]> {
  const { path, sha256 } = world.content(name, bytes);
  if (up) {
    const put = await world.curl("-T", path, `http://${STACK}/`);
    return [`${sha256} ${bytes}`, put.stdout.trim()];
  }
  const fetch = `set -o pipefail; curl -sS http://${STACK}:81/${name} | sha256sum`;
  const got = await world.run("bash", ["-c", fetch]);
  return [sha256, got.stdout.split(" ")[0]!];
}

describe.skipIf(obstacle("curl", "sha256sum") !== null)("transfers over a bad network", () => {
  let done = 0;
  for (const [n, network] of NETWORKS.entries()) {
    it(
      `${TRANSFERS} with ${network}`,
      async () => {
        const world = new World();
        try {
          const spec = `${network},seed=${n + 1}`;
          await world.serve("http:80", `files:81:${world.folder}`, "--impair", spec);
          const waiting = [...plan(n + 1).entries()];
          const work = async (): Promise<void> => {
            for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
              const [sent, arrived] = await carry(world, next[1], `content-${next[0]}`);
              expect(arrived).toBe(sent);
              progress(`${++done} transfers`);
            }
          };
          await Promise.all(Array.from({ length: AT_ONCE }, work));
        } finally {
          await world.remove();
        }
        figure(`transfers of 1 to 20 MB, ${network}`, `${TRANSFERS}, SHA-256 equal`);
      },
      FULL ? 900_000 : 60_000,
    );
  }
});
