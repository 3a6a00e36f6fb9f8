/** What stands for a connection in TIME-WAIT: how little it is, and that nobody can tell it from the whole of it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { heapUse } from "../support/heap-use.ts";
import { parse, toSegment } from "../support/notation.ts";
import { type PeerOptions, ScriptedPeer } from "../support/scripted-peer.ts";

/** Opened by the peer and closed by the stack, which has data and timestamps behind it. */
function close(p: ScriptedPeer, port: number): void {
  p.peerPort = port;
  p.sends("SEW 0:0(0) win 60000 <mss 1000,sackOK,TS val 900 ecr 0,wscale 3>").next();
  p.sends(". 1:1(0) ack 1 win 6000 <TS val 901 ecr 0>");
  p.endpoint.setTypeOfService(16);
  p.writes(100).next();
  p.sends("P. 1:51(50) ack 101 win 6000 <TS val 902 ecr 0>", undefined, 3);
  p.endpoint.close();
  p.settle();
  p.sends(". 51:51(0) ack 102 win 6000 <TS val 903 ecr 0>");
  p.sends("F. 51:51(0) ack 102 win 6000 <TS val 904 ecr 0>");
  while (p.pending > 0) p.next();
}

test("6,000 connections in TIME-WAIT take less than 512 bytes each, and nothing once they are over", () => {
  const n = 6500; // so many that what the engine does beside it is little of each
  const p = new ScriptedPeer({ watched: false });
  p.waits(5e9 + 0.3); // neither small nor whole, as a real clock
  p.listens();
  for (let i = 0; i < 500; i++) close(p, 1000 + i);
  const before = heapUse();
  for (let i = 500; i < n; i++) close(p, 1000 + i);
  const each = (heapUse() - before) / (n - 500);
  expect(p.stack.connections().length).toBe(n);
  expect(each).toBeGreaterThan(100);
  expect(each).toBeLessThan(512);
  p.waits(60_000).silent();
  expect(p.stack.connections()).toEqual([]);
  expect(p.stack.nextTimeout()).toBe(Infinity);
  expect(p.stack["timeWaits"].size).toBe(0);
});

// --- the same as the whole connection -----------------------------------------------------------------

type Step = readonly [kind: number, seq: number, ack: number, ts: number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.nat(11),
  fc.oneof(fc.integer({ min: 40, max: 60 }), fc.integer({ min: -70_000, max: 140_000 })),
  fc.oneof(fc.integer({ min: 90, max: 110 }), fc.integer({ min: -70_000, max: 70_000 })),
  fc.integer({ min: 895, max: 910 }),
);

const KINDS = ["F.", ".", "P.", "R", "S", "S.", "R.", "F"] as const;

function does(p: ScriptedPeer, [kind, seq, ack, ts]: Step): void {
  const flags = KINDS[kind];
  if (flags === undefined) {
    p.waits([1, 700, 5000, 31_000][kind - KINDS.length]!);
    return;
  }
  const length = flags === "P." ? 10 : 0;
  const options = ts === 910 ? "" : `TS val ${ts} ecr 0`;
  const withAck = flags.includes(".") ? ` ack 0` : "";
  const n = parse(`${flags} 0:${length}(${length})${withAck} win 6000 <${options}>`);
  const s = toSegment(n, p.peerSeq(seq), p.ourSeq(ack), new Uint8Array(length));
  p.injects(s);
}

function packetsOf(p: ScriptedPeer): string[] {
  const all: string[] = [];
  while (p.pending > 0) {
    const { segment, at, ip } = p.next();
    all.push(`${at} tos ${ip.tos} ${p.describe(segment)}`);
  }
  return all;
}

function told(p: ScriptedPeer): unknown[] {
  // what is known of the way there and of the user's wishes ends with the connection
  const path = { srtt: 0, rttvar: 0, minRtt: 0, rto: 0, rcvMss: 0, sendBuffer: 0, receivedCe: 0 };
  const text = { ato: 0, rcvRtt: 0, lastReceived: 0 };
  const counts = { dataSegsIn: 0, dataSegsOut: 0, outOfOrderSegments: 0 };
  const gone = { ...path, ...text, ...counts };
  const look = (c: Endpoint): unknown =>
    c.state === "TIME-WAIT" ? { ...c.info(instantOf(p.time)), ...gone } : c.state;
  return p.stack.connections().map(look);
}

