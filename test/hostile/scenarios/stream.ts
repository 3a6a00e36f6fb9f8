/** Rows H110 to H124: numbers that wrap, timestamps that lie, text that overlaps, ends that cross. */
import { expect } from "vitest";
import { seededRng } from "../../../src/base/rng.ts";
import { get32, options, mss, pattern, timestamps } from "../support/packet.ts";
import { clocksFor, Link } from "../support/link.ts";
import { Peer } from "../support/peer.ts";
import { transfer } from "../support/transfer.ts";
import { freshPort, FULL, type Scenario, sized, type World } from "../support/world.ts";
import { inState } from "./blind.ts";

const DAY = 86_400_000;

function bothWays(link: Link, bytes: number, what: string): void {
  link.a.toSend = Buffer.from(pattern(1, bytes));
  link.b.toSend = Buffer.from(pattern(77, bytes));
  link.connect();
  expect(
    link.runs(1_800_000, () => link.a.closed && link.b.closed),
    what,
  ).toBe(true);
  expect(link.a.data.equals(Buffer.from(link.b.toSend)), what).toBe(true);
  expect(link.b.data.equals(Buffer.from(link.a.toSend)), what).toBe(true);
}

/** A connection whose ISNs are `iss` and `irs`: an ISN moves by one in 4 us (RFC 6528), and time waits for nobody. */
async function openedAt(w: World, iss: number, irs: number): Promise<Peer> {
  const port = freshPort();
  const probe = new Peer(w, { port });
  await probe.says("S", 0);
  await probe.says("R", 1);
  await w.waits(((iss - probe.iss) >>> 0) * 0.004);
  const p = await new Peer(w, { port, isn: irs }).open();
  expect(Math.abs((p.iss - iss) | 0)).toBeLessThan(5);
  return p;
}

async function H110(w: World): Promise<void> {
  const numbers = [0xffffffff, 0xffffff9c, 0x7fffffff, 0x80000000];
  const bytes = sized(w, 1_000_000, 100_000);
  for (const [i, iss] of numbers.entries()) {
    const line = { rng: seededRng(3), loss: 0.05, reorder: 0.05 };
    await transfer(await openedAt(w, iss, numbers.at(-1 - i)!), bytes, line);
    // FIN exactly at the wrap of the stack's numbers: its text ends where they do
    const wrap = iss >= 2 ** 31 + 1000 ? 2 ** 32 : 2 ** 31;
    const p = await openedAt(w, wrap - 1000, iss);
    await transfer(p, (wrap - 1 - p.iss) >>> 0, line, true);
    await p.says("R", (wrap - p.iss) >>> 0);
    w.inbox = [];
  }
  if (w.inMemory) betweenTwoStacks(numbers);
}

/** The same with a stack at both ends. */
function betweenTwoStacks(numbers: readonly number[]): void {
  for (const iss of numbers) {
    for (const irs of numbers) {
      const clocks = clocksFor(iss, irs);
      const link = new Link({ loss: 0.05, reorder: 0.05, clocks, seed: 3 });
      bothWays(link, FULL ? 1_000_000 : 200_000, `${iss} ${irs}`);
      expect(Math.abs((link.a.iss - iss) | 0)).toBeLessThan(5);
    }
    // FIN exactly at the wrap: the text ends where the numbers do
    const size = (0xffffffff - iss + 2 ** 32) % 2 ** 32;
    if (size > 0 && size < 1000)
      bothWays(new Link({ clocks: clocksFor(iss, 5) }), size, `${iss} FIN`);
  }
}

/** A connection with timestamps; the peer's stand at 1000. */
async function stamped(w: World, val = 1000): Promise<Peer> {
  const p = new Peer(w);
  p.always = options(timestamps(val, 0));
  return await p.open(options(mss(1460), timestamps(val, 0)));
}

const at = (val: number): { tcpOptions: Uint8Array } => ({
  tcpOptions: options(timestamps(val, 0)),
});

async function H111(w: World): Promise<void> {
  const p = await stamped(w);
  for (const old of [999, 1000 - 0x7fffffff]) {
    expect(await p.says("P.", 1, 1, 10, at(old))).toEqual([". 1:1(0) ack 1"]);
  }
  expect((await w.app.told(p.port))!.length).toBe(0);
  expect((await w.app.counters())["TcpExtPAWSEstab"]).toBeGreaterThanOrEqual(2);
  await p.says("P.", 1, 1, 10, at(1001));
  expect((await w.app.told(p.port))!.length).toBe(10);
  await w.waits(100);
  await p.hears();
  // a pure ACK with an old one is refused as well, a RST is not
  await w.app.write(p.port, 10);
  await p.hears();
  await p.says(".", 11, 11, 0, at(500));
  expect((await w.app.info(p.port)).sendQueued).toBe(10);
  await p.says("R", 11, 0, 0, at(1));
  expect(await w.app.told(p.port)).toMatchObject({ error: "ECONNRESET" });
  const idle = await stamped(w);
  await w.waits(25 * DAY);
  await idle.says("P.", 1, 1, 10, at(5));
  expect((await w.app.told(idle.port))!.length).toBe(10);
}

