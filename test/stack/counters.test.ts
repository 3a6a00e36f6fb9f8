import { expect, test } from "vitest";
import { Counters } from "../../src/stack/counters.ts";

test("a counter is 0 before it counts, counts by one or by more, and is listed by name", () => {
  const counters = new Counters();
  expect(counters.get("TcpInErrs")).toBe(0);
  expect(counters.entries()).toEqual([]);
  counters.add("TcpRetransSegs");
  counters.add("IpInHdrErrors", 3);
  counters.add("TcpRetransSegs", 2);
  expect(counters.get("TcpRetransSegs")).toBe(3);
  expect(counters.entries()).toEqual([
    ["IpInHdrErrors", 3],
    ["TcpRetransSegs", 3],
  ]);
});
