import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { ConnectionTable } from "../../src/stack/connection-table.ts";
import { ipv4 } from "../../src/wire/address.ts";

type Pair = readonly [local: number, localPort: number, remote: number, remotePort: number];

interface Entry {
  readonly pair: Pair;
}

function get(table: ConnectionTable<Entry>, [l, lp, r, rp]: Pair): Entry | null {
  return table.get(ipv4(l), lp, ipv4(r), rp);
}

function insert(table: ConnectionTable<Entry>, pair: Pair): Entry {
  const entry = { pair };
  table.insert(ipv4(pair[0]), pair[1], ipv4(pair[2]), pair[3], entry);
  return entry;
}

function remove(table: ConnectionTable<Entry>, [l, lp, r, rp]: Pair): boolean {
  return table.delete(ipv4(l), lp, ipv4(r), rp);
}

function all(table: ConnectionTable<Entry>): Entry[] {
  const found: Entry[] = [];
  table.forEach((e) => found.push(e));
  return found;
}

describe("the connection table", () => {
  test("does as a Map does, while it grows, shrinks and moves entries back", () => {
    // few values, so that pairs meet again and again; the extremes of each field among them
    const address = fc.constantFrom(0, -1, 0x7fffffff, 0xc0000201 | 0);
    const port = fc.constantFrom(0, 1, 80, 0x7fff, 0x8000, 65535);
    const pair: fc.Arbitrary<Pair> = fc.tuple(address, port, address, port);
    const command = fc.record({ remove: fc.boolean(), pair });
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(command, { maxLength: 400, size: "max" }),
        (seed, list) => {
          const table = new ConnectionTable<Entry>(seededRng(seed));
          const model = new Map<string, Entry>();
          for (const c of list) {
            const key = c.pair.join();
            if (c.remove) expect(remove(table, c.pair)).toBe(model.delete(key));
            else model.set(key, insert(table, c.pair));
            expect(table.size).toBe(model.size);
          }
          for (const c of list) expect(get(table, c.pair)).toBe(model.get(c.pair.join()) ?? null);
          expect(new Set(all(table))).toEqual(new Set(model.values()));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("holds all of many entries, and finds each remaining one as they go", () => {
    const table = new ConnectionTable<Entry>(seededRng(3));
    const pairs = Array.from({ length: 5000 }, (_, i): Pair => [1, 80, i >> 4, i & 0xffff]);
    const entries = pairs.map((p) => insert(table, p));
    expect(table.size).toBe(5000);
    for (let i = 0; i < 4990; i++) expect(remove(table, pairs[i]!)).toBe(true);
    expect(all(table).length).toBe(10);
    for (let i = 0; i < 5000; i++) expect(get(table, pairs[i]!)).toBe(i < 4990 ? null : entries[i]);
  });

  test("entries may go while all are visited", () => {
    const table = new ConnectionTable<Entry>(seededRng(4));
    for (let i = 0; i < 300; i++) insert(table, [1, 80, i, 9]);
    table.forEach((e) => remove(table, e.pair));
    expect(table.size).toBe(0);
  });

  test("pairs crafted against one key are spread like any others under another", () => {
    // all of these share the low bits that a table without a key would index by
    const crafted = Array.from({ length: 20_000 }, (_, i): Pair => [1, 80, i << 16, 1024]);
    const plain = Array.from({ length: 20_000 }, (_, i): Pair => [1, 80, i * 7919, i & 0xffff]);
    const longest = (pairs: readonly Pair[]): number => {
      const table = new ConnectionTable<Entry>(seededRng(5));
      for (const p of pairs) insert(table, p);
      return longestRun(table);
    };
    // at half load the longest run of linear probing is some tens; without the key it is 20,000
    expect(longest(plain)).toBeLessThan(200);
    expect(longest(crafted)).toBeLessThan(200);
  });

  test("two stacks place the same pairs differently", () => {
    const order = (seed: number): string => {
      const table = new ConnectionTable<Entry>(seededRng(seed));
      for (let i = 0; i < 30; i++) insert(table, [1, 80, i, 9]);
      return all(table)
        .map((e) => e.pair[2])
        .join();
    };
    expect(order(1)).toBe(order(1));
    expect(order(1)).not.toBe(order(2));
  });
});

/** The most slots in a row that a look-up may have to walk: no member of the class tells, so the slots are read. */
function longestRun(table: ConnectionTable<Entry>): number {
  const { values } = table as unknown as { values: (Entry | null)[] };
  expect(values.filter((v) => v !== null).length).toBe(table.size);
  let longest = 0;
  let run = 0;
  for (const value of [...values, ...values]) {
    run = value === null ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}