async function H112(w: World): Promise<void> {
  const p = await stamped(w);
  await p.says("P.", 50_000_000, 1, 10, at(0x70000000));
  await p.says("P.", 500, 1, 10, at(0x70000000));
  await w.waits(100);
  await p.hears();
  await p.says("P.", 1, 1, 10, at(1010));
  const acks = [...p.last];
  await p.says("P.", 11, 1, 10, at(1020));
  acks.push(...p.last);
  expect((await w.app.told(p.port))!.length).toBe(20);
  await w.waits(100);
  await p.hears();
  acks.push(...p.last);
  expect(acks.at(-1)!.options.get(8)!.subarray(4)).toEqual(Uint8Array.of(0, 0, 3, 252));
}

async function H113(w: World): Promise<void> {
  const opens = async (port: number): Promise<Peer> => {
    const p = new Peer(w, { port });
    p.always = options(timestamps(7000, 0));
    return await p.open(options(mss(1460), timestamps(7000, 0)));
  };
  for (const edge of [2 ** 32, 2 ** 31]) {
    // until our TSval for that peer is 10 s below the edge
    const probe = new Peer(w);
    await probe.says("S", 0, 0, 0, { tcpOptions: options(mss(1460), timestamps(7000, 0)) });
    const now = get32(probe.last[0]!.options.get(8)!, 0);
    await probe.says("R", 1);
    await w.waits((edge - 10_000 - now + 2 ** 32) % 2 ** 32);
    const p = await opens(probe.port);
    const line = { rng: seededRng(9), loss: 0.02 };
    await transfer(p, 50_000, line);
    await w.waits(12_000); // across the edge, if the losses did not take that long
    const { srtt } = await w.app.info(p.port);
    expect(srtt).toBeLessThan(1000);
    // a round trip of 30 ms is still seen as one, from the echo of a TSval beyond the edge
    await w.app.write(p.port, 500);
    await p.hears();
    const val = get32(p.last.at(-1)!.options.get(8)!, 0);
    expect((val - edge) | 0).toBeGreaterThan(0);
    await w.waits(30);
    await p.says(".", 50_001, 50_501, 0, { tcpOptions: options(timestamps(7001, val)) });
    const info = await w.app.info(p.port);
    expect(info).toMatchObject({ sendQueued: 0, recovery: "open" });
    expect(info.srtt).toBeLessThan(1000);
    expect((await w.app.counters())["TcpExtPAWSEstab"] ?? 0).toBe(0);
    await p.says("R", 50_001);
    w.inbox = [];
  }
  // 25 days without a word
  const idle = await opens(freshPort());
  await w.waits(25 * DAY);
  await idle.says("P.", 1, 1, 10, { tcpOptions: options(timestamps(5, 0)) });
  expect(await w.app.told(idle.port)).toMatchObject({ state: "ESTABLISHED", length: 10 });
  await w.app.write(idle.port, 100);
  await idle.hears();
  expect(idle.last.some((s) => s.payload.length === 100)).toBe(true);
  if (w.inMemory) wrapBetweenTwoStacks();
}

/** The same with a stack at both ends. */
function wrapBetweenTwoStacks(): void {
  const trial = new Link();
  let first = -1;
  trial.onPacket = (from, b) => {
    if (from !== trial.a || (b[33]! & 2) === 0 || first >= 0) return;
    for (let i = 40; i < b.length; i++) {
      if (b[i] === 8 && b[i + 1] === 10) first = Buffer.from(b).readUInt32BE(i + 2);
    }
  };
  trial.connect();
  trial.runs(100);
  expect(first).toBeGreaterThanOrEqual(0);
  for (const edge of [2 ** 32, 2 ** 31]) {
    // our clock such that TSval is 10 s below the edge
    const shift = (edge - 10_000 - first + 2 ** 32) % 2 ** 32;
    const link = new Link({ clocks: [shift, 0], loss: 0.02, seed: 9 });
    link.a.toSend = Buffer.from(pattern(4, 50_000));
    link.connect();
    expect(link.runs(5000, () => link.b.data.length >= 50_000)).toBe(true);
    const { a, b } = link;
    link.runs(6000); // across the edge
    expect(a.stack.counters.get("TcpExtPAWSEstab")).toBe(0);
    expect(b.stack.counters.get("TcpExtPAWSEstab")).toBe(0);
    expect(b.data.length).toBe(50_000);
  }
  const idle = new Link();
  idle.a.ends = idle.b.ends = false;
  idle.connect();
  idle.runs(1000);
  idle.runs(25 * DAY);
  idle.a.endpoint!.send(pattern(0, 1000));
  idle.b.endpoint!.send(pattern(0, 1000));
  idle.runs(10_000);
  expect([idle.a.data.length, idle.b.data.length]).toEqual([1000, 1000]);
}

