/** Rows H020 to H026: fragments. The stack reassembles, within caps. */
import { expect } from "vitest";
import { times, fragments, HONEST, icmp, ip, options, pattern, TCP } from "../support/packet.ts";
import { Peer } from "../support/peer.ts";
import { honestEcho } from "../support/invariants.ts";
import { bestOf } from "../../support/best-of.ts";
import { SLACK, type Scenario, sized, spentFor, type World } from "../support/world.ts";
import { silence } from "./ipv4.ts";

const MF = 0x2000;
const OFFERED = { tcpOptions: options([2, 4, 5, 180], times(36, 1)) };
const CAP = 4 * 1024 * 1024;
/** Datagrams that wait at a time (src/stack/reassembly.ts). */
const QUEUES = 1024;

let id = 1000;

/** The SYN of a new peer: 60 bytes behind the IP header. */
function bigSyn(w: World): { p: Peer; body: Uint8Array } {
  const p = new Peer(w);
  return { p, body: p.make("S", 0, 0, 0, OFFERED).slice(20) };
}

/** Bytes [from, to) of a datagram. */
function piece(body: Uint8Array, from: number, to: number, more: number, tag: number): Uint8Array {
  return ip({ id: tag, fragment: more + from / 8, protocol: TCP }, body.subarray(from, to));
}

async function H020(w: World): Promise<void> {
  for (const order of ["as it is", "reverse", "shuffled"]) {
    const p = new Peer(w);
    const parts = fragments(p.make("S", 0, 0, 0, OFFERED), 8, ++id);
    expect(parts.length).toBe(8);
    if (order === "reverse") parts.reverse();
    if (order === "shuffled") parts.sort((a, b) => ((a[7]! * 5) % 8) - ((b[7]! * 5) % 8));
    expect(await p.puts(...parts)).toEqual(["S. 0:0(0) ack 1"]);
  }
  // ports that a later fragment holds are no ports
  w.put(piece(new Peer(w).make("S", 0), 8, 28, 0, ++id));
  await silence(w);
}

async function H021(w: World): Promise<void> {
  const overlaps: readonly (readonly [number, number])[] = [
    [8, 16],
    [0, 16],
    [16, 32],
    [8, 48],
    [0, 32],
    [16, 24],
  ];
  for (const [from, to] of overlaps) {
    const { body } = bigSyn(w);
    const tag = ++id;
    const other = body.slice().fill(0xbb);
    w.put(piece(body, 0, 24, MF, tag), piece(other, from, to, MF, tag));
    w.put(piece(body, 24, 48, MF, tag), piece(body, 48, 60, 0, tag));
    w.put(piece(body, 0, 24, MF, tag), piece(body, 48, 60, 0, tag));
    await silence(w);
  }
  const odd = bigSyn(w);
  w.put(piece(odd.body, 0, 36, MF, ++id), piece(odd.body, 24, 32, 0, id));
  await silence(w);
  const { p, body } = bigSyn(w);
  const tag = ++id;
  w.put(piece(body, 0, 24, MF, tag), piece(body, 0, 24, MF, tag), piece(body, 24, 48, MF, tag));
  expect(await p.puts(piece(body, 48, 60, 0, tag))).toEqual(["S. 0:0(0) ack 1"]);
}

async function H022(w: World): Promise<void> {
  for (const protocol of [1, TCP]) {
    const tag = ++id;
    w.put(ip({ protocol, id: tag, fragment: MF }, pattern(0, 1480)));
    w.put(ip({ protocol, id: tag, fragment: 65528 / 8 }, pattern(0, 1480)));
    w.put(ip({ protocol, id: ++id, fragment: 65528 / 8 }, pattern(0, 1480)));
  }
  await silence(w);
  expect((await w.app.residue()).fragmentBytes).toBeLessThan(2048);
}

async function H023(w: World): Promise<void> {
  const { body } = bigSyn(w);
  w.put(piece(body, 0, 13, MF, ++id));
  w.put(piece(body, 8, 8, MF, ++id), piece(body, 0, 0, MF, ++id), piece(body, 16, 16, 0, ++id));
  await silence(w);
  expect((await w.app.residue()).fragmentBytes).toBe(0);
  expect(await new Peer(w).says("S", 0, 0, 0, { fragment: 0x8000 })).toEqual(["S. 0:0(0) ack 1"]);
  const both = bigSyn(w);
  w.put(piece(both.body, 0, 24, MF | 0x4000, ++id));
  expect(["", "S. 0:0(0) ack 1"]).toContain(
    (await both.p.puts(piece(both.body, 24, 60, 0x4000, id))).join(),
  );
}

