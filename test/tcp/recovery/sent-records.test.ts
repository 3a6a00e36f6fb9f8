/** Records of transmissions against a model that keeps a mark for each byte: they agree after any run of operations. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { AckNews } from "../../../src/tcp/recovery/ack-news.ts";
import { SentRecordsPool } from "../../../src/tcp/recovery/records-pool.ts";
import { SentRecords } from "../../../src/tcp/recovery/sent-records.ts";
import { RttEstimator } from "../../../src/tcp/rtt.ts";
import { seq, seqAdd, seqDiff, type SeqNum } from "../../../src/wire/seq.ts";

const MSS = 10;

interface Byte {
  sacked: boolean;
  lost: boolean;
  resent: boolean;
}

/** What is known of each byte from SND.UNA on. */
class Model {
  bytes: Byte[] = [];
  count(has: (b: Byte) => boolean): number {
    return this.bytes.filter(has).length;
  }
}

class Both {
  readonly records = new SentRecords();
  readonly model = new Model();
  readonly news = new AckNews();
  readonly rtt = new RttEstimator();
  una: SeqNum;
  now = 1000;

  constructor(from: number) {
    this.una = seq(from);
  }

  at(offset: number): SeqNum {
    return seqAdd(this.una, offset);
  }

  begin(): void {
    this.now += 1;
    this.news.begin(this.now, this.rtt, Infinity, this.at(this.model.bytes.length));
  }

  send(n: number): void {
    const from = this.at(this.model.bytes.length);
    this.records.append(from, seqAdd(from, n), this.now);
    for (let i = 0; i < n; i++)
      this.model.bytes.push({ sacked: false, lost: false, resent: false });
  }

  ack(n: number): void {
    this.begin();
    const fresh = this.model.bytes.slice(0, n).filter((b) => !b.sacked).length;
    this.una = this.at(n);
    this.records.advance(this.una, this.news);
    this.model.bytes.splice(0, n);
    expect(this.news.delivered).toBe(fresh);
  }

  sack(from: number, to: number): void {
    this.begin();
    const fresh = this.model.bytes.slice(from, to).filter((b) => !b.sacked).length;
    expect(this.records.sack(this.at(from), this.at(to), MSS, this.news)).toBe(fresh);
    expect(this.news.delivered).toBe(fresh);
    for (const b of this.model.bytes.slice(from, to)) {
      Object.assign(b, { sacked: true, lost: false, resent: false });
    }
  }

  /** All below is lost, as a message about the path MTU would say. */
  lose(to: number): void {
    this.begin();
    this.records.loseBelow(this.at(to), this.news);
    // whole records are lost
    const end = this.recordEnd(to);
    for (const b of this.model.bytes.slice(0, end)) {
      if (!b.sacked) Object.assign(b, { lost: true, resent: false });
    }
  }

  recordEnd(to: number): number {
    if (to === 0) return 0;
    return to - 1 + this.records.rest(this.at(to - 1));
  }

  resend(most: number): void {
    if (this.records.waiting === 0) {
      expect(this.model.count((b) => b.lost && !b.resent)).toBe(0);
      return;
    }
    const at = this.records.nextLost();
    const from = seqDiff(at, this.una);
    expect(from).toBe(this.model.bytes.findIndex((b) => b.lost && !b.resent));
    const end = this.records.runEnd(at, seqAdd(at, most));
    const to = seqDiff(end, this.una);
    const run = this.model.bytes.slice(from, to);
    expect(run.length).toBeGreaterThan(0);
    expect(run.length).toBeLessThanOrEqual(most);
    expect(run.every((b) => b.lost && !b.resent && !b.sacked)).toBe(true);
    this.records.resend(at, end, this.now);
    for (const b of run) b.resent = true;
  }

  timeOut(): void {
    this.begin();
    this.records.timeOut(0, this.now + 1, MSS, this.news);
    for (const b of this.model.bytes)
      Object.assign(b, { sacked: false, lost: true, resent: false });
  }

  undo(): void {
    this.records.unmarkLost();
    for (const b of this.model.bytes) b.lost = false;
  }

