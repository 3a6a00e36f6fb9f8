/** Rows H030 to H045: what a TCP header, its options and its flags can be wrong in. */
import { expect } from "vitest";
import {
  times,
  ACK,
  addr,
  CLOSED_PORT,
  get16,
  ip,
  mss,
  options,
  pattern,
  sack,
  sackOk,
  sealIp,
  sealTcp,
  timestamps,
  wscale,
} from "../support/packet.ts";
import { Peer } from "../support/peer.ts";
import type { Scenario, World } from "../support/world.ts";
import { aside } from "../support/aside.ts";
import { silence } from "./ipv4.ts";

const ANSWERED = ["S. 0:0(0) ack 1"];

async function H030(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const targets = [
    p.make("P.", 1, 1, 40),
    new Peer(w).make("S", 0),
    new Peer(w, { to: CLOSED_PORT }).make("S", 0),
  ];
  for (const right of targets) {
    for (let offset = 0; offset < 16; offset++) {
      if (offset === 5) continue;
      if (offset > 5 && offset * 4 <= right.length - 20) continue;
      const b = right.slice();
      b[32] = offset * 16;
      w.put(sealTcp(b));
    }
    for (const size of [0, 1, 8, 19]) w.put(ip({}, right.subarray(20, 20 + size)));
  }
  await silence(w);
  expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", length: 0 });
}

async function H031(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const before = (await w.app.counters())["TcpInCsumErrors"] ?? 0;
  const bad = [p.make("P.", 1, 1, 10), p.make("P.", 1, 1, 11), p.make("P.", 1, 1, 10)];
  bad[0]!.fill(0, 36, 38);
  // as if the pad byte were 1
  bad[1]![37]!--;
  const bare = bad[2]!;
  const pseudo = [...bare.subarray(12, 20), 0, 6, 0, 30];
  let wrong = get16(bare, 36);
  for (let i = 0; i < 12; i += 2) wrong += pseudo[i]! * 256 + pseudo[i + 1]!;
  while (wrong > 0xffff) wrong = (wrong & 0xffff) + (wrong >>> 16);
  bare.set([wrong >> 8, wrong & 255], 36);
  const elsewhere = p.make("P.", 1, 1, 10, { destination: addr("192.0.2.3") });
  elsewhere.set([192, 0, 2, 2], 16);
  w.put(...bad, sealIp(elsewhere));
  await silence(w);
  expect((await w.app.counters())["TcpInCsumErrors"]).toBe(before + 4);
  for (let n = 0; ; n++) {
    const right = p.make("P.", 1, 1, Uint8Array.of(n >> 8, n & 255));
    if (get16(right, 36) !== 0) continue;
    await p.puts(right);
    break;
  }
  expect(await w.app.told(p.port)).toMatchObject({ length: 2 });
}

/** Options that break off or repeat themselves, 40 bytes at most. */
function malformed(): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let kind = 2; kind < 255; kind++) {
    for (const length of [0, 1]) out.push(Uint8Array.of(kind, length, 0, 0));
    out.push(Uint8Array.of(1, kind, 4, 0), Uint8Array.of(1, 1, 1, kind));
  }
  out.push(new Uint8Array(40).fill(255));
  return out;
}

async function H032(w: World): Promise<void> {
  const p = await new Peer(w).open();
  for (const tcpOptions of malformed()) {
    w.put(new Peer(w).make("S", 0, 0, 0, { tcpOptions }));
    w.put(p.make("P.", 1, 1, 0, { tcpOptions }), p.make(".", 2, 1, 3, { tcpOptions }));
  }
  await w.settle();
  const answers = w.inbox.splice(0);
  expect(answers.filter((s) => (s.flags & 4) !== 0)).toEqual([]);
  expect(await p.says("P.", 1, 1, 5)).not.toContain("R 1:1(0)");
  expect((await w.app.told(p.port))!.state).toBe("ESTABLISHED");
}

async function H033(w: World): Promise<void> {
  const junk = Uint8Array.of(0, ...mss(1), ...wscale(14), 0, 0, 0, 0);
  const p = await new Peer(w).open(junk);
  expect(await w.app.info(p.port)).toMatchObject({ sndMss: 536, sndWscale: -1 });
  await new Peer(w).open(Uint8Array.of(...times(39, 1), 0));
  await new Peer(w).open(new Uint8Array(40));
  const spaced = await new Peer(w).open(options([1], mss(1000), [1, 1], wscale(7), [1], sackOk));
  expect(await w.app.info(spaced.port)).toMatchObject({ sndMss: 1000, sndWscale: 7, sack: true });
  const unaligned = new Peer(w);
  unaligned.always = options(timestamps(6, 0));
  await unaligned.open(options([1], mss(999), wscale(3), timestamps(5, 0)));
  expect(await w.app.info(unaligned.port)).toMatchObject({ sndWscale: 3, timestamps: true });
}

