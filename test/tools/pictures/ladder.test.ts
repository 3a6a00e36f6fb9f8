/** Where the segments of a ladder are drawn. */
import { expect, test } from "vitest";
import type { Ladder, LadderSegment } from "../../../src/tools/pictures/figure.ts";
import {
  crossingsOf,
  fallOf,
  labelPlace,
  layLadder,
} from "../../../src/tools/pictures/ladder-layout.ts";
import { ladderSvg } from "../../../src/tools/pictures/ladder.ts";
import { descendants, parseXml } from "./support/xml.ts";

function segment(sent: number, arrived: number | null, fromLeft = true): LadderSegment {
  const time = `${sent}`;
  return { sent, arrived, fromLeft, time, labels: ["a long label", "x"], look: "plain", notes: [] };
}

function ladder(segments: readonly LadderSegment[], more: Partial<Ladder> = {}): Ladder {
  const states = { left: [], right: [] };
  return { left: "a", right: "b", segments, states, gaps: [], remarks: [], ...more };
}

test("events stand below each other in the order of their times, an arrival before what leaves at that moment", () => {
  const [first, second, answer] = [segment(0, 10), segment(5, 15), segment(10, 20, false)];
  const { sent, arrived } = layLadder(ladder([first, second, answer]), 0);
  const heights = [
    sent.get(first)!,
    sent.get(second)!,
    arrived.get(first)!,
    sent.get(answer)!,
    arrived.get(second)!,
    arrived.get(answer)!,
  ];
  expect(heights).toEqual(heights.toSorted((a, b) => a - b));
  expect(new Set(heights).size).toBe(6);
});

test("a long silence is shortened, and a longer one is longer all the same", () => {
  const gap = (ms: number): number => {
    const [a, b] = [segment(0, 1), segment(ms, ms + 1)];
    const { sent, arrived } = layLadder(ladder([a, b]), 0);
    return sent.get(b)! - arrived.get(a)!;
  };
  expect(gap(1000)).toBeGreaterThan(gap(100));
  expect(gap(60_000)).toBeLessThan(3 * gap(100));
});

test("one that is lost out of a burst stays side by side with the others", () => {
  const burst = [segment(0, 10), segment(0, null), segment(0, 10), segment(0, 10)];
  const all = ladder(burst);
  const layout = layLadder(all, 0);
  expect(new Set(burst.map((s) => fallOf(s, all, layout))).size).toBe(1);
});

test("a segment slants down from its sender to its receiver; a lost one ends on its way, in another form", () => {
  const svg = ladderSvg(ladder([segment(0, 10), segment(20, 30, false), segment(40, null)]), 700);
  const paths = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"[^>]*>/g)];
  const ends = paths.map(([, x, y, toX, toY]) => [x, y, toX, toY].map(Number));
  expect(ends).toHaveLength(3);
  const [there, back, lost] = ends as [number[], number[], number[]];
  expect(there[0]).toBeLessThan(there[2]!);
  expect(there[1]).toBeLessThan(there[3]!);
  expect(back[0]).toBe(there[2]);
  expect(back[2]).toBe(there[0]);
  expect(back[1]).toBeLessThan(back[3]!);
  expect(lost[2]).toBeLessThan(there[2]!);
  expect(paths[2]![0]).toContain("stroke-dasharray");
  expect(paths[0]![0]).not.toContain("stroke-dasharray");
});

test("the longest label that has room is taken; states are bands; what is left out and remarks are said", () => {
  const states = {
    left: [
      { at: -1, state: "SYN-SENT" },
      { at: 50, state: "ESTABLISHED" },
    ],
    right: [{ at: -1, state: "LISTEN" }],
  };
  const gaps = [{ before: 1, text: "… 7 more …" }];
  const remarks = ["what is known of the times"];
  const whole = ladder([segment(0, 10), segment(50, 60)], { states, gaps, remarks });
  const texts = (width: number): string[] =>
    [...descendants(parseXml(ladderSvg(whole, width)))].map((e) => e.text);
  expect(texts(700)).toEqual(
    expect.arrayContaining([
      "a",
      "b",
      "SYN-SENT",
      "ESTABLISHED",
      "LISTEN",
      "… 7 more …",
      "a long label",
      "what is known of the times",
    ]),
  );
  expect(texts(320)).toContain("x");
  expect(texts(320)).not.toContain("a long label");
});

test("labels stand away from where segments cross", () => {
  const [there, back, alone] = [segment(0, 10), segment(0, 10, false), segment(50, 60)];
  const crossed = ladder([there, back, alone]);
  const crossings = crossingsOf(crossed, layLadder(crossed, 0));
  expect(crossings.get(alone)).toEqual([]);
  const [x] = crossings.get(there)!;
  expect(x).toBeGreaterThan(0.2);
  expect(x).toBeLessThan(0.8);
  expect(crossings.get(back)![0]).toBeCloseTo(1 - x!);
  expect(labelPlace([])).toEqual({ at: 0.4, share: 0.92 });
  const { at, share } = labelPlace([0.5]);
  expect(Math.abs(at - 0.5)).toBeGreaterThanOrEqual(share / 2 - 1e-9);
  expect(share).toBeGreaterThan(0.4);
});
