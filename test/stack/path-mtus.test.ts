/** The cache of path MTUs: by destination, forgotten in time, and bounded. */
import { expect, test } from "vitest";
import { instantOf, NEVER } from "../../src/base/time.ts";
import { PathMtuCache } from "../../src/stack/path-mtus.ts";
import { ipv4 } from "../../src/wire/address.ts";

const HOST = ipv4(0xcb007101);
const OTHER = ipv4(0xcb007102);

test("a destination has what was learnt of it until it expires, others have the link's", () => {
  const cache = new PathMtuCache({ mtu: 1500 }, 600);
  cache.learn(HOST, 1400, instantOf(1000));
  expect(cache.mtu(HOST, instantOf(600_999))).toBe(1400);
  expect(cache.expires(HOST, instantOf(1000))).toBe(601_000);
  expect(cache.mtu(OTHER, instantOf(1000))).toBe(1500);
  expect(cache.expires(OTHER, instantOf(1000))).toBe(NEVER);
  expect(cache.mtu(HOST, instantOf(601_000))).toBe(1500);
  expect(cache.size).toBe(0);
});

test("news changes the epoch and starts the time anew", () => {
  const cache = new PathMtuCache({ mtu: 1500 }, 600);
  const { epoch } = cache;
  cache.learn(HOST, 1400, instantOf(0));
  expect(cache.epoch).not.toBe(epoch);
  cache.learn(HOST, 1300, instantOf(500_000));
  expect(cache.mtu(HOST, instantOf(1_000_000))).toBe(1300);
});

test("it is no larger than a thousand or so, and the oldest go first", () => {
  const cache = new PathMtuCache({ mtu: 1500 }, 600);
  for (let n = 0; n < 5000; n++) cache.learn(ipv4(n), 1400, instantOf(n));
  expect(cache.size).toBeLessThanOrEqual(1024);
  expect(cache.mtu(ipv4(4999), instantOf(5000))).toBe(1400);
  expect(cache.mtu(ipv4(0), instantOf(5000))).toBe(1500);
});