async function H034(w: World): Promise<void> {
  const twice = [mss(1460), mss(400), wscale(3), wscale(12), sackOk, sackOk];
  const seen = new Set<string>();
  for (let i = 0; i < 4; i++) {
    const p = await new Peer(w).open(options(...twice));
    const { sndMss, sndWscale } = await w.app.info(p.port);
    seen.add(`${sndMss} ${sndWscale}`);
    await p.says("P.", 1, 1, 3, { tcpOptions: options(mss(100), wscale(1), sackOk) });
    const after = await w.app.info(p.port);
    expect(after).toMatchObject({ sndMss, sndWscale, bytesReceived: 3 });
  }
  expect(seen.size).toBe(1);
  const p = await new Peer(w).open();
  await p.says("P.", 1, 1, 3, { tcpOptions: options(mss(100), wscale(5), sackOk) });
  expect(await w.app.info(p.port)).toMatchObject({ sndMss: 1460, sndWscale: -1, sack: false });
  const stamps = new Peer(w);
  const both = options(timestamps(70, 0), timestamps(90, 0));
  expect(await stamps.says("S", 0, 0, 0, { tcpOptions: both })).toEqual(ANSWERED);
}

/** Acknowledges everything until `bytes` came; the sizes of the segments. */
export async function drain(p: Peer, bytes: number): Promise<number[]> {
  const sizes: number[] = [];
  let have = 1;
  for (let rounds = 0; have < 1 + bytes && rounds < 2000; rounds++) {
    await p.w.settle();
    for (const s of p.take()) {
      if (s.payload.length > 0) sizes.push(s.payload.length);
      if (((s.seq - p.iss) | 0) <= have)
        have = Math.max(have, ((s.seq - p.iss) | 0) + s.payload.length);
    }
    p.w.put(p.make(".", 1, have));
    if (rounds % 50 === 49) await p.w.waits(300);
  }
  await p.w.settle();
  p.take();
  return sizes;
}

async function H035(w: World): Promise<void> {
  const cases: readonly (readonly [Uint8Array | undefined, number])[] = [
    ...[0, 1, 8, 47, 48, 65535].map((n) => [options(mss(n)), n] as const),
    [Uint8Array.of(2, 3, 5, 1), 0],
    [Uint8Array.of(2, 5, 5, 180, 0, 1, 1, 1), 0],
    [undefined, 0],
  ];
  for (const [tcpOptions, told] of cases) {
    const p = await new Peer(w).open(tcpOptions ?? new Uint8Array(0));
    await w.app.write(p.port, 10_000);
    const sizes = await drain(p, 10_000);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(10_000);
    // no MSS is 536; a small one is believed down to 48, which is the stack's least
    expect(Math.max(...sizes)).toBe(told === 0 ? 536 : Math.max(48, Math.min(told, 1460)));
    await w.app.abort(p.port);
  }
  w.inbox = [];
}

async function H036(w: World): Promise<void> {
  for (const shift of [15, 30, 255]) {
    const p = await new Peer(w).open(options(mss(1460), wscale(shift)));
    expect((await w.app.info(p.port)).sndWscale).toBe(14);
  }
  for (const bad of [
    [3, 2],
    [3, 4, 7, 7],
  ]) {
    const p = await new Peer(w).open(options(mss(1460), bad));
    expect((await w.app.info(p.port)).sndWscale).toBe(-1);
  }
  await aside(w, "H036", { settings: { tcp_window_scaling: 0 } }, async (v) => {
    const p = await new Peer(v).opened(options(mss(1460), wscale(9)));
    expect((await v.app.info(p.port)).sndWscale).toBe(-1);
  });
}

