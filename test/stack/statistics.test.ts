/**
 * What must not be guessed looks random: 10,000 initial sequence numbers, ephemeral ports and IP identifications, by
 * chi-square with p above 0.001 and without a step that repeats. Each control shows that a constant step does not pass.
 */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { IpIdentification } from "../../src/stack/ip-id.ts";
import { EphemeralPorts } from "../../src/stack/ports.ts";
import { SynCookies } from "../../src/stack/syn-cookies.ts";
import { IsnGenerator } from "../../src/tcp/isn.ts";
import { ipv4, parseIpv4 } from "../../src/wire/address.ts";
import { seq } from "../../src/wire/seq.ts";
import { createTcpSegment } from "../../src/wire/tcp-segment.ts";
import { figure } from "../support/full.ts";
import {
  byteUniformity,
  chiSquareTail,
  mostFrequent,
  rangeUniformity,
  steps,
  uniformity,
} from "../support/statistics.ts";

const N = 10_000;
const LEAST = 0.001;
const WRAP = 2 ** 32;
const LOCAL = parseIpv4("192.0.2.1")!;
const CLIENTS = parseIpv4("198.18.0.0")!;
const indices = Array.from({ length: N }, (_, i) => i);

/** The smallest p of a series, with a row in the gate's report. */
function least(name: string, values: readonly number[]): number {
  const p = Math.min(...values);
  figure(`least p of chi-square, ${name}`, p.toFixed(4));
  return p;
}

/** Bytes of the values and of their steps, and no step oftener than chance has it: `often` times at most. */
function looksRandom(name: string, values: readonly number[], width: number, often: number): void {
  const modulus = 256 ** width;
  const between = steps(values, modulus);
  expect(least(name, byteUniformity(values, width))).toBeGreaterThan(LEAST);
  expect(least(`${name}, steps`, byteUniformity(between, width))).toBeGreaterThan(LEAST);
  expect(mostFrequent(between)).toBeLessThanOrEqual(often);
}

describe("chi-square", () => {
  test("has the tails that tables give", () => {
    expect(chiSquareTail(3.841, 1)).toBeCloseTo(0.05, 4);
    expect(chiSquareTail(18.307, 10)).toBeCloseTo(0.05, 4);
    expect(chiSquareTail(29.588, 10)).toBeCloseTo(0.001, 5);
    expect(chiSquareTail(330.52, 255)).toBeCloseTo(0.001, 5);
    expect(chiSquareTail(200, 255)).toBeGreaterThan(0.99);
    expect(uniformity([10, 10, 10, 10])).toBe(1);
  });

  test("lets a seeded generator pass", () => {
    const rng = seededRng(1);
    const values = indices.map(() => rng.i32());
    looksRandom("control, seeded generator", values, 4, 2);
  });

  test.each([1, 7, 64_000, 65_536, 0x01010101, 0x9e3779b1])(
    "refuses values with a constant step of %i",
    (step) => {
      const values = indices.map((i) => (i * step) % WRAP);
      expect(Math.min(...byteUniformity(steps(values, WRAP), 4))).toBeLessThan(1e-9);
      expect(mostFrequent(steps(values, WRAP))).toBe(N - 1);
    },
  );

  test("refuses a value that leans to one side by an eighth", () => {
    const rng = seededRng(2);
    const values = indices.map((i) => (i % 8 === 0 ? 0 : 0xff) & (rng.i32() >>> 8));
    expect(byteUniformity(values, 1)[0]).toBeLessThan(LEAST);
  });
});

describe("initial sequence numbers [MUST-9] [6528-3-KEY] [H055]", () => {
  const isn = (g: IsnGenerator, i: number, port: number, ms: number): number =>
    g.generate(LOCAL, 80, ipv4(CLIENTS + i), port, instantOf(ms));

  test("to 10,000 peers at one moment", () => {
    const g = new IsnGenerator(seededRng(3));
    looksRandom(
      "ISN, peers",
      indices.map((i) => isn(g, i, 40_000, 0)),
      4,
      2,
    );
  });

  test("to 10,000 ports of one peer, one each 64 ms", () => {
    const g = new IsnGenerator(seededRng(4));
    looksRandom(
      "ISN, ports",
      indices.map((i) => isn(g, 1, 1024 + i, 64 * i)),
      4,
      2,
    );
  });

  test("of one socket pair after 10,000 restarts", () => {
    const values = indices.map((i) => isn(new IsnGenerator(seededRng(i)), 1, 40_000, 0));
    looksRandom("ISN, restarts", values, 4, 2);
  });

  test("that are SYN cookies look the same [4987-3.6-COOKIE]", () => {
    const cookies = new SynCookies(seededRng(5));
    const syn = createTcpSegment();
    syn.destination = LOCAL;
    syn.destinationPort = 80;
    syn.sourcePort = 40_000;
    syn.mss = 1460;
    const values = indices.map((i) => {
      syn.source = ipv4(CLIENTS + i);
      syn.seq = seq(i);
      return cookies.make(syn, instantOf(0));
    });
    looksRandom("ISN, cookies", values, 4, 2);
  });
});

describe("ephemeral ports [6056-3.3-HIDE] [H056]", () => {
  const FIRST = 16_384;
  const SPAN = 49_152;
  const range = [FIRST, FIRST + SPAN - 1] as const;
  const any = (): boolean => true;

  test("to 10,000 destinations fill 256 equal parts of the range evenly, and so do their steps", () => {
    const ports = new EphemeralPorts(seededRng(6), range);
    const values = indices.map((i) => ports.choose(LOCAL, ipv4(CLIENTS + i), 80, any));
    const p = [
      rangeUniformity(values, FIRST, SPAN, 256),
      rangeUniformity(steps(values, SPAN), 0, SPAN, 256),
    ];
    expect(least("ports, destinations", p)).toBeGreaterThan(LEAST);
    expect(mostFrequent(steps(values, SPAN))).toBeLessThanOrEqual(6);
  });

  test("to one destination move by 1 to 8, each as often", () => {
    const ports = new EphemeralPorts(seededRng(7), range);
    const values = indices.map(() => ports.choose(LOCAL, CLIENTS, 80, any));
    const counts = Array.from({ length: 8 }, () => 0);
    for (const step of steps(values, SPAN)) counts[step - 1]!++;
    expect(least("ports, steps to one destination", [uniformity(counts)])).toBeGreaterThan(LEAST);
    expect(uniformity([...counts.fill(0).slice(1), N - 1])).toBeLessThan(1e-9);
  });
});

describe("IP identifications [6864-4.3-UNIQUE] [H057]", () => {
  test("to one peer", () => {
    const ids = new IpIdentification(seededRng(8));
    looksRandom(
      "IP id, one peer",
      indices.map(() => ids.next(LOCAL, CLIENTS, 1)),
      2,
      6,
    );
  });

  test("to 10,000 peers", () => {
    const ids = new IpIdentification(seededRng(9));
    const values = indices.map((i) => ids.next(LOCAL, ipv4(CLIENTS + i), 1));
    looksRandom("IP id, peers", values, 2, 6);
  });
});
