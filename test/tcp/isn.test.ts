import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { IsnGenerator } from "../../src/tcp/isn.ts";
import { ipv4 } from "../../src/wire/address.ts";
import { BareStack, THERE } from "../support/ip-packets.ts";

const LOCAL = ipv4(0xc0000201);
const REMOTE = ipv4(0xc0000202);

function isn(
  g: IsnGenerator,
  ms: number,
  remotePort: number = 80,
  remote: number = REMOTE,
): number {
  return g.generate(LOCAL, 1234, ipv4(remote), remotePort, instantOf(ms));
}

/** Whether differences of neighbours look uniform: how many of 16 equal classes each hold a fair share. */
function looksUniform(values: readonly number[]): boolean {
  const classes = Array.from({ length: 16 }, () => 0);
  for (let i = 1; i < values.length; i++) classes[(values[i]! - values[i - 1]!) >>> 28]!++;
  const fair = (values.length - 1) / 16;
  return classes.every((n) => n > fair / 2 && n < fair * 2);
}

describe("initial sequence numbers", () => {
  test("of one socket pair advance by one in 4 µs and wrap after 4.77 hours of them [MUST-8]", () => {
    const g = new IsnGenerator(seededRng(1));
    const start = isn(g, 5000);
    expect((isn(g, 5000.004) - start) | 0).toBe(1);
    expect((isn(g, 6000) - start) | 0).toBe(250_000);
    expect(isn(g, 5000 + 4294967296 / 250)).toBe(start);
  });

  test("less the clock are constant for a socket pair under one key, at any time [SHLD-1]", () => {
    const g = new IsnGenerator(seededRng(2));
    const f = isn(g, 0);
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), (ms) => {
        expect((isn(g, ms) - Number(BigInt.asIntN(32, BigInt(ms) * 250n))) | 0).toBe(f | 0);
      }),
    );
  });

  test("depend on each part of the socket pair [SHLD-1]", () => {
    const g = new IsnGenerator(seededRng(3));
    const now = instantOf(77);
    const values = [
      g.generate(LOCAL, 1, REMOTE, 2, now),
      g.generate(REMOTE, 1, LOCAL, 2, now),
      g.generate(LOCAL, 2, REMOTE, 1, now),
      g.generate(ipv4(LOCAL + 1), 1, REMOTE, 2, now),
      g.generate(LOCAL, 1, ipv4(REMOTE + 1), 2, now),
      g.generate(LOCAL, 65535, REMOTE, 65535, now),
    ];
    expect(new Set(values).size).toBe(values.length);
  });

  test("of neighbouring socket pairs show no relation, nor those of successive keys [MUST-9] [H055]", () => {
    const g = new IsnGenerator(seededRng(4));
    const ports = Array.from({ length: 10_000 }, (_, i) => isn(g, 0, i));
    const peers = Array.from({ length: 10_000 }, (_, i) => isn(g, 0, 80, i));
    const keys = Array.from({ length: 2000 }, (_, i) => isn(new IsnGenerator(seededRng(i)), 0));
    for (const list of [ports, peers, keys]) expect(looksUniform(list)).toBe(true);
    expect(looksUniform(ports.map((_, i) => i * 64000))).toBe(false);
  });
});

describe("the ISNs of a stack", () => {
  /** The ISN of a SYN to the same peer and from the same port, at `now`. */
  function issOf(w: BareStack, now: number): number {
    w.now = now;
    w.sent(); // user calls go by the time of the last call from the world
    const remote = { remoteAddress: THERE, remotePort: 80, localPort: 50_000, owner: null };
    const c = w.stack.connect(remote);
    const iss = w.sent()[0]!.tcp!.seq;
    expect(c.info().iss).toBe(iss >>> 0);
    c.abort();
    w.sent();
    return iss;
  }

  test("come from a key made at its start out of all the randomness given, and differ between stacks [6528-3-KEY]", () => {
    const list = Array.from({ length: 2000 }, (_, seed) => issOf(new BareStack({ seed }), 0));
    expect(looksUniform(list)).toBe(true);
    expect(issOf(new BareStack({ seed: 5 }), 0)).toBe(list[5]);
    // 128 bits: one flipped in any word of the key changes everything
    const words = [1, 2, 3, 4];
    const withKey = (key: readonly number[]): number => {
      let n = 0;
      return isn(new IsnGenerator({ i32: () => key[n++ % 4]! }), 0);
    };
    const first = withKey(words);
    for (let i = 0; i < 4; i++) {
      expect(withKey(words.map((w, k) => (k === i ? w ^ 0x10000 : w)))).not.toBe(first);
    }
  });

  test("of one socket pair rise with time, so that a new SYN lies above what the old one used [6528-3-REUSE]", () => {
    const w = new BareStack();
    let last = issOf(w, 0);
    for (let second = 1; second <= 60; second++) {
      const next = issOf(w, second * 1000);
      expect((next - last) | 0).toBe(250_000);
      last = next;
    }
  });
});

test("the timestamp clock starts elsewhere for each connection and is no ISN [7323-7.1-OFFSET]", () => {
  const g = new IsnGenerator(seededRng(5));
  const offset = (port: number): number => g.timestampOffset(LOCAL, 1234, REMOTE, port);
  expect(offset(80)).toBe(offset(80));
  const offsets = Array.from({ length: 10_000 }, (_, i) => offset(i));
  expect(looksUniform(offsets)).toBe(true);
  // were it the ISN's hash, an ISN would tell the offset
  const differences = offsets.map((o, i) => (o - isn(g, 0, i)) | 0);
  expect(looksUniform(differences)).toBe(true);
});