function run(steps: readonly Step[], options: PeerOptions): unknown {
  const p = new ScriptedPeer(options);
  p.listens();
  close(p, 40_000);
  expect(p.state).toBe("TIME-WAIT");
  const story: unknown[] = [told(p)];
  for (const s of steps) {
    does(p, s);
    story.push(s, packetsOf(p), told(p));
  }
  p.stack.abortAll();
  p.settle();
  return { story, counters: Object.fromEntries(p.stack.counters.entries()), left: told(p) };
}

test("whatever comes in TIME-WAIT, a frozen connection answers, counts and ends as the whole of it does", () => {
  const settings = fc.record({
    tcp_rfc1337: fc.nat(1),
    tcp_tw_reuse: fc.nat(1),
    tcp_challenge_ack_limit: fc.constantFrom(1, 10),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), settings, (steps, wishes) => {
      const whole = run(steps, { settings: wishes, watched: true });
      const frozen = run(steps, { settings: wishes, watched: false });
      expect(frozen).toEqual(whole);
    }),
    { numRuns: 200, seed: 20 },
  );
});

// --- what stays, and what goes ------------------------------------------------------------------------

test("text that the user has not read keeps the connection whole until it has", () => {
  const p = new ScriptedPeer({ watched: false }).established();
  p.reads = false;
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  p.sends("FP. 1:5(4) ack 2").sees(". 2:2(0) ack 6");
  expect(p.stack["timeWaits"].size).toBe(0);
  expect(p.stack.memoryUsed).toBeGreaterThan(0);
  p.read();
  p.settle().silent();
  expect(p.received).toHaveLength(4);
  expect(p.stack["timeWaits"].size).toBe(1);
  expect(p.stack.memoryUsed).toBe(0);
  p.waits(60_000);
  expect(p.stack.connections()).toEqual([]);
});

test.each([true, false])(
  "a SYN in the batch of the FIN that led to TIME-WAIT takes over what is not yet frozen (watched: %s)",
  (watched) => {
    const p = new ScriptedPeer({ watched }).established();
    p.reads = false;
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1");
    const settle = p.settle.bind(p);
    p.settle = () => p; // one batch
    p.sends("FP. 1:5(4) ack 2").sends("S 900:900(0) win 65535 <mss 1460>");
    p.settle = settle;
    p.settle().sees("S. 0:0(0) ack 901").silent();
    p.read();
    expect(p.received).toHaveLength(4);
    expect(p.stack.memoryUsed).toBe(200); // the half-open entry
    p.sends(". 901:901(0) ack 1").silent();
    expect(p.stack.connections().map((c) => c.state)).toEqual(["ESTABLISHED"]);
    expect(p.stack["timeWaits"].size).toBe(0);
  },
);

test("ABORT ends a frozen connection, and not the one that has its place by then [9293-3.10.5-ABORT]", () => {
  const p = new ScriptedPeer({ watched: false }).established();
  const first = p.endpoint;
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  expect(p.stack["timeWaits"].size).toBe(1);
  p.sends("S 900:900(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 901");
  p.sends(". 901:901(0) ack 1");
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 901");
  p.sends("F. 901:901(0) ack 2").sees(". 2:2(0) ack 902");
  first.abort();
  p.settle().silent();
  expect(p.state).toBe("TIME-WAIT");
  expect(p.endpoint).not.toBe(first);
  p.endpoint.abort();
  p.settle().silent();
  expect(p.stack.connections()).toEqual([]);
  expect(p.stack.nextTimeout()).toBe(Infinity);
});

test("calls upon an endpoint that its stack let go of do nothing and wake nobody", () => {
  const p = new ScriptedPeer({ watched: false }).established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  const { endpoint } = p;
  endpoint.setKeepAlive(true, 1000);
  endpoint.setUserTimeout(1000);
  endpoint.setNoDelay(true);
  endpoint.shutdown();
  endpoint.close();
  expect(() => endpoint.send(new Uint8Array(1))).toThrow("stream was ended");
  expect(endpoint.receive()).toBe(null);
  p.waits(50_000).silent();
  expect(endpoint.info().state).toBe("TIME-WAIT");
  expect(p.stack.connections()).toHaveLength(1);
});
