/** Path MTU found without messages: the search with probes, what a lost one means, and black holes. */
import { expect, test } from "vitest";
import type { Settings } from "../../src/tcp/config.ts";
import { DEFAULT_SETTINGS } from "../../src/tcp/config.ts";
import { tooBig } from "../support/icmp.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { TwoStacks } from "../support/two-stacks.ts";

const PROBING: Partial<Settings> = { tcp_mtu_probing: 2 };
const HEADERS = 40;
const BASE = DEFAULT_SETTINGS.tcp_base_mss;
/** Enough for a probe and what must follow it. */
const MUCH = 60_000;

/** A connection that probes, without timestamps, with `queued` bytes to send. */
function probing(queued: number, options = "<mss 1460,sackOK>", window = 65535): ScriptedPeer {
  const p = new ScriptedPeer({ settings: PROBING }).connected(options, window);
  p.endpoint.setNoDelay(true);
  p.endpoint.send(new Uint8Array(queued));
  p.settle();
  return p;
}

/** A bulk transfer over a path that silently loses what is larger than `path`; sizes that went out, in order. */
function transfer(path: number, settings: Partial<Settings>, bytes: number) {
  const sizes: number[] = [];
  const w = new TwoStacks({ settings: { tcp_timestamps: 0, ...settings } }).established();
  w.lose = (from, s) => {
    const size = s.payloadLength + HEADERS;
    if (from === "A" && s.payloadLength > 0) sizes.push(size);
    return size > path;
  };
  w.a.endpoint!.send(new Uint8Array(bytes));
  return { w, sizes };
}

test("the search begins at tcp_base_mss; the first probe lies between it and what the interface allows [4821-7.2-LOW]", () => {
  const p = probing(MUCH);
  const first = p.next();
  expect(first.segment.payloadLength).toBe((1064 + 1500) / 2 - HEADERS);
  expect([first.remark, first.gsoSize]).toEqual(["path MTU probe", 0]);
  expect(p.next().segment.payloadLength).toBe(BASE);
  expect(p.endpoint.info()).toMatchObject({ mtuSearchLow: 1064, mtuSearchHigh: 1500, pmtu: 1064 });

  const other = new ScriptedPeer({ settings: { ...PROBING, tcp_base_mss: 512 } }).connected();
  expect(other.endpoint.info()).toMatchObject({ mtuSearchLow: 552, sndMss: 512 });
  const small = new ScriptedPeer({ settings: PROBING }).connected("<mss 700>");
  expect(small.endpoint.info()).toMatchObject({ mtuSearchLow: 740, mtuSearchHigh: 740 });
});

test("with offload a probe is one packet, and the device cuts the rest at the size that passes", () => {
  const offload = { checksum: true, tso: true };
  const p = new ScriptedPeer({ settings: PROBING, offload }).connected("<mss 1460>");
  p.endpoint.send(new Uint8Array(MUCH));
  p.settle();
  expect(p.next()).toMatchObject({ gsoSize: 0, segment: { payloadLength: 1242 } });
  expect(p.next().gsoSize).toBe(BASE);
});

test("a delivered probe raises the MTU to its size at once; cwnd stays in bytes [4821-7.6-RESULT] [4821-4-SCALE]", () => {
  const p = probing(MUCH);
  const { cwnd } = p.endpoint.info();
  p.sends(". 1:1(0) ack 1243");
  const { mtuSearchLow, pmtu, sndMss, cwnd: then } = p.endpoint.info();
  expect([mtuSearchLow, pmtu, sndMss]).toEqual([1282, 1282, 1242]);
  expect(then).toBeLessThanOrEqual(cwnd + 1242);
});

test("the search over a path of 1400 ends at 1400, and nothing is lost to it but probes [4821-7.6-RESULT]", () => {
  const { w, sizes } = transfer(1400, { ...PROBING, tcp_probe_threshold: 1 }, 2_000_000);
  w.runs(20_000);
  expect(w.b.received).toHaveLength(2_000_000);
  // each size that is too large went out once: a lost probe bounds the search
  const lost = sizes.filter((n) => n > 1400);
  expect(lost.length).toBeLessThan(9);
  expect(lost).toEqual([...new Set(lost)].toSorted((a, b) => b - a));
  expect(w.a.endpoint!.info()).toMatchObject({ pmtu: 1400, mtuSearchLow: 1400 });
  expect(w.a.stack.counters.get("TcpExtTCPTimeouts")).toBe(0);
});

test("the loss of a lone probe does not lower cwnd, and its bytes go again in segments that pass [4821-4-CC]", () => {
  const p = probing(MUCH);
  const { cwnd } = p.endpoint.info();
  while (p.pending > 0) p.next();
  p.sends(`. 1:1(0) ack 1 <sack 1243:${1243 + 3 * BASE}>`);
  p.sees(". 1:1025(1024) ack 1").sees(". 1025:1243(218) ack 1");
  expect(p.endpoint.info().cwnd).toBe(cwnd);
  expect(p.endpoint.info().ssthresh).toBe(0x7fffffff);
  expect(p.endpoint.info()).toMatchObject({ mtuSearchLow: 1064, mtuSearchHigh: 1281 });
  while (p.pending > 0) p.next();
  p.sends(`. 1:1(0) ack ${1243 + 3 * BASE}`);
  expect(p.endpoint.info().recovery).toBe("open");
  expect(p.endpoint.info().cwnd).toBeGreaterThanOrEqual(cwnd);
});