async function H114(w: World): Promise<void> {
  const { p } = await inState(w, "TIME-WAIT");
  const state = async (): Promise<string> => (await w.app.told(p.port))!.state;
  await p.hears();
  await w.waits(59_000);
  expect(await p.says("P.", 1, 2, 1)).toEqual([". 2:2(0) ack 2"]);
  expect(await p.says("F.", 1, 2)).toEqual([". 2:2(0) ack 2"]);
  await w.waits(59_000); // the FIN began the time anew
  expect(await state()).toBe("TIME-WAIT");
  expect(await p.says("R", 100)).toHaveLength(0);
  expect(await state()).toBe("TIME-WAIT");
  // RFC 1337 F1, which is the default: an exact one is ignored too
  expect(await p.says("R", 2)).toEqual([]);
  expect(await state()).toBe("TIME-WAIT");
  expect(await p.says("S", -1000)).toEqual([". 2:2(0) ack 2"]);
  expect(await state()).toBe("TIME-WAIT");
  const again = new Peer(w, { port: p.port, isn: p.isn + 70_000 });
  await again.open();
  expect(await state()).toBe("ESTABLISHED");
  w.inbox = [];
}

async function H115(w: World): Promise<void> {
  const p = await new Peer(w).open();
  await p.says("P.", 1, 1, 20);
  await w.waits(100);
  await p.hears();
  const count = sized(w, 100_000, 20_000, 5000);
  const plain = p.make(".", 20, 1);
  const garbage = p.make(".", 20, 1, Uint8Array.of(0x99));
  let answers = 0;
  let last = 0;
  for (let n = 0; n < count; n += 100) {
    for (let i = 0; i < 50; i++) w.put(plain, garbage);
    await w.waits(10);
    await p.hears();
    answers += p.last.length;
    if (p.last.length > 0) last = n;
    if (p.last.some((s) => ((s.ack - p.isn) | 0) !== 21)) expect.fail("an ACK of something else");
  }
  expect(answers).toBeLessThanOrEqual(count);
  expect(last).toBeGreaterThan(count / 2);
  expect((await w.app.told(p.port))!.length).toBe(20);
}

const letters = (text: string): Uint8Array => Buffer.from(text, "latin1");

async function H120(w: World): Promise<void> {
  const p = await new Peer(w).open();
  await p.says(".", 101, 1, letters("b".repeat(100)));
  await p.says(".", 51, 1, letters("a".repeat(100)));
  await p.says(".", 1, 1, letters("c".repeat(300)));
  const { data } = (await w.app.told(p.port))!;
  // the first copy of each byte wins
  expect(data).toBe("c".repeat(50) + "a".repeat(50) + "b".repeat(100) + "c".repeat(100));
  await p.says("P.", 1, 1, letters("x".repeat(300)));
  await p.says("P.", 201, 1, letters("x".repeat(100) + "y".repeat(100)));
  expect((await w.app.told(p.port))!.data).toBe(data + "y".repeat(100));
  const q = await new Peer(w).open();
  await q.says(".", 51, 1, letters("a".repeat(100)));
  await q.says(".", 101, 1, letters("b".repeat(100)));
  await q.says(".", 1, 1, letters("c".repeat(300)));
  expect((await w.app.told(q.port))!.data).toBe(
    "c".repeat(50) + "a".repeat(100) + "b".repeat(50) + "c".repeat(100),
  );
}

async function H121(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const all = pattern(1, 100_000);
  const part = (from: number, to: number): [number, number, Uint8Array] => [
    from + 1,
    1,
    all.subarray(from, to),
  ];
  await p.says("P.", ...part(0, 500));
  await p.says("P.", ...part(500, 1000));
  await p.says("P.", ...part(0, 1000));
  await p.says("P.", ...part(1000, 1900));
  for (const from of [1000, 1300, 1600]) await p.says("P.", ...part(from, from + 300));
  await p.says("P.", ...part(1900, 2100));
  await p.says("P.", ...part(1900, 2300));
  expect((await w.app.told(p.port))!.length).toBe(2300);
  // begins before RCV.NXT and ends beyond the window
  await w.app.reads(p.port, false);
  const room = (await w.app.info(p.port)).rcvWnd;
  let have = 2300;
  while (have < 2300 + room - 700) {
    const to = Math.min(have + 1400, 2300 + room - 600);
    await p.says("P.", ...part(have, to));
    have = to;
  }
  await p.says("P.", ...part(have - 400, have + 1000));
  await w.app.reads(p.port, true);
  await p.hears();
  const told = (await w.app.told(p.port))!;
  expect(told.length).toBeLessThanOrEqual(have + 1000);
  expect(told.length).toBeGreaterThanOrEqual(have);
  expect(Buffer.from(told.data, "latin1").equals(Buffer.from(all.subarray(0, told.length)))).toBe(
    true,
  );
  // text and FIN in one, behind a hole
  const end = told.length;
  await p.says("F.", ...part(end + 100, end + 200));
  expect((await w.app.told(p.port))!.events).not.toContain("end");
  await p.says("P.", ...part(end, end + 150));
  expect(await w.app.told(p.port)).toMatchObject({ length: end + 200 });
  expect((await w.app.told(p.port))!.events).toContain("end");
}

