/** What a half-open connection costs, measured on the heap: the reason why the SYN queue is not made of connections. */
import { expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import { heapUse } from "../support/heap-use.ts";
import { OURS } from "../support/scripted-peer.ts";
import { SynFlood } from "../support/syn-flood.ts";

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
  const before = heapUse();
  for (let i = 1000; i < n; i++) flood.syn(stack, flood.client(i), 1, i * 7919, now);
  const each = (heapUse() - before) / (n - 1000);
  expect(flood.sender.sent).toBe(n);
  expect(stack.counters.get("TcpExtSyncookiesSent")).toBe(0);
  expect(each).toBeGreaterThan(100);
  expect(each).toBeLessThan(205);
  listener.close();
});