test("without SACK it is the same: three duplicates at a probe say that it was too large [4821-4-CC]", () => {
  const p = probing(MUCH, "<mss 1460>");
  const { cwnd } = p.endpoint.info();
  while (p.pending > 0) p.next();
  for (let n = 0; n < 2; n++) p.sends(". 1:1(0) ack 1");
  while (p.pending > 0) p.next();
  p.sends(". 1:1(0) ack 1").sees(". 1:1025(1024) ack 1").sees(". 1025:1243(218) ack 1");
  expect(p.endpoint.info().cwnd).toBe(cwnd);
  expect(p.endpoint.info().mtuSearchHigh).toBe(1281);
});

test("a probe and its neighbour lost are congestion: cwnd falls [4821-4-CC]", () => {
  const p = probing(MUCH);
  while (p.pending > 0) p.next();
  const to = 1243 + BASE; // the segment behind the probe is lost as well
  p.sends(`. 1:1(0) ack 1 <sack ${to}:${to + 3 * BASE}>`);
  const { ssthresh, recovery } = p.endpoint.info();
  expect(recovery).toBe("recovery");
  expect(ssthresh).toBeLessThan(10 * 1460);
});

test("a neighbour whose loss shows only behind the repaired probe is congestion, too [4821-4-CC]", () => {
  const p = probing(MUCH);
  while (p.pending > 0) p.next();
  const hole = 1243 + 3 * BASE;
  p.sends(`. 1:1(0) ack 1 <sack 1243:${hole}>`);
  expect(p.endpoint.info().ssthresh).toBe(0x7fffffff);
  p.sends(`. 1:1(0) ack 1 <sack ${hole + BASE}:${hole + 4 * BASE} 1243:${hole}>`);
  while (p.pending > 0) p.next();
  p.sends(`. 1:1(0) ack ${hole} <sack ${hole + BASE}:${hole + 4 * BASE}>`);
  expect(p.endpoint.info().ssthresh).toBeLessThan(10 * 1460);
  expect(p.next().segment.seq).toBe(p.ourSeq(hole));
});

test("no probe with too little data, too small a window, another one under way, or a loss [4821-7.4-PRE]", () => {
  const remarks = (p: ScriptedPeer): (string | null)[] => {
    const all: (string | null)[] = [];
    while (p.pending > 0) all.push(p.next().remark);
    return all;
  };
  const probes = (p: ScriptedPeer): number =>
    remarks(p).filter((remark) => remark === "path MTU probe").length;
  expect(probes(probing(1242 + 4 * BASE - 1))).toBe(0);
  expect(probes(probing(1242 + 4 * BASE))).toBe(1);
  expect(probes(probing(MUCH, "<mss 1460>", 1242 + 4 * BASE - 1))).toBe(0);
  const p = probing(MUCH);
  expect(probes(p)).toBe(1);
  // the first segment behind the probe arrives: nothing is known of the probe, so no other leaves
  p.sends(`. 1:1(0) ack 1 <sack 1243:${1243 + BASE}>`);
  expect(probes(p)).toBe(0);
  // in recovery from a timeout: none
  p.waits(3000);
  expect(probes(p)).toBe(0);
  p.sends(`. 1:1(0) ack ${1243 + BASE}`);
  expect(p.endpoint.info().recovery).toBe("loss");
  expect(probes(p)).toBe(0);
});

test("no probe before what a timeout brought is over, though all of it was sent again [4821-7.4-PRE]", () => {
  const p = probing(MUCH);
  while (p.pending > 0) p.next();
  const end = (p.endpoint.info().sndNxt - p.iss) >>> 0;
  p.waits(300);
  for (let at = 1243; at < end; at += BASE) {
    p.sends(`. 1:1(0) ack ${at}`);
    while (p.pending > 0) expect(p.next().remark).not.toBe("path MTU probe");
  }
  p.sends(`. 1:1(0) ack ${(p.endpoint.info().sndNxt - p.iss) >>> 0}`);
  expect(p.next().remark).toBe("path MTU probe");
});

test("a probe that was sent again says nothing of its size [4821-7.4-PRE]", () => {
  const p = probing(MUCH);
  while (p.pending > 0) p.next();
  p.waits(300); // one timeout
  p.sends(". 1:1(0) ack 1243");
  expect(p.endpoint.info()).toMatchObject({ mtuSearchLow: 1064, mtuSearchHigh: 1500 });
});