async function H037(w: World): Promise<void> {
  const offers = options(mss(1460), sackOk);
  const p = await new Peer(w).open(offers);
  await w.app.write(p.port, 60_000);
  await p.hears();
  expect(p.last.length).toBe(10);
  // a probe of the tail, lest it be taken for an answer (RFC 8985 §7)
  await w.waits(50);
  await p.hears();
  const before = await w.app.info(p.port);
  const [una, nxt] = [p.iss + 1, p.iss + 1 + 14_600 + 1460];
  const bad = [
    sack(una + 1460, una + 1460),
    sack(una + 2920, una + 1460),
    sack(una - 3000, una - 100),
    sack(nxt + 10, nxt + 1000),
    sack(una, nxt),
    sack(nxt - 1460, nxt + 1),
    [5, 2],
    [5, 9, 0, 0, 0, 0, 0, 0, 0],
    [5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [5, 34, ...times(14, 0)],
  ];
  for (const block of bad) {
    const tcpOptions = options(block);
    for (let i = 0; i < 4; i++) expect(await p.says(".", 1, 1, 0, { tcpOptions })).toEqual([]);
  }
  const { cwnd, inFlight, recovery, sendQueued, retransmits } = await w.app.info(p.port);
  expect({ cwnd, inFlight, recovery, sendQueued, retransmits }).toEqual({
    cwnd: before.cwnd,
    inFlight: before.inFlight,
    recovery: "open",
    sendQueued: 60_000,
    retransmits: 0,
  });
  // the rest of the segment counts: its ACK and its window
  await p.says(".", 1, 1461, 0, { tcpOptions: options(sack(nxt + 10, nxt + 20)), window: 30_000 });
  expect(await w.app.info(p.port)).toMatchObject({ sndWnd: 30_000, sendQueued: 60_000 - 1460 });
  const without = await new Peer(w).open();
  await w.app.write(without.port, 60_000);
  await without.hears();
  const one = without.iss + 1;
  for (let i = 0; i < 2; i++) {
    const tcpOptions = options(sack(one + 1460, one + 14_600));
    await without.says(".", 1, 1, 0, { tcpOptions });
  }
  // as two plain duplicates (RFC 3042)
  expect((await w.app.info(without.port)).unacked).toBe(14_600 + 2 * 1460);
}

async function H038(w: World): Promise<void> {
  const p = new Peer(w);
  p.always = options(timestamps(1000, 0));
  await p.open(options(mss(1460), timestamps(1000, 0)));
  const ours = (await w.app.info(p.port)).srtt;
  const odd = [
    [8, 9, 0, 0, 0, 1, 0, 0, 0],
    [8, 11, 0, 0, 0, 1, 0, 0, 0, 0, 0],
  ];
  for (const tcpOptions of odd.map((o) => options(o))) await p.says(".", 1, 1, 0, { tcpOptions });
  let at = 1;
  for (const ecr of [0x7fffffff, 0xffffffff, 0, 0x80000000]) {
    await w.app.write(p.port, 100);
    await p.hears();
    at += 100;
    await p.says(".", 1, at, 0, { tcpOptions: options(timestamps(1001, ecr)) });
  }
  const info = await w.app.info(p.port);
  expect(info.sndUna).toBe((p.iss + at) >>> 0);
  expect(info.srtt).toBeLessThan(ours + 200);
  expect(info.rto).toBeGreaterThanOrEqual(200);
  expect(info.rto).toBeLessThanOrEqual(120_000);
  for (const jump of [0x7fffffff, 0x80000000]) {
    const tcpOptions = options(timestamps(1001 + jump, 0));
    await p.says("P.", 1, at, 1, { tcpOptions });
    expect((await w.app.info(p.port)).rto).toBeLessThanOrEqual(120_000);
  }
  const without = await new Peer(w).open();
  await without.says("P.", 1, 1, 4, { tcpOptions: options(timestamps(1, 0xffffffff)) });
  expect(await w.app.info(without.port)).toMatchObject({ timestamps: false, bytesReceived: 4 });
}

async function H039(w: World): Promise<void> {
  const unknown: number[][] = [[28, 4, 0x80, 60]];
  for (const n of [2, 3, 4]) unknown.push([29, n, ...times(n - 2, 7)]);
  for (let subtype = 0; subtype < 16; subtype++)
    unknown.push([30, 12, subtype * 16 + 1, ...pattern(1, 9)]);
  for (const n of [0, 4, 16, 18]) unknown.push([34, 2 + n, ...pattern(3, n)]);
  unknown.push([253, 6, 0xf9, 0x89, 1, 2], [254, 8, 1, 2, 3, 4, 5, 6]);
  for (const option of unknown) {
    const p = new Peer(w);
    const tcpOptions = options(mss(1460), option);
    expect(await p.says("S", 0, 0, 0, { tcpOptions })).toEqual(ANSWERED);
    expect([...p.last[0]!.options.keys()]).toEqual([2]);
    await p.says(".", 1, 1, 0, { tcpOptions: options(option) });
    await p.says("P.", 1, 1, 9, { tcpOptions: options(option) });
    expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", length: 9 });
  }
}

async function H040(w: World): Promise<void> {
  for (const [flags, data] of [
    ["SF", 0],
    ["SF", 50],
    ["SFPU", 0],
    ["SFPU", 50],
  ] as const) {
    const p = new Peer(w);
    const came = await p.says(flags, 0, 0, data);
    expect([[], ANSWERED]).toContainEqual(came);
    expect(await w.app.states()).not.toContain("CLOSE-WAIT");
    await p.says(".", 1, 1);
    expect(await w.app.states()).not.toContain("CLOSE-WAIT");
  }
  await new Peer(w).says("SF", 0);
  await w.waits(180_000);
  expect((await w.app.residue()).halfOpen).toBe(0);
  w.inbox = [];
}

async function H041(w: World): Promise<void> {
  const listening = new Peer(w);
  expect(await listening.says("SR", 0)).toEqual([]);
  expect((await w.app.residue()).entries).toBe(0);
  const called = await new Peer(w).called();
  expect(await called.says("SR", 0)).toEqual([]);
  expect(await called.says("SR.", 0, 5)).toEqual([]);
  expect((await w.app.told(called.port))!.state).toBe("SYN-SENT");
  const p = await new Peer(w).open();
  expect(await p.says("SR", 100)).toEqual([". 1:1(0) ack 1"]);
  expect(await p.says("SR.", 100, 1)).toEqual([". 1:1(0) ack 1"]);
  expect((await w.app.told(p.port))!.state).toBe("ESTABLISHED");
}

async function H043(w: World): Promise<void> {
  for (const flags of ["-", "FUP"]) expect(await new Peer(w).says(flags, 0)).toEqual([]);
  const cases: readonly (readonly [string, number, string[]])[] = [
    ["-", 0, ["R. 0:0(0) ack 0"]],
    ["FUP", 0, ["R. 0:0(0) ack 1"]],
    ["S", 100, ["R. 0:0(0) ack 101"]],
    ["SF", 0, ["R. 0:0(0) ack 2"]],
    ["F", 10, ["R. 0:0(0) ack 11"]],
    [".", 10, ["R 77:77(0)"]],
    ["R", 0, []],
    ["R.", 0, []],
  ];
  for (const [flags, data, answer] of cases) {
    const p = new Peer(w, { to: CLOSED_PORT });
    expect(await p.says(flags, 0, 77, data)).toEqual(answer);
  }
}

async function H044(w: World): Promise<void> {
  const p = new Peer(w);
  const came = await p.says("SEW", 0, 0, 0, { reserved: 15, tcpOptions: options(mss(1460)) });
  // with ECE where the stack agrees on ECN (RFC 3168 6.1.1)
  expect(["S. 0:0(0) ack 1", "S.E 0:0(0) ack 1"]).toContain(came[0]);
  expect(p.last[0]!.reserved).toBe(0);
  await p.says(".EW", 1, 1, 0, { reserved: 15 });
  await p.says("P.", 1, 1, 20, { reserved: 9 });
  expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", length: 20 });
  const closed = new Peer(w, { to: CLOSED_PORT });
  for (const flags of ["SEW", ".EW"]) {
    await closed.says(flags, 0, 5, 0, { reserved: 15 });
    expect(closed.last.map((s) => [s.reserved, s.flags & ~ACK])).toEqual([[0, 4]]);
  }
}

async function H045(w: World): Promise<void> {
  const p = await new Peer(w).open();
  let at = 1;
  for (const data of [0, 1, 7, 100]) {
    for (const urgent of [0, 1, data, data + 1, 65535]) {
      await p.says("PU.", at, 1, data, { urgent });
      at += data;
    }
  }
  // out of order, and a pointer that goes back
  await p.says("U.", at + 10, 1, 10, { urgent: 65535 });
  await p.says("U.", at, 1, 10, { urgent: 2 });
  at += 20;
  await p.says("FU.", at, 1, 3, { urgent: 9 });
  const told = await w.app.told(p.port);
  expect(Buffer.from(told!.data, "latin1")).toEqual(Buffer.from(pattern(1, at + 2)));
  expect(told!.events.filter((e) => e === "end")).toEqual(["end"]);
  const q = new Peer(w);
  expect(await q.says("SU", 0, 0, 0, { urgent: 1000 })).toEqual(ANSWERED);
}

export const TCP_HEADER: Record<string, Scenario> = {
  H030,
  H031,
  H032,
  H033,
  H034,
  H035,
  H036,
  H037,
  H038,
  H039,
  H040,
  H041,
  H043,
  H044,
  H045,
};
