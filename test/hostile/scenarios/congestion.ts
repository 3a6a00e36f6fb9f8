/** Rows H090 to H104: receivers that lie about what arrived, and windows that do odd things. */
import { expect } from "vitest";
import { mss, options, sackOk, type Seen, wscale } from "../support/packet.ts";
import { Peer } from "../support/peer.ts";
import { type Scenario, sized, type World } from "../support/world.ts";
import { drain } from "./tcp-header.ts";

const endOf = (p: Peer, s: Seen): number => ((s.seq - p.iss) | 0) + s.payload.length;

async function H090(w: World): Promise<void> {
  const p = new Peer(w);
  await p.open(options(mss(1460), wscale(14)));
  let queued = 0;
  const total = sized(w, 10_000_000, 10_000_000, 4_000_000);
  // (b) of nothing that was sent
  await w.app.write(p.port, 65536);
  queued += 65536;
  await p.hears();
  const nxt = Math.max(...p.last.map((s) => endOf(p, s)));
  expect(await p.says(".", 1, nxt + 1)).toEqual([`. ${nxt}:${nxt}(0) ack 1`]);
  expect((await w.app.info(p.port)).sendQueued).toBe(65536);
  // (a) of everything the moment that it leaves
  let acked = 1;
  let top = nxt;
  let { cwnd } = await w.app.info(p.port);
  while (acked < total) {
    const news = top - acked;
    acked = top;
    await p.says(".", 1, acked);
    for (const s of p.last) top = Math.max(top, endOf(p, s));
    const info = await w.app.info(p.port);
    // the documented limit of what one ACK may add (src/tcp/congestion/reno.ts)
    expect(info.cwnd - cwnd).toBeLessThanOrEqual(Math.min(8 * 1460, news));
    expect(info.inFlight).toBeLessThanOrEqual(info.cwnd);
    expect(info.cwnd).toBeLessThanOrEqual(4_194_304 + 65536);
    cwnd = info.cwnd;
    for (
      ;
      queued < total && info.sendQueued < 4_194_304 && queued - acked < 2_000_000;
      queued += 65536
    ) {
      await w.app.write(p.port, 65536);
    }
    await p.hears();
    for (const s of p.last) top = Math.max(top, endOf(p, s));
    if (acked === top) break;
  }
  expect(acked).toBeGreaterThan(total - 65536);
  w.inbox = [];
}

/** cwnd after the first window was acknowledged, each segment by `pieces` ACKs. */
async function afterOneRound(w: World, pieces: number): Promise<number> {
  const p = await new Peer(w).open();
  await w.app.write(p.port, 200_000);
  await p.hears();
  const first = [...p.last];
  expect(first.length).toBe(10);
  await w.waits(50);
  for (const s of first) {
    const from = (s.seq - p.iss) | 0;
    const step = s.payload.length / pieces;
    for (let i = 1; i <= pieces; i++) w.put(p.make(".", 1, from + Math.round(step * i)));
  }
  await p.hears();
  const { cwnd } = await w.app.info(p.port);
  await w.app.abort(p.port);
  p.take();
  return cwnd;
}

async function H091(w: World): Promise<void> {
  const honest = await afterOneRound(w, 1);
  const divided = await afterOneRound(w, 1460);
  expect(Math.abs(divided - honest)).toBeLessThanOrEqual(1460);
}

async function H092(w: World): Promise<void> {
  for (const withSack of [false, true]) {
    for (const changing of [false, true]) {
      const p = new Peer(w);
      await p.open(withSack ? options(mss(1460), sackOk) : options(mss(1460)));
      await w.app.write(p.port, 1_000_000);
      await p.hears();
      const outstanding = p.last.length;
      expect(outstanding).toBe(10);
      for (let i = 0; i < sized(w, 10_000, 10_000, 2000); i++) {
        w.put(p.make(".", 1, 1, 0, changing ? { window: 60_000 - (i % 2000) } : {}));
      }
      await p.hears();
      const again = p.last.filter((s) => ((s.seq - p.iss) | 0) < 14_601);
      const info = await w.app.info(p.port);
      if (withSack || changing) {
        expect(again).toEqual([]);
        expect(info).toMatchObject({ retransmits: 0, recovery: "open" });
      } else {
        // one retransmission; as many new segments as there were outstanding ones, at most
        expect(again.length).toBe(1);
        expect(p.last.length - 1).toBeLessThanOrEqual(outstanding);
      }
      await w.app.abort(p.port);
      await p.hears();
    }
  }
}

async function H100(w: World): Promise<void> {
  const p = await new Peer(w).open();
  await w.app.write(p.port, 400_000);
  // until the whole window is outstanding
  let acked = 1;
  let top = 1;
  for (let n = 0; top - acked < 64_000 && n < 100; n++) {
    await p.hears();
    for (const s of p.last) top = Math.max(top, endOf(p, s));
    if (top - acked >= 64_000) break;
    acked = Math.min(acked + 1460, top);
    w.put(p.make(".", 1, acked));
  }
  expect(top - acked).toBeGreaterThan(60_000);
  for (const window of [1000, 0]) {
    p.window = window;
    const came = await p.says(".", 1, acked);
    expect(came.filter((t) => !t.startsWith("."))).toEqual([]);
    await w.waits(5000);
    await p.hears();
    // only what was sent before
    for (const s of p.last) expect(endOf(p, s)).toBeLessThanOrEqual(top);
    expect((await w.app.told(p.port))!.state).toBe("ESTABLISHED");
  }
  p.window = 65535;
  await p.says(".", 1, top);
  const rest = p.last.map((s) => endOf(p, s));
  expect(Math.max(...rest, 0)).toBeGreaterThan(top);
  await w.app.abort(p.port);
  w.inbox = [];
}