async function H024(w: World): Promise<void> {
  const count = sized(w, 200_000, 40_000, 10_000);
  const junk = pattern(0, 1400);
  const flood = (n: number): Uint8Array =>
    ip(
      {
        source: 0xc0000200 + 10 + (n % 40),
        id: n & 0xffff,
        fragment: MF,
        protocol: n % 2 === 0 ? TCP : 1,
      },
      junk,
    );
  let [asked, whole, most, queues, slowest] = [0, 0, 0, 0, 0];
  const costs: number[] = [];
  for (let n = 0; n < count;) {
    const echo = icmp({ source: HONEST }, 8, 0, n, pattern(n, 1400));
    const [first, ...rest] = fragments(echo, 704, 60000 + (asked % 5000));
    w.put(first!);
    const some = Array.from({ length: 500 }, () => flood(n++));
    costs.push(await spentFor(w, async () => await Promise.resolve(w.put(...some))));
    w.put(...rest);
    asked++;
    await w.waits(25); // 20,000 a second
    await w.settle();
    whole += w.inbox.splice(0).filter((s) => s.icmpType === 0 && s.payload.length === 1400).length;
    const { fragmentBytes, datagrams } = await w.app.residue();
    most = Math.max(most, fragmentBytes);
    queues = Math.max(queues, datagrams);
    if (asked % 20 === 0) {
      const took = await honestEcho(w, 1000);
      expect(took).toBeTypeOf("number");
      slowest = Math.max(slowest, took as number);
    }
  }
  expect(most).toBeLessThanOrEqual(CAP);
  expect(queues).toBeLessThanOrEqual(QUEUES);
  // a packet costs no more with all places taken than with few
  const half = costs.length >> 1;
  expect(Math.min(...costs.slice(half))).toBeLessThan(3 * Math.min(...costs.slice(0, half)) + 5);
  expect(whole).toBeGreaterThan(asked / 10);
  expect(slowest).toBeLessThan(1000);
}

async function H025(w: World): Promise<void> {
  const body = pattern(0, 65520);
  const parts = Array.from({ length: 8190 }, (_, i) =>
    ip(
      { protocol: TCP, id: 77, fragment: (i < 8189 ? MF : 0) + i },
      body.subarray(8 * i, 8 * i + 8),
    ),
  ).reverse();
  for (const lot of [parts, parts.slice(0, -1)]) {
    const limit = 500 * SLACK;
    const took = await bestOf(3, limit, async () => {
      const spent = await spentFor(w, async () => await Promise.resolve(w.put(...lot)));
      expect((await w.app.residue()).fragmentBytes).toBeLessThan(65536);
      return spent;
    });
    expect(took).toBeLessThan(limit);
  }
  w.inbox = [];
}

async function H026(w: World): Promise<void> {
  for (const [late, answered] of [
    [29_000, true],
    [61_000, false],
    [121_000, false],
  ] as const) {
    const { p, body } = bigSyn(w);
    const tag = ++id;
    w.put(piece(body, 0, 24, MF, tag));
    await w.waits(late);
    const came = await p.puts(piece(body, 24, 60, 0, tag));
    expect(came).toEqual(answered ? ["S. 0:0(0) ack 1"] : ["icmp 11/1"]);
    await w.waits(200_000);
    w.inbox = w.inbox.filter((s) => s.icmpType >= 0);
    // the last fragment that came too late is one that waits in vain, without a first to report
    expect(w.inbox.splice(0)).toEqual([]);
  }
  const { p, body } = bigSyn(w);
  for (let at = 0; at < 30_000; at += 10_000) {
    w.put(piece(body, 0, 24, MF, 7));
    await w.waits(10_000);
  }
  expect(await p.puts(piece(body, 24, 60, 0, 7))).toEqual(["icmp 11/1"]);
}

export const FRAGMENTS: Record<string, Scenario> = { H020, H021, H022, H023, H024, H025, H026 };
