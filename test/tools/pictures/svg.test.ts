/** The SVG of a run: well formed, complete, small however long the run was, and readable in grey. */
import { expect, test } from "vitest";
import type { SimRun } from "../../../src/sim/record.ts";
import { overlay } from "../../../src/tools/pictures/figure.ts";
import { figureOfRun } from "../../../src/tools/pictures/from-run.ts";
import { svg } from "../../../src/tools/pictures/svg.ts";
import { madeRun } from "./support/made-run.ts";
import { descendants, type Element, parseXml } from "./support/xml.ts";

function texts(source: string): string[] {
  return [...descendants(parseXml(source))].filter((e) => e.name === "text").map((e) => e.text);
}

function numbers(element: Element): number[] {
  return (element.attributes["d"]?.match(/-?\d*\.?\d+(?:e-?\d+)?/g) ?? []).map(Number);
}

test("has axes with units, ticks, a legend and a panel for each quantity", () => {
  const source = svg(figureOfRun(madeRun({ marks: 600, samples: 300 })));
  const said = texts(source);
  for (const expected of [
    "made",
    "Congestion window (MB)",
    "Round-trip time (ms)",
    "Rate delivered (Mbit/s)",
    "Queue (kB)",
    "Queueing delay (ms)",
    "Time-sequence of flow1 (kB)",
    "flow1 cwnd",
    "flow2 ssthresh",
    "router1&gt;router2 queue",
    "segment",
    "retransmission",
    "SACK block",
    "dropped",
    "time (s)",
    "5",
  ]) {
    expect(said).toContain(expected);
  }
  const root = parseXml(source);
  expect(root.attributes["xmlns"]).toBe("http://www.w3.org/2000/svg");
  expect(source.match(/https?:/g)).toHaveLength(1);
});

test("the same run gives the same bytes", () => {
  const make = (): string => svg(figureOfRun(madeRun({ seed: 5, marks: 2000 })));
  expect(make()).toBe(make());
});

test("nothing is NaN or Infinity, nor far outside of the picture", () => {
  const root = parseXml(svg(figureOfRun(madeRun({ marks: 3000, samples: 200, flows: 3 }))));
  const all = [...descendants(root)];
  expect(JSON.stringify(root)).not.toMatch(/NaN|Infinity|undefined/);
  const height = Number(root.attributes["height"]);
  const lines = all.filter((e) => e.name === "path" && (e.attributes["d"] ?? "").length > 500);
  expect(lines.length).toBeGreaterThan(15);
  for (const line of lines) {
    for (const x of numbers(line)) expect(Math.abs(x)).toBeLessThan(height + 1000);
  }
});

test("flows are told apart without colour: each has a shape of its own on its lines", () => {
  const source = svg(figureOfRun(madeRun({ flows: 2, samples: 300 })), { panels: ["rate"] });
  const root = parseXml(source);
  const plot = [...descendants(root)].find((e) => e.attributes["clip-path"] !== undefined)!;
  const signs = new Map<string, Set<string>>();
  for (const e of plot.children) {
    const sign = e.name === "circle" ? "circle" : e.attributes["d"]!.replace(/^M[\d.]+ [\d.]+/, "");
    if (e.attributes["fill"] !== "#fff") continue;
    const stroke = e.attributes["stroke"]!;
    signs.set(stroke, (signs.get(stroke) ?? new Set()).add(sign));
  }
  expect(signs.size).toBe(2);
  const [one, two] = [...signs.values()].map((s) => [...s].join());
  expect(one).not.toBe(two);
});

test("a million segments and 10^5 samples of three flows make less than a megabyte", () => {
  const source = svg(figureOfRun(madeRun({ marks: 1e6, samples: 1e5, flows: 3 })));
  parseXml(source);
  expect(source.length).toBeLessThan(1e6);
});

test("only a stretch of the run, and only some panels", () => {
  const figure = figureOfRun(madeRun({ marks: 3000 }));
  const said = texts(svg(figure, { panels: ["window", "sequence"], range: [5000, 6000] }));
  expect(said.some((s) => s.startsWith("Congestion window"))).toBe(true);
  expect(said.some((s) => s.startsWith("Round-trip"))).toBe(false);
  expect(said).toContain("5200");
});

test("two runs stand over each other with their names", () => {
  const figures = [1, 2].map((seed) =>
    figureOfRun(madeRun({ seed, flows: 1, name: `run${seed}` })),
  );
  const said = texts(svg(overlay(figures)));
  expect(said).toEqual(
    expect.arrayContaining(["A: run1", "B: run2", "A: flow1 cwnd", "B: flow1 cwnd"]),
  );
});

test("a name is text, whatever is in it", () => {
  const name = 'a<b> & "c" ]]> \u0000\ud800 -->';
  const said = texts(svg(figureOfRun(madeRun({ name, samples: 50 }))));
  expect(said[0]).toBe("a&lt;b&gt; &amp; &quot;c&quot; ]]&gt; \ufffd\ufffd --&gt;");
});

test("an ssthresh that is not set yet, and an RTT without sample, are gaps", () => {
  const run = madeRun({ flows: 1, samples: 500, seed: 3 });
  const figure = figureOfRun(run);
  const of = (quantity: string): Float64Array =>
    figure.panels.flatMap(({ lines }) => lines).find((l) => l.quantity === quantity)!.v;
  expect(of("ssthresh")[0]).toBeNaN();
  expect(Math.max(...of("ssthresh").filter((x) => x === x))).toBeLessThan(0x7fffffff);
  expect(of("RTT")[0]).toBeNaN();
});

test("a run in which nothing happened is a picture too", () => {
  const run: SimRun = { ...madeRun({ samples: 0 }), flows: [], links: [], duration: 0 };
  parseXml(svg(figureOfRun(run)));
  parseXml(svg(figureOfRun(madeRun({ samples: 1, marks: 3 }))));
});
