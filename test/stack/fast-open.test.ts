/** Fast Open's memory: keys of a server, servers of a client, pending connections of a listener. */
import { makeCookie, readKey } from "../../src/stack/fast-open-cookie.ts";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { FastOpenKeys, KEY_LIFETIME } from "../../src/stack/fast-open-keys.ts";
import { FastOpenQueue } from "../../src/stack/fast-open-queue.ts";
import { FastOpenCache } from "../../src/stack/fast-open-servers.ts";
import { ipv4, parseIpv4 } from "../../src/wire/address.ts";
import { createTcpSegment, type TcpSegment } from "../../src/wire/tcp-segment.ts";

const HERE = parseIpv4("192.0.2.2")!;
const CLIENT = parseIpv4("198.51.100.1")!;
const at = instantOf;

function synWith(keys: FastOpenKeys, now: number): TcpSegment {
  const s = createTcpSegment();
  s.source = CLIENT;
  s.destination = HERE;
  s.fastOpen = 8;
  keys.make(HERE, CLIENT, at(now), s.cookie);
  return s;
}

describe("keys [7413-4.1.2-COOKIE]", () => {
  test("a cookie is good under its key, old under the next, bad from then on", () => {
    const keys = new FastOpenKeys(seededRng(1));
    const s = synWith(keys, 5);
    expect(keys.check(s, at(KEY_LIFETIME - 1))).toBe("good");
    expect(keys.check(s, at(KEY_LIFETIME))).toBe("old");
    expect(keys.check(s, at(2 * KEY_LIFETIME))).toBe("bad");
  });

  test("each bit of cookie and address counts, and the length", () => {
    const keys = new FastOpenKeys(seededRng(1));
    for (let bit = 0; bit < 64; bit++) {
      const s = synWith(keys, 5);
      s.cookie[bit >> 3]! ^= 1 << (bit & 7);
      expect(keys.check(s, at(5)), `bit ${bit}`).toBe("bad");
    }
    for (let bit = 0; bit < 32; bit++) {
      const s = synWith(keys, 5);
      s.source = ipv4(CLIENT ^ (1 << bit));
      expect(keys.check(s, at(5)), `bit ${bit}`).toBe("bad");
    }
    const s = synWith(keys, 5);
    s.fastOpen = 6;
    expect(keys.check(s, at(5))).toBe("bad");
  });

  test("two stacks do not take each other's", () => {
    expect(
      new FastOpenKeys(seededRng(2)).check(synWith(new FastOpenKeys(seededRng(1)), 5), at(5)),
    ).toBe("bad");
  });
});

describe("servers [7413-4.1.3-CACHE]", () => {
  test("1024 are remembered, and the one learnt of first goes", () => {
    const cache = new FastOpenCache(0, () => {});
    for (let i = 0; i < 1025; i++) cache.learn(ipv4(i), Uint8Array.of(1, 2, 3, i & 0xff), 1000 + i);
    expect(cache.size).toBe(1024);
    expect(cache.known(ipv4(0), at(0))?.cookie).toHaveLength(0);
    expect(cache.known(ipv4(1), at(0))).toMatchObject({ mss: 1001 });
  });

  test("the pause after a failure grows to 64 minutes and no further", () => {
    const cache = new FastOpenCache(0, () => {});
    const pauses = Array.from({ length: 9 }, () => {
      cache.failed(HERE, at(0));
      for (let minutes = 1; ; minutes *= 2) {
        if (cache.known(HERE, at(minutes * 60_000)) !== null) return minutes;
        expect(cache.known(HERE, at(minutes * 60_000 - 1))).toBeNull();
      }
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });

  test("a pause for all is doubled from one black hole to the next, and not taken without a time for it", () => {
    const counted: string[] = [];
    const cache = new FastOpenCache(10, (name) => void counted.push(name));
    cache.blackHole(at(0));
    expect([cache.known(HERE, at(9999)), cache.known(HERE, at(10_000))?.mss]).toEqual([null, 536]);
    cache.blackHole(at(10_000));
    expect([cache.known(HERE, at(29_999)), cache.known(HERE, at(30_000))?.mss]).toEqual([
      null,
      536,
    ]);
    cache.endSeen();
    cache.blackHole(at(30_000));
    expect(cache.known(HERE, at(40_000))).not.toBeNull();
    expect(counted).toHaveLength(3);
    const never = new FastOpenCache(0, (name) => void counted.push(name));
    never.blackHole(at(0));
    expect(never.known(HERE, at(1))).not.toBeNull();
    expect(counted).toHaveLength(3);
  });
});

test("under a key that is set the cookie is the one that Linux makes of it", () => {
  const key = readKey("a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4");
  const cookie = new Uint8Array(8);
  makeCookie(key, parseIpv4("192.168.0.1")!, parseIpv4("192.0.2.1")!, cookie);
  expect(Buffer.from(cookie).toString("hex")).toBe("3021b9d889017eeb");
});

test("pending connections: room again when one leaves, a minute later when a reset ended it [7413-4.2-PENDING]", () => {
  const queue = new FastOpenQueue(2);
  for (const _ of [1, 2]) queue.enter();
  expect(queue.hasRoom(at(0))).toBe(false);
  queue.leave(false, at(0));
  expect(queue.hasRoom(at(0))).toBe(true);
  queue.leave(true, at(0));
  queue.enter();
  expect([queue.pending, queue.hasRoom(at(59_999)), queue.hasRoom(at(60_000))]).toEqual([
    2,
    false,
    true,
  ]);
  expect(new FastOpenQueue(0).hasRoom(at(0))).toBe(false);
});
