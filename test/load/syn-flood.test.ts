/**
 * A flood of SYNs through a TUN, from addresses that nobody has, while honest clients come (RFC 4987 §3.6). The times of
 * these are real: that they are served meanwhile is what is asked for.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, STACK } from "../interop/support/world.ts";
import { bestOf } from "../support/best-of.ts";
import { figure, FULL, progress } from "../support/full.ts";
import { DEVICE, type Held, Loaded, script } from "./support/loaded.ts";

const SYNS = FULL ? 1_000_000 : 40_000;
const RATE = 20_000;
/** Honest clients at a time. */
const CLIENTS = 2;
const MIB = 2 ** 20;

interface Fetch {
  readonly code: number | string;
  /** Seconds. */
  readonly time: number;
}

async function fetchAll(loaded: Loaded, until: () => boolean): Promise<Fetch[]> {
  const all: Fetch[] = [];
  const client = async (): Promise<void> => {
    while (!until()) {
      const args = ["-o", "/dev/null", "-m", "10", "-w", "%{time_total}", `http://${STACK}/`];
      const { code, stdout } = await loaded.world.curl(...args);
      all.push({ code, time: Number(stdout) });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return all;
}

const count = (r: Held, name: string): number => r.counters[name] ?? 0;

/** Seconds that the slowest honest client waited for its page. */
async function flooded(loaded: Loaded): Promise<number> {
  let fetched = 0;
  await fetchAll(loaded, () => fetched++ >= 50);
  const before = await loaded.report();
  const argv = [script("syn_flood.py"), DEVICE, STACK, "80", String(SYNS), String(RATE)];
  const flood = loaded.world.start("python3", argv);
  let over = false;
  void flood.outcome.then(() => (over = true));
  const all = await fetchAll(loaded, () => over);
  const { code, stdout, stderr } = await flood.outcome;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [sent, seconds] = stdout.split(" ").map(Number) as [number, number];
  const after = await loaded.report();

  const met = count(after, "TcpExtSyncookiesSent") - count(before, "TcpExtSyncookiesSent");
  const times = all.map((f) => f.time).toSorted((x, y) => x - y);
  const slow = times.filter((t) => t > 1).length;
  const grown = (after.held - before.held) / MIB;
  figure("SYN flood: SYNs sent, a second", `${sent}, ${Math.round(sent / seconds)}`);
  figure("SYN flood: answered with a cookie", `${met}`);
  figure("SYN flood: honest fetches, beyond 1 s", `${all.length}, ${slow}`);
  figure("SYN flood: slowest fetch", `${(times.at(-1)! * 1000).toFixed(0)} ms`);
  figure("SYN flood: heap left behind", `${grown.toFixed(1)} MiB`);
  progress(`median ${((times[times.length >> 1] ?? 0) * 1000).toFixed(1)} ms`);

  // without that it would have been no flood
  expect(met).toBeGreaterThan(SYNS / 2);
  expect(all.length).toBeGreaterThan(10);
  expect(all.filter((f) => f.code !== 0)).toEqual([]);
  if (FULL) expect(slow / all.length).toBeLessThanOrEqual(0.01);
  expect(grown).toBeLessThan(16);
  return times.at(-1)!;
}

// the flood comes out of a packet socket in Python, the honest clients are curl, both behind a TUN that needs root
describe.skipIf(obstacle("curl", "python3") !== null)("a flood of SYNs", () => {
  let loaded: Loaded;

  beforeAll(async () => {
    loaded = await Loaded.start(["192.0.2.1"]);
  });
  afterAll(async () => await loaded.remove());

  it("keeps no honest client waiting for 3 s, and leaves no memory behind [4987-3.6-COOKIE]", async () => {
    // every day other tests run beside it
    expect(await bestOf(FULL ? 1 : 3, 3, async () => await flooded(loaded))).toBeLessThan(3);
  });
});
