/** How fast one connection can be over a long path: what windows and their growth allow, in virtual time. */
import { expect, test } from "vitest";
import { simulate } from "../../src/sim/index.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { LongPath } from "../support/long-path.ts";

const MIB = 1_048_576;

test("with 50 ms each way the receive window grows until one connection gets what tcp_rmem allows", () => {
  const settings = {
    tcp_rmem: [4096, 131_072, 4 * MIB] as const,
    tcp_wmem: [4096, 262_144, 8 * MIB] as const,
  };
  const path = new LongPath(50, settings);
  path.runs(4000);
  const rate = path.runs(1000);
  const allowed = (4 * MIB) / 0.1;
  expect(rate).toBeGreaterThan(0.95 * allowed);
  expect(rate).toBeLessThan(1.05 * allowed);
});

test("with the defaults one connection gets 4 MiB a round trip, which tcp_wmem allows", () => {
  const path = new LongPath(50);
  path.runs(4000);
  expect(path.runs(1000)).toBeGreaterThan((0.95 * 4 * MIB) / 0.1);
});

/** Mbit/s of text in the last half of two seconds, over a gigabit with a round trip of 100 ms. */
function overLongGigabit(settings: Partial<Settings>): number {
  const { flows } = simulate({
    duration: "2s",
    sample: "500ms",
    settings,
    links: [{ from: "a", to: "b", rate: "1gbit", delay: "50ms", queue: 10_000 }],
    flows: [{ from: "a", to: "b" }],
  });
  return flows[0]!.series["rate"]!.at(-1)! / 1e6;
}

test("a gigabit at 100 ms: the defaults reach a third of it, buffers of 16 MiB all of it", () => {
  const limited = overLongGigabit({});
  expect(limited).toBeGreaterThan(0.95 * 335.5);
  expect(limited).toBeLessThan(1.05 * 335.5);
  // tcp_wmem is the limit: more to receive into changes nothing
  const tcp_rmem = [4096, 16 * MIB, 16 * MIB] as const;
  expect(overLongGigabit({ tcp_rmem }) / limited).toBeCloseTo(1, 1);
  // 1,448 of 1,500 bytes are text
  const tcp_wmem = [4096, 262_144, 16 * MIB] as const;
  expect(overLongGigabit({ tcp_rmem, tcp_wmem })).toBeGreaterThan(0.98 * 965);
});

test("the window of a reader that does not keep up stays what it was at first", () => {
  const path = new LongPath(50);
  path.reads = false;
  path.runs(5000);
  const { receiveQueued, rcvWnd } = path.b!.info();
  expect(receiveQueued).toBeGreaterThan(100_000);
  expect(receiveQueued + rcvWnd).toBeLessThanOrEqual(1.125 * 131_072 + 128);
});

test("a slow reader gets no more than what it takes in a round trip asks for", () => {
  const path = new LongPath(50);
  path.reads = false;
  path.runs(200);
  for (let n = 0; n < 200; n++) {
    path.runs(100);
    path.b!.receive();
  }
  expect(path.b!.info().rcvWnd + path.b!.info().receiveQueued).toBeLessThan(MIB);
});
