/** Rows H001 to H011: what IPv4 headers can be wrong in, and who may have sent them. */
import { expect } from "vitest";
import {
  times,
  addr,
  get16,
  get32,
  ICMP,
  ip,
  pattern,
  sealIp,
  SINK,
  STACK,
} from "../support/packet.ts";
import { Peer } from "../support/peer.ts";
import { idles } from "../support/idle.ts";
import { type Scenario, sized, type World } from "../support/world.ts";

/** The SYN of a new peer, changed. */
function syn(w: World, change: (b: Uint8Array) => void): Uint8Array {
  const b = new Peer(w).make("S", 0);
  change(b);
  return b;
}

/** Nothing at all came back. */
export async function silence(w: World): Promise<void> {
  await w.settle();
  expect(w.inbox).toEqual([]);
}

const total = (b: Uint8Array, length: number): Uint8Array => {
  b[2] = length >> 8;
  b[3] = length & 255;
  return sealIp(b);
};

async function H001(w: World): Promise<void> {
  const before = (await w.app.counters())["IpInHdrErrors"] ?? 0;
  for (let version = 0; version < 16; version++) {
    if (version === 4) continue;
    w.put(syn(w, (b) => sealIp(b.fill(version * 16 + 5, 0, 1))));
  }
  const solicitation = new Uint8Array(56);
  solicitation.set([0x60, 0, 0, 0, 0, 16, 58, 255, 0xfe, 0x80]);
  solicitation.set([0xff, 2], 24);
  solicitation.set([2, 133, 0], 39);
  const report = new Uint8Array(76);
  report.set([0x60, 0, 0, 0, 0, 36, 0, 1, 0xfe, 0x80]);
  report.set([58, 0, 5, 2, 0, 0, 1, 0, 143], 40);
  w.put(solicitation, report);
  await silence(w);
  expect((await w.app.counters())["IpInHdrErrors"]).toBe(before + 17);
  await new Peer(w).open();
}

async function H002(w: World): Promise<void> {
  const p = await new Peer(w).open();
  for (let ihl = 0; ihl < 5; ihl++) {
    w.put(syn(w, (b) => sealIp(b.fill(0x40 + ihl, 0, 1))));
    const data = p.make("P.", 1, 1, 30);
    data[0] = 0x40 + ihl;
    w.put(total(data, data.length));
    w.put(total(data, ihl * 4 + 50));
  }
  await silence(w);
  expect(await p.says("P.", 1, 1, 5)).not.toContain("R 1:1(0)");
  expect(await w.app.told(p.port)).toMatchObject({ state: "ESTABLISHED", length: 5 });
}

async function H003(w: World): Promise<void> {
  w.put(syn(w, (b) => sealIp(b.fill(0x4f, 0, 1))));
  for (let ihl = 6; ihl < 16; ihl++) {
    const long = ip({ options: new Uint8Array(40).fill(1) }, new Peer(w).make("S", 0).slice(20));
    long[0] = 0x40 + ihl;
    w.put(total(long.slice(), ihl * 4 - 1), total(long.slice(), 20), total(long, 0));
  }
  await silence(w);
}

async function H004(w: World): Promise<void> {
  const p = await new Peer(w).open();
  const right = p.make("P.", 1, 1, 100);
  for (const length of [0, 19, 20, 39, right.length - 1, right.length + 1, 65535]) {
    w.put(total(right.slice(), length));
  }
  await silence(w);
  expect(await w.app.told(p.port)).toMatchObject({ length: 0 });
  // bytes behind the total length are the link's, not the segment's
  const padded = new Uint8Array(right.length + 17).fill(0xee);
  padded.set(right);
  await p.puts(padded);
  const told = await w.app.told(p.port);
  expect(Buffer.from(told!.data, "latin1")).toEqual(Buffer.from(pattern(1, 100)));
}

async function H005(w: World): Promise<void> {
  w.put(syn(w, (b) => void b[11]!++));
  w.put(syn(w, (b) => b.fill(0, 10, 12)));
  await silence(w);
  // an identification that makes the right sum 0x0000, so that 0xFFFF says the same
  const p = new Peer(w);
  const b = p.make("S", 0);
  for (let id = 0; get16(b, 10) !== 0; id++) {
    b[4] = id >> 8;
    b[5] = id & 255;
    sealIp(b);
  }
  expect(await p.puts(b)).toEqual(["S. 0:0(0) ack 1"]);
  const q = new Peer(w, { port: p.port + 1000 });
  const c = q.make("S", 0);
  c[4] = 0;
  for (let id = 0; get16(sealIp(c), 10) !== 0; id++) {
    c[4] = id >> 8;
    c[5] = id & 255;
  }
  c.fill(255, 10, 12);
  expect(await q.puts(c)).toEqual(["S. 0:0(0) ack 1"]);
  for (const ttl of [0, 1]) {
    expect(await new Peer(w).says("S", 0, 0, 0, { ttl })).toEqual(["S. 0:0(0) ack 1"]);
  }
}

