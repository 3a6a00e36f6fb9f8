/** Connections whose sequence numbers have gone round: what was noted at their start says nothing of what lies behind it now. */
import { describe, expect, test } from "vitest";
import { CWR, ECE, ECT_0 } from "../../src/wire/tcp-segment.ts";
import { tooBig } from "../support/icmp.ts";
import { FarStream, MSS } from "../support/far-stream.ts";

/** More than half of the number space: what lies so far back seems to lie ahead. */
const FAR = 2 ** 31 + 2 ** 20;

describe("after two gigabytes", () => {
  test("data is ECN-capable as before, and an echo is answered by CWR [3168-6.1.2-CWR]", () => {
    const s = new FarStream({ tcp_ecn: 1 }, true).streams(FAR);
    s.writes(3 * MSS);
    expect(s.left.map((seen) => seen.tos)).toEqual([ECT_0]);
    s.left = [];
    s.acknowledges(0, ECE).writes(MSS);
    expect(s.left.map((seen) => seen.flags & CWR)).toEqual([CWR]);
  });

  test("the third duplicate draws the copy, though nothing was lost before [5681-3.2-FRT]", () => {
    const s = new FarStream({}, false).streams(FAR);
    s.writes(10 * MSS);
    const [first] = s.left;
    s.left = [];
    for (let n = 0; n < 3; n++) s.acknowledges(10 * MSS);
    expect(s.left).toMatchObject([{ seq: first!.seq, length: MSS }]);
  });

  test("a loss is none of the first window: the window after a pause is ten segments as before", () => {
    const s = new FarStream({}, false).streams(FAR);
    s.writes(10 * MSS)
      .waits(300)
      .acknowledges();
    expect(s.endpoint.info().retransmits).toBe(1);
    s.streams(MSS * 1000);
    s.waits(10_000).writes(MSS);
    expect(s.endpoint.info().cwnd).toBe(10 * MSS);
  });

  test("a path MTU that was not believed then is not believed for a timeout now [5927-7.2-PTB]", () => {
    const s = new FarStream({}, false).streams(10 * MSS);
    s.writes(MSS);
    tooBig(s, 600, { seq: -MSS });
    s.acknowledges().streams(FAR);
    s.writes(MSS).waits(300);
    expect(s.endpoint.info()).toMatchObject({ retransmits: 1, pmtu: MSS + 40 });
  });
});
