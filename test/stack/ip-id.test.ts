import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { IpIdentification } from "../../src/stack/ip-id.ts";
import { ipv4 } from "../../src/wire/address.ts";

const LOCAL = ipv4(0xc0000201);

describe("IPv4 identification", () => {
  test("does not repeat to one peer within 65,536 datagrams [6864-4.3-UNIQUE]", () => {
    const ids = new IpIdentification(seededRng(1));
    const seen = new Set<number>();
    for (let i = 0; i < 65536; i++) seen.add(ids.next(LOCAL, ipv4(9), 1));
    expect(seen.size).toBe(65536);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([0, 65535]);
  });

  /** What peer 1 gets next after something else was sent: the second of two. */
  function nextAfter(seed: number, between: (ids: IpIdentification) => void): number {
    const ids = new IpIdentification(seededRng(seed));
    ids.next(LOCAL, ipv4(1), 1);
    between(ids);
    return ids.next(LOCAL, ipv4(1), 1);
  }

  test("what goes to one peer does not show in what another gets", () => {
    let moved = 0;
    for (let seed = 0; seed < 50; seed++) {
      const alone = nextAfter(seed, () => {});
      const among = nextAfter(seed, (ids) => {
        for (let peer = 2; peer < 22; peer++) ids.next(LOCAL, ipv4(peer), 1);
      });
      if (among !== alone) moved++;
    }
    // a global counter would have moved each time; now and then two peers share a cell
    expect(moved).toBeLessThan(5);
  });

  test("peers that share a counter do not see it, as each sees it in an order of its own", () => {
    const gaps: number[] = [];
    for (let peer = 2; peer < 10_000; peer++) {
      const ids = new IpIdentification(seededRng(3));
      const before = ids.next(LOCAL, ipv4(1), 1);
      const other = ids.next(LOCAL, ipv4(peer), 1);
      const shared = ids.next(LOCAL, ipv4(1), 1) !== nextAfter(3, () => {});
      if (shared) gaps.push((other - before) & 0xffff);
    }
    expect(gaps.length).toBeGreaterThan(2);
    expect(new Set(gaps).size).toBe(gaps.length);
    expect(gaps).not.toContain(1);
  });

  test("starts at a point that differs by peer, protocol and stack", () => {
    const first = (seed: number, peer: number, protocol: number): number =>
      new IpIdentification(seededRng(seed)).next(LOCAL, ipv4(peer), protocol);
    expect(new Set(Array.from({ length: 50 }, (_, i) => first(1, i, 1))).size).toBeGreaterThan(45);
    expect(new Set(Array.from({ length: 50 }, (_, i) => first(i, 1, 1))).size).toBeGreaterThan(45);
    expect(first(1, 1, 1)).not.toBe(first(1, 1, 6));
  });
});