async function H122(w: World): Promise<void> {
  const p = await new Peer(w).open();
  await w.app.closesAtEnd(p.port, false);
  await p.says("F.", 51, 1, 50); // before the first 50
  await p.says("F.", 201, 1); // a second one beyond it
  await p.says("F.", 1_000_000, 1);
  await p.says("F.", 64_501, 1, 1400); // runs over the window
  const before = (await w.app.told(p.port))!;
  expect(before).toMatchObject({ length: 0, state: "ESTABLISHED" });
  expect(before.events).not.toContain("end");
  await p.says("P.", 1, 1, 50);
  expect(await w.app.told(p.port)).toMatchObject({ length: 100, state: "CLOSE-WAIT" });
  await p.says("P.", 101, 1, 50);
  await p.says("P.", 102, 1, 50);
  await p.says("F.", 152, 1);
  const after = (await w.app.told(p.port))!;
  expect(after.length).toBe(100);
  expect(after.events.filter((e) => e === "end")).toEqual(["end"]);
  expect((await p.says(".", 102, 1)).length).toBeLessThan(2);
}

async function H123(w: World): Promise<void> {
  for (const last of [".", "F."]) {
    const p = await new Peer(w).open();
    await w.app.close(p.port);
    expect(await p.hears()).toEqual(["F. 1:1(0) ack 1"]);
    // the FINs cross, or the peer's acknowledges ours
    expect(await p.says("F.", 1, last === "." ? 1 : 2)).toEqual([". 2:2(0) ack 2"]);
    expect((await w.app.told(p.port))!.state).toBe(last === "." ? "CLOSING" : "TIME-WAIT");
    await p.says(".", 2, 2);
    expect((await w.app.told(p.port))!.state).toBe("TIME-WAIT");
    expect(await p.says("F.", 1, 2)).toEqual([". 2:2(0) ack 2"]);
    const told = (await w.app.told(p.port))!;
    expect(told.error).toBe(null);
    expect(told.events.filter((e) => e === "closed").length).toBeLessThanOrEqual(1);
  }
}

async function H124(w: World): Promise<void> {
  const rng = seededRng(41);
  const before = (await w.report()).counted;
  for (let n = 0; n < sized(w, 1000, 10); n++) {
    const p = await new Peer(w).open();
    await transfer(p, 100_000, { rng, corrupt: 0.01 });
    expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", error: null });
    await p.says("R", 100_001);
    await w.app.forgetAll();
    expect(w.inbox.splice(0).filter((s) => (s.flags & 4) !== 0)).toEqual([]);
  }
  expect((await w.report()).counted).toBeGreaterThan(before);
  if (w.inMemory) damageBetweenTwoStacks();
}

/** The same with a stack at both ends. */
function damageBetweenTwoStacks(): void {
  const count = FULL ? 1000 : 30;
  let damaged = 0;
  for (let n = 0; n < count; n++) {
    const link = new Link({ corrupt: 0.01, seed: 1000 + n });
    link.a.toSend = Buffer.from(pattern(n, 100_000));
    link.connect();
    const done = link.runs(3_600_000, () => link.a.closed && link.b.closed);
    expect(done, `seed ${1000 + n}`).toBe(true);
    expect(link.b.data.equals(Buffer.from(link.a.toSend)), `seed ${1000 + n}`).toBe(true);
    // nothing that was damaged was answered with a RST
    expect([link.a.resets, link.b.resets]).toEqual([0, 0]);
    for (const side of [link.a, link.b]) {
      for (const name of ["IpInHdrErrors", "TcpInCsumErrors", "TcpInErrs"])
        damaged += side.stack.counters.get(name);
    }
  }
  expect(damaged).toBeGreaterThan(count / 4);
}

export const STREAM: Record<string, Scenario> = {
  H110,
  H111,
  H112,
  H113,
  H114,
  H115,
  H120,
  H121,
  H122,
  H123,
  H124,
};
