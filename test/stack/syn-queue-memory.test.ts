/** What a half-open connection costs, measured on the heap: the reason why the SYN queue is not made of connections. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import { OURS } from "../support/scripted-peer.ts";
import { SynFlood } from "../support/syn-flood.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Bytes in use after everything that can be forgotten is. */
function used(): number {
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("100,000 half-open connections take about 200 bytes each", () => {
  const n = 100_000;
  const flood = new SynFlood(OURS);
  const now = instantOf(0);
  const stack = new Stack({
    addresses: [{ address: OURS, prefix: 24 }],
    rng: seededRng(7),
    now,
    sender: flood.sender,
    settings: { tcp_max_syn_backlog: n },
  });
  const listener = stack.listen({ port: 80, owner: { onConnection: () => {} } });
  // what is compiled and sized once is not the entries' cost
  for (let i = 0; i < 1000; i++) flood.syn(stack, flood.client(i), 1, i, now);
  const before = used();
  for (let i = 1000; i < n; i++) flood.syn(stack, flood.client(i), 1, i * 7919, now);
  const each = (used() - before) / (n - 1000);
  expect(flood.sender.sent).toBe(n);
  expect(stack.counters.get("TcpExtSyncookiesSent")).toBe(0);
  expect(each).toBeGreaterThan(100);
  expect(each).toBeLessThan(205);
  listener.close();
});