test("a search that ended begins anew after tcp_probe_interval, 600 s, and no sooner than five minutes [4821-7.3-AGAIN]", () => {
  expect(DEFAULT_SETTINGS.tcp_probe_interval).toBe(600);
  const build = (): unknown => new ScriptedPeer({ settings: { tcp_probe_interval: 299 } });
  expect(build).toThrow(/tcp_probe_interval/);
  const { w, sizes } = transfer(1400, PROBING, 2_000_000);
  w.runs(20_000);
  const found = w.a.endpoint!.info().pmtu;
  expect(found).toBeGreaterThan(1400 - DEFAULT_SETTINGS.tcp_probe_threshold);
  const more = (): number => {
    sizes.length = 0;
    w.a.endpoint!.send(new Uint8Array(500_000));
    w.runs(10_000);
    return Math.max(...sizes);
  };
  for (let n = 0; n < 55; n++) expect(more()).toBe(found); // until 570 s
  w.runs(40_000);
  expect(more()).toBeGreaterThan(found);
});

test("a message about a probe bounds the search, and only the probe goes again", () => {
  const p = probing(MUCH);
  while (p.pending > 0) p.next();
  tooBig(p, 1200, { seq: 1, size: 1282 });
  p.sees(". 1:1025(1024) ack 1").sees(". 1025:1243(218) ack 1").silent();
  expect(p.endpoint.info()).toMatchObject({ mtuSearchLow: 1064, mtuSearchHigh: 1200, pmtu: 1064 });
});

test("over a path that silently drops what is above 1000 bytes the transfer completes, by tcp_mtu_probing 1 [4821-7.7-HOLE]", () => {
  const { w, sizes } = transfer(1000, {}, 300_000);
  expect(DEFAULT_SETTINGS.tcp_mtu_probing).toBe(1);
  w.runs(1000);
  expect(Math.max(...sizes)).toBe(1500);
  expect(w.a.endpoint!.info()).toMatchObject({ mtuSearchLow: 0, pmtu: 1500 });
  w.runs(60_000);
  expect(w.b.received).toHaveLength(300_000);
  // to the base, then to half of it, and up again as far as it goes
  const falls = sizes.filter((n, i) => n < (sizes[i - 1] ?? 0)).slice(0, 2);
  expect(falls).toEqual([1064, 552]);
  const { pmtu } = w.a.endpoint!.info();
  expect(pmtu).toBeGreaterThan(1000 - DEFAULT_SETTINGS.tcp_probe_threshold);
  expect(pmtu).toBeLessThanOrEqual(1000);
});

test("it falls as far as a path of 100 bytes asks, and stops at tcp_mtu_probe_floor [4821-7.7-HOLE]", () => {
  const { w } = transfer(100, {}, 2000);
  w.runs(400_000);
  expect(w.b.received).toHaveLength(2000);
  const floor = transfer(1000, { tcp_mtu_probe_floor: 1000 }, 2000);
  floor.w.runs(200_000);
  expect(floor.w.a.endpoint!.info().pmtu).toBe(1040);
});

test("with tcp_mtu_probing 0 a black hole stays one", () => {
  const { w } = transfer(1000, { tcp_mtu_probing: 0 }, 2000);
  w.runs(200_000);
  expect(w.b.received).toHaveLength(0);
  expect(w.a.endpoint!.info().pmtu).toBe(1500);
});

test("timeouts of what is small already are no black hole [4821-7.7-HOLE]", () => {
  const p = new ScriptedPeer().connected("<mss 1460>").writes(500);
  p.waits(60_000);
  expect(p.endpoint.info()).toMatchObject({ pmtu: 1500, mtuSearchLow: 0 });
});

/** A flight of one full segment that times out `times` times, unheard. */
function silence(times: number): ScriptedPeer {
  const p = new ScriptedPeer().connected("<mss 1460,sackOK>").writes(1460);
  while (p.endpoint.info().retries < times) p.waits(100);
  while (p.pending > 0) p.next();
  return p;
}

test("a D-SACK of what seemed swallowed says that its ACKs were lost: the size is what it was [4821-7.7-HOLE]", () => {
  const p = silence(4);
  expect(p.endpoint.info()).toMatchObject({ pmtu: 552, sndMss: 512 });
  // both went through before, whole: a duplicate of the small copy
  p.sends(". 1:1(0) ack 1461 <sack 1:513>");
  expect(p.endpoint.info()).toMatchObject({ pmtu: 1500, sndMss: 1460 });

  const small = silence(4);
  small.sends(". 1:1(0) ack 513");
  expect(small.endpoint.info()).toMatchObject({ pmtu: 552, sndMss: 512 });
  // a duplicate of what came later says nothing of that
  small.sends(". 1:1(0) ack 1461 <sack 513:1025>");
  expect(small.endpoint.info()).toMatchObject({ pmtu: 552 });
});

test("timeouts by chance, a few in a row and again later, do not add up to crumbs [4821-7.7-HOLE]", () => {
  const p = silence(3);
  expect(p.endpoint.info()).toMatchObject({ pmtu: 1064 });
  p.sends(". 1:1(0) ack 1461");
  for (let n = 1; n < 5; n++) {
    p.writes(1024);
    while (p.endpoint.info().retries < 3) p.waits(100);
    while (p.pending > 0) p.next();
    p.sends(`. 1:1(0) ack ${1461 + n * 1024}`);
  }
  expect(p.endpoint.info()).toMatchObject({ pmtu: 1064 });
});