async function H101(w: World): Promise<void> {
  const p = await new Peer(w).open();
  await w.app.write(p.port, 3000);
  await p.hears();
  const window = async (): Promise<number> => (await w.app.info(p.port)).sndWnd;
  await p.says("P.", 1, 1461, 10, { window: 5000 });
  expect(await window()).toBe(5000);
  // an ACK from before, in sequence and in acknowledgement
  await p.says(".", 11, 1, 0, { window: 60_000 });
  expect(await window()).toBe(5000);
  await p.says(".", 1, 1461, 0, { window: 60_000 });
  expect(await window()).toBe(5000);
  // outside the window
  await p.says("P.", 1_000_000, 1461, 5, { window: 60_000 });
  expect(await window()).toBe(5000);
  await p.says(".", 11, 1461, 0, { window: 7000 });
  expect(await window()).toBe(7000);
  await p.hears();
}

async function H102(w: World): Promise<void> {
  // the sender's side: a window that opens byte by byte
  const p = new Peer(w);
  await p.open(options(mss(1000)));
  p.window = 0;
  await p.says(".", 1, 1);
  await w.app.write(p.port, 10_000);
  await p.hears();
  const sent: Seen[] = [...p.last];
  for (let window = 1; window <= 900; window += 9) {
    p.window = window;
    await p.says(".", 1, 1);
    sent.push(...p.last);
    await w.waits(1);
  }
  // no more than one small segment in each time of the override timer
  expect(sent.filter((s) => s.payload.length > 0 && s.payload.length < 500).length).toBeLessThan(4);
  await w.app.abort(p.port);
  // the receiver's: a program that reads nothing until the window is shut
  await w.app.readsFromNowOn(false);
  const q = await new Peer(w).open();
  let next = 1;
  for (let told = 65535, n = 0; told >= 1460 && n < 400; n++) {
    await q.says("P.", next, 1, 1000);
    next += 1000;
    if (n % 2 === 1) told = q.last.at(-1)?.window ?? told;
  }
  const edges: number[] = [];
  await q.says(".", next, 1, 0);
  await w.app.readsFromNowOn(true);
  await w.app.reads(q.port, true);
  await q.hears();
  for (const s of q.last) edges.push(s.window);
  expect(edges.length).toBeGreaterThan(0);
  expect(Math.min(...edges)).toBeGreaterThanOrEqual(1460);
  w.inbox = [];
}

async function H103(w: World): Promise<void> {
  const p = new Peer(w);
  await p.open(options(mss(1460), wscale(14)));
  expect((await w.app.info(p.port)).sndWscale).toBe(14);
  await p.says(".", 1, 1);
  expect((await w.app.info(p.port)).sndWnd).toBe(65535 * 16384);
  let space = 0;
  for (let n = 0; n < 200; n++) {
    space = await w.app.sendSpace(p.port);
    if (space <= 0) break;
    await w.app.write(p.port, 65536);
  }
  expect(space).toBeLessThanOrEqual(0);
  const { sendQueued } = await w.app.info(p.port);
  expect(sendQueued).toBeLessThanOrEqual(4_194_304 + 65536);
  const sizes = await drain(p, sendQueued);
  expect(sizes.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(sendQueued);
  expect((await w.app.info(p.port)).sndWnd).toBe(65535 * 16384);
}

async function H104(w: World): Promise<void> {
  await w.app.readsFromNowOn(false);
  const p = await new Peer(w).open();
  let next = 1;
  let window = 65535;
  for (let n = 0; window > 0 && n < 1000; n++) {
    const size = Math.min(1460, window);
    await p.says("P.", next, 1, size);
    next += size;
    if (p.last.length === 0) {
      await w.waits(100);
      await p.hears();
    }
    window = p.last.at(-1)?.window ?? window;
  }
  expect(window).toBe(0);
  const count = 1000;
  let answered = 0;
  for (let n = 0; n < count; n++) {
    await p.says("P.", n % 2 === 0 ? next : next - 1, 1, 1);
    for (const s of p.last) {
      answered++;
      expect([s.window, (s.ack - p.isn) | 0]).toEqual([0, next]);
    }
    await w.waits(100);
  }
  expect(answered).toBeGreaterThanOrEqual(count / 10);
  expect((await w.app.info(p.port)).receiveQueued).toBe(next - 1);
  // an ACK counts while the window is shut
  await w.app.write(p.port, 100);
  await p.hears();
  await p.says(".", next, 101);
  expect((await w.app.info(p.port)).sendQueued).toBe(0);
  await w.app.reads(p.port, true);
  await p.hears();
  expect(p.last.at(-1)!.window).toBeGreaterThan(1460);
  expect(await w.app.told(p.port)).toMatchObject({ length: next - 1 });
  await w.app.readsFromNowOn(true);
  // and so does an exact RST
  await p.says("R", next);
  expect(await w.app.told(p.port)).toMatchObject({ error: "ECONNRESET" });
}

export const CONGESTION: Record<string, Scenario> = {
  H090,
  H091,
  H092,
  H100,
  H101,
  H102,
  H103,
  H104,
};