async function H007(w: World): Promise<void> {
  const ask = async (...bytes: number[]): Promise<string> => {
    const ipOptions = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    ipOptions.set(bytes);
    return (await new Peer(w).says("S", 0, 0, 0, { ipOptions })).join();
  };
  const answered = "S. 0:0(0) ack 1";
  expect(await ask(0, 0, 0, 0)).toBe(answered);
  expect(await ask(...times(40, 1))).toBe(answered);
  expect(await ask(0x9e, 4, 7, 7)).toBe(answered);
  expect(await ask(7, 7, 4, 0, 0, 0, 0, 0)).toBe(answered);
  // pointers and counts beyond the option are the sender's mistake: taken or reported, not followed
  for (const odd of [
    [7, 7, 3, 0, 0, 0, 0, 0],
    [7, 7, 255, 0, 0, 0, 0, 0],
    [68, 8, 5, 0xf0, 0, 0, 0, 0],
  ])
    expect([answered, "icmp 12/0"]).toContain(await ask(...odd));
  for (const bad of [
    [0x9e, 0, 0, 0],
    [0x9e, 1, 0, 0],
    [0x9e, 39, 1, 1],
    [1, 1, 1, 7],
  ])
    expect(["", "icmp 12/0"]).toContain(await ask(...bad));
  const via = [1, 198, 51, 100].map((_, i) => [198, 51, 100, 9][i]!);
  for (const kind of [131, 137]) expect(await ask(kind, 7, 4, ...via, 0)).not.toContain("S.");
}

const NO_SOURCES =
  "0.0.0.0 127.0.0.1 255.255.255.255 192.0.2.255 224.0.0.1 239.1.2.3 240.0.0.1 192.0.2.2";

async function H008(w: World): Promise<void> {
  for (const source of NO_SOURCES.split(" ")) {
    w.put(new Peer(w, { address: addr(source) }).make("S", 0));
    await silence(w);
    expect(await w.app.residue()).toMatchObject({ entries: 0, halfOpen: 0 });
  }
}

async function H009(w: World): Promise<void> {
  for (const to of ["192.0.2.255", "255.255.255.255", "224.0.0.1", "192.0.2.99"]) {
    for (const flags of ["S", ".", "F", "R"]) {
      w.put(new Peer(w).make(flags, 0, 0, 0, { destination: addr(to) }));
    }
  }
  await silence(w);
  expect(await w.app.residue()).toMatchObject({ entries: 0, halfOpen: 0 });
}

async function H010(w: World): Promise<void> {
  const p = new Peer(w, { address: STACK, port: SINK });
  for (const flags of ["S", "S.", ".", "P."]) {
    const b = p.make(flags, 0, 0, flags === "P." ? 20 : 0);
    for (let i = 0; i < 1000; i++) w.put(b);
  }
  await silence(w);
  expect(await w.app.residue()).toMatchObject({ entries: 0, halfOpen: 0, timers: 0 });
  await idles(w);
}

async function H011(w: World): Promise<void> {
  const began = w.now;
  const each = sized(w, 10_000, 10_000, 2000);
  const inner = new Peer(w).make("S", 0);
  for (const protocol of [0, 4, 17, 47, 132, 255]) {
    const b = ip({ protocol }, inner);
    for (let i = 0; i < each; i++) w.put(b);
  }
  // to many, or in the middle of a datagram: no error ever
  w.put(ip({ protocol: 17, destination: addr("192.0.2.255") }, inner));
  w.put(ip({ protocol: 17, destination: addr("224.0.0.1") }, inner));
  await w.settle();
  const answers = w.inbox.splice(0);
  expect(answers.every((s) => s.protocol === ICMP && s.icmpType === 3)).toBe(true);
  expect(answers.every((s) => get32(s.payload, 16) === STACK)).toBe(true);
  // what stood in the packets was not unpacked
  expect(await w.app.residue()).toMatchObject({ entries: 0, halfOpen: 0 });
  const seconds = (w.now - began) / 1000;
  expect(answers.length).toBeLessThanOrEqual(100 + Math.ceil(100 * seconds));
  w.put(ip({ protocol: 17, fragment: 100 }, inner));
  await silence(w);
}

export const IPV4: Record<string, Scenario> = {
  H001,
  H002,
  H003,
  H004,
  H005,
  H007,
  H008,
  H009,
  H010,
  H011,
};