  compare(): void {
    const { records, model } = this;
    expect(records.isEmpty).toBe(model.bytes.length === 0);
    expect([records.sacked, records.lost, records.resent, records.waiting]).toEqual([
      model.count((b) => b.sacked),
      model.count((b) => b.lost),
      model.count((b) => b.resent),
      model.count((b) => b.lost && !b.resent),
    ]);
    let ranges = 0;
    model.bytes.forEach(
      (b, i) => (ranges += b.sacked && !(model.bytes[i - 1]?.sacked ?? false) ? 1 : 0),
    );
    expect(records.ranges).toBe(ranges);
    if (ranges > 0) {
      const top = model.bytes.findLastIndex((b) => b.sacked) + 1;
      expect(seqDiff(records.highest, this.una)).toBe(top);
      // RFC 6675's IsLost, byte by byte
      const edge = seqDiff(records.lostEdge(MSS), this.una);
      const isLost = (from: number): boolean => {
        const above = model.bytes.slice(from);
        let n = 0;
        above.forEach((b, i) => (n += b.sacked && !(above[i - 1]?.sacked ?? false) ? 1 : 0));
        return n >= 3 || above.filter((b) => b.sacked).length > 2 * MSS;
      };
      const holes = model.bytes.map((b, i) => (b.sacked ? -1 : i)).filter((i) => i >= 0);
      for (const i of holes) expect(i < edge).toBe(isLost(i));
    }
  }
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const operation = fc.oneof(
  fc.record({ op: fc.constant("send" as const), a: fc.integer({ min: 1, max: 40 }), b: share }),
  fc.record({ op: fc.constant("ack" as const), a: fc.constant(0), b: share }),
  fc.record({ op: fc.constant("sack" as const), a: fc.integer({ min: 1, max: 30 }), b: share }),
  fc.record({ op: fc.constant("sack" as const), a: fc.integer({ min: 1, max: 30 }), b: share }),
  fc.record({ op: fc.constant("resend" as const), a: fc.integer({ min: 1, max: 15 }), b: share }),
  fc.record({ op: fc.constant("lose" as const), a: fc.constant(0), b: share }),
  fc.record({ op: fc.constant("timeout" as const), a: fc.constant(0), b: share }),
  fc.record({ op: fc.constant("undo" as const), a: fc.constant(0), b: share }),
);

test("sums, ranges, edges and what leaves next are those of a model with a mark for each byte", () => {
  const numbers = fc.oneof(fc.integer(), fc.constantFrom(-300, 2147483500, -2147483648));
  fc.assert(
    fc.property(numbers, fc.array(operation, { maxLength: 60 }), (from, operations) => {
      const both = new Both(from);
      for (const { op, a, b } of operations) {
        const n = both.model.bytes.length;
        if (op === "send") both.send(a);
        else if (n === 0) continue;
        else if (op === "ack") both.ack(Math.ceil(b * n));
        else if (op === "sack") {
          const left = Math.min(1 + Math.floor(b * n), n - 1);
          if (left > 0) both.sack(left, Math.min(left + a, n));
        } else if (op === "resend") both.resend(a);
        else if (op === "lose") both.lose(Math.ceil(b * n));
        else if (op === "timeout") both.timeOut();
        else both.undo();
        both.compare();
      }
    }),
    { numRuns: 400, seed: 11 },
  );
});

/** What is under way: `n` segments that left a ms after each other. */
function sent(n: number): Both {
  const both = new Both(-50);
  for (let i = 0; i < n; i++) {
    both.now = i;
    both.send(MSS);
  }
  both.now = n;
  return both;
}

test("by time each transmission is judged by itself: originals, copies, and copies of which a part arrived", () => {
  const both = sent(20);
  const { records, news } = both;
  both.now = 100;
  both.sack(10 * MSS, 11 * MSS);
  // what left before number 10, 95 ms ago or more: 0 to 6 of now = 101
  const look = (span: number, now: number): number => {
    news.begin(now, both.rtt, Infinity, both.una);
    records.rackTime = Math.max(records.rackTime, news.time, 10);
    records.rackEnd = both.at(11 * MSS);
    return records.markLostByTime(span, now, news);
  };
  expect(look(95, 101)).toBe(7 + 95);
  expect(news.lost).toBe(7 * MSS);
  expect(look(95, 200)).toBe(Infinity);
  expect(news.lost).toBe(3 * MSS);
  // 0 and 1 leave again as one, then the half of it arrives, and later something that left behind it
  records.resend(both.una, both.at(2 * MSS), 300);
  both.una = both.at(MSS / 2);
  news.begin(350, both.rtt, Infinity, both.una);
  records.advance(both.una, news);
  expect([news.delivered, news.original]).toEqual([MSS / 2, false]);
  records.rackTime = 310;
  news.begin(390, both.rtt, Infinity, both.una);
  expect(records.markLostByTime(100, 390, news)).toBeCloseTo(400, 3);
  expect([news.lost, news.lostCopies]).toEqual([9 * MSS, 0]); // 11 to 19, which left long before
  news.begin(401, both.rtt, Infinity, both.una);
  records.markLostByTime(100, 401, news);
  expect([news.lost, news.lostCopies]).toEqual([1.5 * MSS, 2]);
  expect(news.lostAgain).toBeCloseTo(300, 3);
});

test("a number space gone through once does not confuse what was judged long ago", () => {
  const both = new Both(0);
  for (let n = 0; n < 5000; n++) {
    both.records.append(both.una, seqAdd(both.una, 1_000_000), n);
    both.una = seqAdd(both.una, 1_000_000);
    both.news.begin(n + 1, both.rtt, Infinity, both.una);
    both.records.advance(both.una, both.news);
    // never empty
    both.records.append(both.una, seqAdd(both.una, 1_000_000), n + 0.5);
    both.una = seqAdd(both.una, 500_000);
    both.records.advance(both.una, both.news);
    both.una = seqAdd(both.una, 500_000);
    both.records.append(both.una, seqAdd(both.una, 10), n + 0.7);
    both.records.advance(both.una, both.news);
    both.una = seqAdd(both.una, 10);
  }
  both.records.append(both.una, seqAdd(both.una, 1000), 6000);
  both.records.append(seqAdd(both.una, 1000), seqAdd(both.una, 2000), 6001);
  both.news.begin(6100, both.rtt, Infinity, both.una);
  both.records.advance(both.una, both.news);
  both.records.rackTime = 6001;
  both.records.markLostByTime(50, 6100, both.news);
  expect(both.news.lost).toBe(1000);
});

test("a peer that SACKs every other byte makes no more records than a bound allows, nor more work [CVE-2019-11478]", () => {
  const both = new Both(0);
  both.send(100_000);
  for (let i = 1; i < 100_000; i += 2) {
    both.begin();
    both.records.sack(both.at(i), both.at(i + 1), 1000, both.news);
  }
  expect(both.records.count).toBeLessThan(1000);
});

test("records are borrowed and given back as new; large ones are not kept", () => {
  const pool = new SentRecordsPool();
  const first = pool.take();
  first.append(seq(0), seq(10), 5);
  first.sack(seq(5), seq(10), 10, new AckNews());
  pool.give(first);
  const again = pool.take();
  expect(again).toBe(first);
  expect([again.isEmpty, again.sacked, again.ranges, again.rackTime]).toEqual([
    true,
    0,
    0,
    -Infinity,
  ]);
  for (let i = 0; i < 1000; i++) again.append(seq(i), seq(i + 1), i);
  pool.give(again);
  expect(pool.take()).not.toBe(again);
});

test("of what left as one and was SACKed in its middle, only what lies below can be lost by that", () => {
  const records = new SentRecords();
  const news = new AckNews();
  const at = (n: number): SeqNum => seqAdd(seq(5000), n * MSS);
  records.append(at(0), at(10), 100);
  news.begin(150, new RttEstimator(), Infinity, at(10));
  records.sack(at(3), at(5), MSS, news);
  records.rackTime = news.time;
  records.rackEnd = news.end;
  records.markLostByTime(50, 150, news);
  expect([records.lost, records.nextLost(), records.isLostBeyond(at(5))]).toEqual([
    3 * MSS,
    at(0),
    false,
  ]);
});
