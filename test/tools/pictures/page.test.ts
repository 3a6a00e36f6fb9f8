/** The page of a run as a file: whole, without anything from outside, and its data as they were. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { afterAll, expect, test } from "vitest";
import { bundle } from "../../../src/tools/pictures/bundle.ts";
import { type Figure, overlay } from "../../../src/tools/pictures/figure.ts";
import { figureOfRun } from "../../../src/tools/pictures/from-run.ts";
import { html } from "../../../src/tools/pictures/html.ts";
import { pack, unpack } from "../../../src/tools/pictures/pack.ts";
import { readFigure } from "../../../src/tools/pictures/page/other-run.ts";
import { madeRun } from "./support/made-run.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function page(figure: Figure): string {
  return Buffer.concat(html(figure)).toString("utf8");
}

function memoryOf(base64: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(base64, "base64")).buffer;
}

test("nothing in it comes from elsewhere", () => {
  const text = page(figureOfRun(madeRun({ marks: 500 })));
  const urls = (text.match(/\bhttps?:\/\/[^\s"'<>)]+/g) ?? []).filter(
    (url) => url !== "http://www.w3.org/2000/svg",
  );
  expect(urls).toEqual([]);
  expect(text).not.toMatch(/\ssrc\s*=|<link|@import|\bimport\(|\bfetch\(|XMLHttpRequest|WebSocket/);
  expect(text).toContain("default-src 'none'");
  expect(text).toContain("Leon Sorokin");
});

test("a name cannot end the script it stands in", () => {
  const name = "</script><script>alert(1)</script><!--";
  const text = page(figureOfRun(madeRun({ name, samples: 20 })));
  expect(text).not.toContain("alert(1)</script>");
  expect(text.match(/^<script\b/gm)).toHaveLength(4);
  expect(readFigure(text, memoryOf).runs[0]!.name).toBe(name);
});

test("columns come back as they went, times to a microsecond", () => {
  const figure = figureOfRun(madeRun({ marks: 5000, flows: 3 }));
  const { json, bytes } = pack(figure);
  const back = unpack(json, bytes.slice().buffer)!;
  expect(back.owners).toEqual(figure.owners);
  figure.sequences.forEach(({ marks }, s) => {
    marks.forEach((m, k) => {
      const read = back.sequences[s]!.marks[k]!;
      expect(read.from).toEqual(m.from);
      expect(read.to).toEqual(m.to);
      m.t.forEach((t, i) => expect(Math.abs(read.t[i]! - t)).toBeLessThanOrEqual(0.000501));
    });
  });
  figure.panels.forEach(({ lines }, p) => {
    lines.forEach(({ v }, l) => {
      const read = back.panels[p]!.lines[l]!.v;
      v.forEach((x, i) => {
        if (Number.isNaN(x)) expect(read[i]).toBeNaN();
        else expect(Math.abs(read[i]! - x)).toBeLessThanOrEqual(Math.abs(x) * 1e-7);
      });
    });
  });
});

test("each column has the smallest type that holds it", () => {
  const columns = [[1, 255], [256], [70_000], [2 ** 33], [-1], [0.5]];
  const of = (key: string): string[] => {
    const panels = columns.map((list) => ({ [key]: Float64Array.from(list) }));
    const { json } = pack({ panels } as unknown as Figure);
    return [...json.matchAll(/"column":"(\w+)"/g)].map((m) => m[1]!);
  };
  expect(of("from")).toEqual(["u8", "u16", "u32", "f64", "f64", "f64"]);
  expect(of("v")).toEqual(["u8", "u16", "u32", "f32", "f32", "f32"]);
});

test("a million marks take less than 17 bytes each, as text", () => {
  const figure = figureOfRun(madeRun({ marks: 1e6, samples: 100, flows: 1 }));
  const size = html(figure).reduce((sum, piece) => sum + piece.length, 0);
  expect(size).toBeLessThan(17e6);
});

test("another run is read from a page or from JSON, and what is neither is said to be", () => {
  const run = madeRun({ samples: 30, marks: 40 });
  const figure = figureOfRun(run);
  expect(readFigure(page(figure), memoryOf).owners).toEqual(figure.owners);
  expect(readFigure(JSON.stringify(run), memoryOf)).toEqual(figure);
  expect(readFigure(JSON.stringify([run, run]), memoryOf).runs).toHaveLength(2);
  const file = JSON.stringify({ format: "tuntcp sim results 1", runs: [run] });
  expect(readFigure(file, memoryOf)).toEqual(figure);
  expect(() => readFigure("hello", memoryOf)).toThrow("neither a page");
  expect(() => readFigure("[1]", memoryOf)).toThrow("no simulated run");
  expect(overlay([figure, figure]).owners.map(({ rank }) => rank)).toEqual([
    0, 1, 0, 1, 2, 3, 2, 3,
  ]);
});

test("modules become one script in the order of their needs; what cannot is refused", () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  write(
    "a.js",
    `export const one = 1;\nfunction hidden() { return 1; }\nexport function two() { return hidden() + one; }\n`,
  );
  write(
    "b.js",
    `import { one as uno } from "./a.js";\nfunction hidden() { return 10; }\nexport function ten() { return hidden() * uno; }\n`,
  );
  const main = write(
    "m.js",
    `import { two } from "./a.js";\nimport { ten } from "./b.js";\nglobalThis.sum = two() + ten();\n`,
  );
  const scope = { sum: 0 };
  runInNewContext(bundle(main), scope);
  expect(scope.sum).toBe(12);
  expect(() => bundle(write("c.js", `import fs from "node:fs";\n`))).toThrow("cannot be put");
  write("d.js", `import { x } from "./e.js";\nexport const y = x;\n`);
  expect(() => bundle(write("e.js", `import { y } from "./d.js";\nexport const x = y;\n`))).toThrow(
    "imports itself",
  );
});
