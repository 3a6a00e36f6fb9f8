/**
 * The Linux kernel as oracle: what it answers to generated sequences and what our stack answers, each difference with a name. Runs in
 * a network namespace of its own, which needs root or user namespaces, and the build of the sources in dist.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { seededRng } from "../../../src/base/rng.ts";
import { createHead } from "../../../src/fuzz/input.ts";
import { createStep, OP_ANSWER, OP_SEGMENT, OP_TEXT } from "../../../src/fuzz/step.ts";
import { CLASSES } from "../../../src/tools/fuzz/kernel/classes.ts";
import { compare } from "../../../src/tools/fuzz/kernel/compare.ts";
import { generate } from "../../../src/tools/fuzz/kernel/generate.ts";
import { kernelObstacle } from "../../../src/tools/fuzz/kernel/index.ts";
import { OurStack } from "../../../src/tools/fuzz/kernel/ours.ts";
import { play } from "../../../src/tools/fuzz/kernel/play.ts";
import type { KernelReport } from "../../../src/tools/fuzz/kernel/report.ts";
import { MOST_STEPS } from "../../../src/tools/fuzz/kernel/tame.ts";
import { translate } from "../../../src/tools/fuzz/kernel/translate.ts";
import { FULL } from "../../support/full.ts";
import { requireBuild } from "../../interop/support/world.ts";
import { tunObstacle } from "../../support/tun.ts";
import { ipv4 } from "../../../src/wire/address.ts";
import { ACK } from "../../../src/wire/tcp-segment.ts";
import { createIpv4Header, readIpv4 } from "../../../src/wire/ipv4.ts";
import { tcpPacket } from "../../support/ip-packets.ts";

describe("a sequence", () => {
  test("is short, of one flow, and the same for the same seed", () => {
    for (let seed = 0; seed < 200; seed++) {
      const input = generate(seededRng(seed));
      expect(generate(seededRng(seed))).toEqual(input);
      expect(input.steps.length).toBeGreaterThan(2);
      expect(input.steps.length).toBeLessThanOrEqual(MOST_STEPS);
      for (const { flow, delay, length, op } of input.steps) {
        expect([flow, delay]).toEqual([0, 0]);
        if (op === OP_SEGMENT) expect(length).toBeLessThanOrEqual(1400);
      }
    }
  });

  test("is answered by our stack as often as it is asked in the same way", async () => {
    for (let seed = 0; seed < 50; seed++) {
      const input = generate(seededRng(seed));
      const first = await play(input, new OurStack(seed));
      const other = await play(input, new OurStack(seed + 1000));
      // another ISN, the same answers
      expect(compare(first, other).unknown).toBeNull();
    }
  });
});

test("an answer that is another, and has no name, is found with its step", async () => {
  const head = { ...createHead(), opening: "established" as const };
  const steps = [OP_TEXT, OP_ANSWER, OP_TEXT].map((op) => ({ ...createStep(), op, window: 65535 }));
  const input = { head, steps };
  const ours = await play(input, new OurStack(1));
  for (const field of ["resets", "syns"] as const) {
    const theirs = structuredClone(ours);
    (theirs.answers[2]![field] as string[]).push("another");
    expect(compare(ours, theirs).unknown).toMatchObject({ step: 1, field });
  }
  const later = structuredClone(ours);
  (later.answers.at(-1) as { acked: number }).acked += 7;
  expect(compare(ours, later).unknown).toMatchObject({ field: "acked" });
  const deaf = structuredClone(ours);
  (deaf.heard as { received: number }).received += 1;
  expect(compare(ours, deaf).unknown).toMatchObject({ field: "heard" });
});

test("each class has a name of its own and a reason", () => {
  expect(new Set(CLASSES.map(({ name }) => name)).size).toBe(CLASSES.length);
  for (const { why } of CLASSES) expect(why).toMatch(/^[A-Z].{30,}\.$/);
});

test("docs/kernel-oracle.md has the table of classes (KERNEL_TABLE=write writes it)", () => {
  const page = fileURLToPath(new URL("../../../docs/kernel-oracle.md", import.meta.url));
  const rows = CLASSES.map(({ name, why }) => `| ${name} | ${why} |`);
  const table = ["| name | what and why |", "| --- | --- |", ...rows].join("\n");
  const text = readFileSync(page, "utf8");
  const made = text.replace(
    /(<!-- prettier-ignore-start -->\n)[\s\S]*(\n<!-- prettier-ignore-end -->)/,
    (_, before: string, after: string) => `${before}\n${table}\n${after}`,
  );
  if (process.env["KERNEL_TABLE"] === "write") writeFileSync(page, made);
  expect(readFileSync(page, "utf8")).toBe(made);
});

test("a packet that is sent to other ends keeps its checksums right, or as wrong as they were", () => {
  const ends = {
    source: 0xc6336402 | 0,
    sourcePort: 1024,
    destination: 0xc0000201 | 0,
    destinationPort: 80,
  };
  const packet = tcpPacket(ACK, { sourcePort: 7, destinationPort: 9, payloadLength: 0 });
  const sums = (b: Uint8Array): number[] => [sumOf(b, 0, 20), sumOf(b, 20, 40, pseudo(b))];
  const sent = packet.slice();
  translate(sent, ends);
  expect(sums(sent)).toEqual([0xffff, 0xffff]);
  const header = createIpv4Header();
  expect(readIpv4(sent, 0, sent.length, header)).toBeNull();
  expect([header.source, header.destination]).toEqual([ipv4(ends.source), ipv4(ends.destination)]);
  const spoilt = packet.slice();
  spoilt[36]! ^= 0x10;
  const before = sums(spoilt)[1]!;
  translate(spoilt, ends);
  expect(sums(spoilt)[1]).toBe(before);
});

function sumOf(b: Uint8Array, from: number, to: number, start = 0): number {
  let sum = start;
  for (let i = from; i < to; i += 2) sum += (b[i]! << 8) | b[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function pseudo(b: Uint8Array): number {
  return sumOf(b, 12, 20, 6 + b.length - 20);
}

const obstacle = tunObstacle() ?? kernelObstacle();
if (obstacle !== null) console.log(`${obstacle}: the kernel is not asked`);

// the kernel's own TCP behind a TUN; without one there is nobody to ask
describe.skipIf(obstacle !== null)("the kernel", () => {
  test(FULL ? "10,000 sequences" : "500 sequences", { timeout: 300_000 }, async () => {
    requireBuild();
    const { askKernel } = (await import(
      new URL("../../../dist/tools/fuzz/kernel/index.js", import.meta.url).href
    )) as typeof import("../../../src/tools/fuzz/kernel/index.ts");
    const sequences = FULL ? 10_000 : 500;
    const report: KernelReport = await askKernel({ seed: 1, first: 0, sequences });
    const { alike, classes, unexplained, kernel, seconds } = report;
    console.log(`figure: kernel = ${kernel}`);
    console.log(`figure: sequences answered alike = ${alike} of ${sequences}`);
    console.log(`figure: names of differences met = ${Object.keys(classes).length}`);
    console.log(`figure: sequences a second = ${(sequences / seconds).toFixed(0)}`);
    expect(unexplained).toEqual([]);
    expect(alike).toBeGreaterThan(sequences / 3);
  });
});
