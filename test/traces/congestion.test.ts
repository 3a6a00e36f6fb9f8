/** The congestion window over time: slow start, avoidance, pauses, windows that are not used, and bursts. */
import { describe, expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import { simulate } from "../../src/sim/index.ts";
import { Validation } from "../../src/tcp/congestion/validation.ts";
import { StackError } from "../../src/base/errors.ts";
import { Flow, MSS } from "../support/flow.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const UNLIMITED = 0x7fffffff;

/** A flow in congestion avoidance, from `segments` on. */
function avoiding(segments: number, settings: object = {}): Flow {
  const f = new Flow(settings);
  f.opensTo(2 * segments).loses();
  f.left = [];
  return f;
}

describe.each(["reno", "cubic"])("%s", (tcp_congestion_control) => {
  const settings = { tcp_congestion_control };

  test("nothing goes beyond the window of congestion, or the peer's [MAY-18] [5681-2-LIMIT]", () => {
    const f = new Flow(settings);
    f.watches = true;
    for (let i = 0; i < 6; i++) f.fills().round();
    f.loses();
    for (let i = 0; i < 8; i++) f.fills().round(2);
    expect(f.excess).toBeLessThanOrEqual(0);
    expect(f.cwnd).toBeGreaterThan(20 * MSS);
    const small = new ScriptedPeer({ settings }).established(`<mss ${MSS}>`, 4500);
    small.writes(60_000);
    expect(small.pending).toBe(4);
  });

  test("the handshake does not raise the window, and slow start has no end of its own [5681-3.1-HANDSHAKE] [5681-3.1-SSTHRESH0]", () => {
    const passive = new ScriptedPeer({ settings }).established(`<mss ${MSS}>`);
    const active = new ScriptedPeer({ settings }).connected(`<mss ${MSS}>`);
    for (const p of [passive, active]) {
      expect(p.endpoint.info().cwnd).toBe(10 * MSS);
      expect(p.endpoint.info().ssthresh).toBe(UNLIMITED);
    }
    const f = new Flow(settings).opensTo(500);
    expect(f.info.ssthresh).toBe(UNLIMITED);
  });

  test("after a minute without sending the first burst is the initial window [5681-4.1-IDLE]", () => {
    const f = new Flow(settings).opensTo(60);
    while (f.info.notSent > 0 || f.info.unacked > 0) f.round();
    expect(f.cwnd).toBeGreaterThanOrEqual(60 * MSS);
    f.waits(60_000);
    f.left = [];
    f.writes(100);
    expect(f.left.length).toBe(10);
    expect(f.cwnd).toBe(10 * MSS);
  });

  test("two losses in a row reduce twice, and so does a timeout of what was repeated [5681-4.3-TWICE]", () => {
    const f = new Flow(settings).opensTo(64).fills();
    f.loses();
    const once = f.info.ssthresh;
    f.fills().loses();
    const twice = f.info.ssthresh;
    expect(twice).toBeLessThanOrEqual(0.75 * once);
    // now the repeat is lost as well
    const lost = f.fills().acked;
    f.waits(f.rtt);
    for (let at = lost + 2 * MSS; at <= lost + 6 * MSS; at += MSS)
      f.acks(lost, `${lost + MSS}:${at}`);
    const thrice = f.info.ssthresh;
    f.waits(5000);
    expect(thrice).toBeLessThan(twice);
    expect(f.info.ssthresh).toBeLessThan(thrice);
    expect(f.cwnd).toBe(MSS);
  });

  test("one lost SYN leaves the initial window, two leave one segment [6928-2-SYNLOSS]", () => {
    for (const [lost, segments] of [
      [1, 10],
      [2, 1],
    ] as const) {
      const p = new ScriptedPeer({ settings }).connects();
      p.waits(lost === 1 ? 1000 : 3000);
      for (let i = 0; i <= lost; i++) p.next();
      p.silent();
      p.sends(`S. 0:0(0) ack 1 win 65535 <mss ${MSS}>`).next();
      p.writes(40_000);
      expect(p.pending).toBe(segments);
    }
    const p = new ScriptedPeer({ settings }).listens();
    p.sends(`S 0:0(0) win 65535 <mss ${MSS}>`).waits(1000).waits(2000);
    expect(p.pending).toBe(3);
    while (p.pending > 0) p.next();
    p.sends(". 1:1(0) ack 1 win 65535");
    p.writes(40_000);
    expect(p.pending).toBe(1);
  });

  test("after a loss in the first window a restart is with the older, smaller one [6928-2-RW]", () => {
    const f = new Flow(settings).writes(10);
    f.loses().opensTo(30);
    while (f.info.notSent > 0 || f.info.unacked > 0) f.round();
    f.waits(60_000);
    f.left = [];
    f.writes(40);
    expect(f.left.length).toBe(4); // min(4 * 1000, max(2 * 1000, 4380))
  });

  test("a timeout leaves one segment, whatever the initial window [6928-2-LW]", () => {
    const f = new Flow(settings).opensTo(40).fills();
    f.left = [];
    f.waits(400);
    expect(f.left.length).toBe(1);
    expect(f.cwnd).toBe(MSS);
  });
});

test("slow start doubles, avoidance adds one segment a round trip, a dead path doubles the timeout [MUST-19] [5681-3.1-CA]", () => {
  const f = new Flow();
  const windows = [f.cwnd];
  for (let i = 0; i < 4; i++) windows.push(f.fills().round().cwnd);
  expect(windows).toEqual([10, 20, 40, 80, 160].map((n) => n * MSS));
  f.loses();
  const start = f.cwnd;
  for (let i = 0; i < 20; i++) f.fills().round();
  expect(f.cwnd - start).toBeLessThanOrEqual(20 * MSS);
  expect(f.cwnd - start).toBeGreaterThanOrEqual(18 * MSS);
  f.fills();
  f.left = [];
  f.waits(20_000);
  const times = f.left.map((l) => l.at);
  const gaps = times.slice(1).map((at, i) => at - times[i]!);
  for (let i = 1; i < gaps.length; i++) expect(gaps[i]! / gaps[i - 1]!).toBeCloseTo(2, 5);
  expect(gaps.length).toBeGreaterThan(3);
});

test("avoidance counts bytes: an ACK a segment, for two or in tenths gives the same growth [5681-3.1-ABC]", () => {
  const growth = [1, 2, 0.1].map((per) => {
    const f = avoiding(20);
    const before = f.cwnd;
    for (let i = 0; i < 10; i++) f.fills().round(per);
    return f.cwnd - before;
  });
  expect(growth[0]).toBeGreaterThanOrEqual(9 * MSS);
  expect(Math.abs(growth[1]! - growth[0]!)).toBeLessThanOrEqual(MSS);
  expect(Math.abs(growth[2]! - growth[0]!)).toBeLessThanOrEqual(MSS);
});

describe("windows that are not used (RFC 7661)", () => {
  /** `segments` each 170 ms, for `rounds` times, acknowledged 50 ms later. */
  function trickle(f: Flow, segments: number, rounds: number): Flow {
    for (let i = 0; i < rounds; i++) f.writes(segments).round(2).waits(120);
    return f;
  }

  /** In congestion avoidance with a window of some 60 segments, and nothing under way. */
  function wide(settings: object = {}): Flow {
    const f = avoiding(60, settings);
    while (f.info.notSent > 0 || f.info.unacked > 0) f.round();
    return f.waits(f.rtt);
  }

  test("pipeACK is the most acknowledged in a round trip of the last second, or three round trips [7661-4.2-PIPEACK]", () => {
    const v = new Validation(instantOf(0));
    let acked = 0;
    let now = 0;
    const rounds = (n: number, bytes: number, measurable = true): void => {
      for (let i = 0; i < n; i++) {
        now += 50;
        acked += bytes;
        v.onRound(acked, measurable, 0, 50, instantOf(now));
      }
    };
    expect(v.pipeAck).toBe(Infinity);
    rounds(5, 8000);
    expect(v.pipeAck).toBe(8000);
    rounds(18, 3000); // 0.9 s
    expect(v.pipeAck).toBe(8000);
    rounds(10, 3000);
    expect(v.pipeAck).toBe(3000);
    rounds(4, 9000, false); // in recovery
    expect(v.pipeAck).toBe(3000);
    v.forget();
    expect(v.pipeAck).toBe(Infinity);
    // with a round trip of a second three of them count
    for (const bytes of [5000, 5000, 1000, 1000, 1000, 1000, 1000, 1000]) {
      now += 1000;
      acked += bytes;
      v.onRound(acked, true, 0, 1000, instantOf(now));
      if (now === 4000 + 33 * 50 + 4 * 50) expect(v.pipeAck).toBe(5000);
    }
    expect(v.pipeAck).toBe(1000);
    // a window that held data back is in use, however little a hole lets be acknowledged
    v.onRound(acked + 10, true, 40_000, 1000, instantOf(now + 1000));
    expect(v.pipeAck).toBe(40_000);
  });

  test.each(["reno", "cubic"])(
    "%s keeps the window while less is sent, and does not let it grow [7661-4.4-HOLD]",
    (name) => {
      const f = wide({ tcp_congestion_control: name });
      const { cwnd } = f;
      trickle(f, 6, 400);
      expect(f.cwnd).toBe(cwnd);
      f.left = [];
      f.writes(200);
      expect(f.left.length).toBe(Math.floor(cwnd / MSS));
    },
  );

  test("a loss in that phase leaves half of what was in use, less half of what was sent again [7661-4.4.1-LOSS]", () => {
    const f = wide();
    trickle(f, 12, 30);
    expect(f.cwnd).toBeGreaterThan(50 * MSS);
    f.writes(8);
    f.loses();
    // pipeACK is 12 segments though 8 were under way, and one was sent again
    expect(f.cwnd).toBe(6 * MSS - MSS / 2);
    // in use, the flight alone counts, and nothing is taken off
    const used = wide();
    used.fills();
    const flight = used.sent - used.acked;
    used.loses();
    expect(used.cwnd).toBe(Math.floor(flight / 2));
  });

  test("a window that holds data back is in use, however little of it was acknowledged [7661-4.2-PIPEACK]", () => {
    const f = wide({ tcp_slow_start_after_idle: 0, tcp_pacing_ca_ratio: 0 });
    trickle(f, 4, 10).waits(3000); // what was in use before is too long ago
    f.fills()
      .waits(f.rtt)
      .acks(f.acked + MSS);
    const flight = f.sent - f.acked;
    f.loses();
    expect(f.cwnd).toBe(Math.floor(flight / 2)); // nothing is taken off for what was sent again
  });

  test("a slow start that overruns its queue by hundreds of segments leaves a window that fits the path", () => {
    const { flows } = simulate(
      {
        duration: "8s",
        links: [{ from: "a", to: "b", rate: "20mbit", delay: "150ms", queue: 500 }],
        flows: [{ from: "a", to: "b" }],
      },
      { seed: 1 },
    );
    expect(flows[0]!.retransmits).toBeGreaterThan(300);
    // half of what is on the way at the least: 20 Mbit/s for 300 ms
    expect(flows[0]!.series["cwnd"]!.at(-1)).toBeGreaterThan(375_000);
  });

  test.each([1, 0])(
    "after five minutes of it the window is halved, with tcp_slow_start_after_idle %d [7661-4.4.3-NVP]",
    (idle) => {
      const f = wide({ tcp_slow_start_after_idle: idle });
      while (f.cwnd < 1.5 * f.info.ssthresh) f.fills().round();
      while (f.info.notSent > 0 || f.info.unacked > 0) f.round();
      const { cwnd } = f;
      const start = f.p.time;
      while (f.p.time < start + 299_000) trickle(f, 4, 1);
      expect(f.cwnd).toBe(cwnd);
      while (f.p.time < start + 303_000) trickle(f, 4, 1);
      expect(f.cwnd).toBe(cwnd >> 1);
      expect(f.info.ssthresh).toBe(Math.floor((3 * cwnd) / 4));
    },
  );

  test("a pause of five minutes halves it, too, where a pause does not bring it down by itself", () => {
    const f = wide({ tcp_slow_start_after_idle: 0 });
    const { cwnd } = f;
    f.waits(290_000).writes(1);
    expect(f.cwnd).toBe(cwnd);
    f.round().waits(300_000).writes(1);
    expect(f.cwnd).toBe(cwnd >> 1);
  });
});

describe("bursts [9937-6.4-PACE]", () => {
  /** The most segments that leave at one moment. */
  const largest = (f: Flow): number => {
    const at = new Map<number, number>();
    for (const l of f.left) at.set(l.at, (at.get(l.at) ?? 0) + 1);
    return Math.max(...at.values());
  };

  test("when recovery ends with little under way a round trip's worth leaves spread over it", () => {
    const f = new Flow().opensTo(80);
    while (f.info.notSent > 0) f.round();
    f.loses();
    expect(f.info.unacked).toBe(0);
    const { cwnd } = f;
    expect(cwnd).toBeGreaterThan(20 * MSS);
    f.left = [];
    f.writes(100).waits(f.rtt);
    expect(f.left.length).toBe(Math.floor(cwnd / MSS));
    expect(largest(f)).toBeLessThanOrEqual(10);
    expect(f.left.at(-1)!.at - f.left[0]!.at).toBeGreaterThan(f.rtt / 4);
  });

  test("a window that outlived a pause does not leave at once", () => {
    const f = new Flow({ tcp_slow_start_after_idle: 0 }).opensTo(80);
    while (f.info.notSent > 0 || f.info.unacked > 0) f.round();
    f.waits(10_000);
    f.left = [];
    f.writes(100).waits(f.rtt);
    expect(f.left.length).toBeGreaterThanOrEqual(80);
    expect(largest(f)).toBeLessThanOrEqual(10);
  });
});

test("a controller is chosen by name, also under way; one that nobody knows is refused", () => {
  const f = new Flow().opensTo(40);
  const { cwnd } = f;
  f.p.endpoint.setCongestionControl("cubic");
  expect(f.info.congestionControl).toBe("cubic");
  expect(f.cwnd).toBe(cwnd);
  expect(() => f.p.endpoint.setCongestionControl("vegas")).toThrow(StackError);
  expect(() => f.p.endpoint.setCongestionControl("vegas")).toThrow(
    /vegas; there are: cubic, bbr, reno/,
  );
  expect(f.info.congestionControl).toBe("cubic");
  const early = new ScriptedPeer().connects();
  early.endpoint.setCongestionControl("cubic");
  early.next();
  early.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>");
  expect(early.endpoint.info().congestionControl).toBe("cubic");
});

describe("what loss recovery tells", () => {
  test("a tail that its probe repaired counts as a loss all the same [8985-7.4.2-CC]", () => {
    // a handshake that takes as long as the path, so that no probe is early
    const p = new ScriptedPeer().connects();
    p.next();
    p.waits(50).sends(`S. 0:0(0) ack 1 win 65535 <mss ${MSS},sackOK>`);
    p.next();
    p.writes(10_000).waits(50);
    while (p.pending > 0) p.next();
    p.sends(". 1:1(0) ack 8001").silent().waits(150);
    p.sees("P. 9001:10001(1000) ack 1").silent();
    expect(p.endpoint.info().ssthresh).toBe(UNLIMITED);
    p.writes(2000);
    p.sends(". 1:1(0) ack 12001");
    const { recovery, cwnd, ssthresh } = p.endpoint.info();
    expect(recovery).toBe("open");
    expect(ssthresh).toBeLessThan(10 * MSS);
    expect(cwnd).toBe(ssthresh);
  });

  test("what is lost waits for leave to go again, and a repeat that is lost lowers the window once more [8985-9.3-TWICE]", () => {
    const f = new Flow().opensTo(64);
    while (f.info.notSent > 0) f.round();
    f.writes(200).waits(f.rtt);
    const first = f.acked;
    const end = f.sent;
    // the first half is lost, the second arrives
    const half = first + Math.floor((end - first) / 2 / MSS) * MSS;
    f.left = [];
    for (let at = half + MSS; at <= half + 4 * MSS; at += MSS) f.acks(first, `${half}:${at}`);
    const repeated = f.left.filter((l) => l.from < half);
    expect(repeated.length).toBeGreaterThan(0);
    expect(repeated.length).toBeLessThan(10);
    for (let at = half + 5 * MSS; at <= end; at += MSS) f.waits(1).acks(first, `${half}:${at}`);
    const once = f.info.ssthresh;
    expect(once).toBeLessThan(UNLIMITED);
    // of the repeats that left later one is lost, what left behind it arrives
    const start = repeated[0]!.at;
    const lost = f.left.find((l) => l.from < half && l.at > start)!;
    f.waits(f.rtt).acks(lost.from);
    for (let at = lost.to + MSS; at <= lost.to + 8 * MSS; at += MSS)
      f.waits(1).acks(lost.from, `${lost.to}:${at} ${half}:${end}`);
    expect(f.info.recovery).toBe("recovery");
    expect(f.info.ssthresh).toBeLessThan(once);
  });

  test.each(["reno", "cubic"])(
    "%s has its window back after a timeout that proves spurious [5682-4-RESPONSE]",
    (name) => {
      const f = new Flow({ tcp_congestion_control: name }).opensTo(40).fills();
      const { cwnd } = f;
      const end = f.sent;
      f.waits(400);
      expect(f.cwnd).toBe(MSS);
      // the ACKs of what left before were only late
      for (let at = f.acked + 2 * MSS; at <= end; at += 2 * MSS) f.acks(at);
      expect(f.info.recovery).toBe("open");
      expect(f.cwnd).toBeGreaterThanOrEqual(cwnd);
      expect(f.info.ssthresh).toBe(UNLIMITED);
    },
  );
});
