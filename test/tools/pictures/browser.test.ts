/**
 * The page in a real browser, opened as a file: it draws, and moving, zooming and switching change what is drawn. Skipped
 * without Chromium. At full size it also tells how long frames take with a million marks.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figureOfRun } from "../../../src/tools/pictures/from-run.ts";
import { html } from "../../../src/tools/pictures/html.ts";
import { figure as report, FULL } from "../../support/full.ts";
import { Browser, findChromium } from "./support/browser.ts";
import { madeRun, type MadeOptions } from "./support/made-run.ts";

const command = findChromium();
if (command === null) console.log("no Chromium: the page is not tried in a browser");

/** When nothing has moved for a while everything is drawn finely. */
const DRAWN = `new Promise((r) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => r())), 150))`;
/** Sums of the pixels of each chart: equal when nothing changed. */
const PIXELS = `[...document.querySelectorAll("canvas")].map((c) => {
  const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) | 0;
  return sum;
})`;
const RANGE = `document.querySelector(".time").textContent`;

describe.skipIf(command === null)("in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-page-"));
  let browser: Browser;

  beforeAll(async () => {
    browser = new Browser(command!);
    await browser.open(1200, 1500);
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: string, options: MadeOptions): Promise<void> {
    writeFileSync(join(folder, name), Buffer.concat(html(figureOfRun(madeRun(options)))));
    await browser.goto(`file://${join(folder, name)}`);
    await browser.evaluate(DRAWN);
  }

  async function point(selector: string): Promise<{ x: number; y: number }> {
    const at = await browser.evaluate(
      `(() => { const r = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
        return [r.left + r.width / 2, r.top + r.height / 2]; })()`,
    );
    const [x, y] = at as [number, number];
    return { x, y };
  }

  test("draws, and asks for nothing but itself", async () => {
    await open("small.html", { marks: 800, samples: 400, duration: 1500 });
    expect(browser.errors).toEqual([]);
    expect(browser.requests.filter((url) => !url.endsWith("/small.html"))).toEqual([]);
    expect((await browser.evaluate(PIXELS)) as number[]).toHaveLength(6);
    expect(await browser.evaluate(RANGE)).toBe("0 – 1500 ms");
  });

  test("the cursor is shared, and every line says its value there", async () => {
    await open("cursor.html", { marks: 800, samples: 400, duration: 1500 });
    const { x, y } = await point("section .plot");
    await browser.mouse("mouseMoved", x, y);
    await browser.evaluate(DRAWN);
    const shown = await browser.evaluate(
      `[...document.querySelectorAll(".cross")].filter((e) => e.style.display === "block").length`,
    );
    expect(shown).toBe(6);
    const values = (await browser.evaluate(
      `[...document.querySelectorAll("output")].map((e) => e.textContent)`,
    )) as string[];
    expect(values.filter((v) => /^[\d.]+ (kB|MB|ms|Mbit\/s|B)$/.test(v))).toHaveLength(14);
    expect(await browser.evaluate(RANGE)).toMatch(/^cursor [\d.]+ ms · 0 – 1500 ms$/);
  });

  test("drag moves, Shift and drag selects, Ctrl and wheel zooms, a double click shows all", async () => {
    await open("zoom.html", { marks: 800, samples: 400, duration: 1500 });
    const { x, y } = await point("section .plot");
    const before = await browser.evaluate(PIXELS);
    await browser.mouse("mouseWheel", x, y, { deltaX: 0, deltaY: -400, modifiers: 2 });
    await browser.evaluate(DRAWN);
    const span = async (): Promise<number[]> =>
      (String(await browser.evaluate(RANGE)).match(/([\d.]+) – ([\d.]+)/) ?? [])
        .slice(1)
        .map(Number);
    const zoomed = await span();
    expect(zoomed[1]! - zoomed[0]!).toBeCloseTo(375, -1);
    const after = (await browser.evaluate(PIXELS)) as number[];
    after.forEach((sum, i) => expect(sum, `chart ${i}`).not.toBe((before as number[])[i]));
    const drag = async (by: number, modifiers: number): Promise<void> => {
      const how = { button: "left", buttons: 1, modifiers };
      await browser.mouse("mousePressed", x, y, { ...how, clickCount: 1 });
      await browser.mouse("mouseMoved", x + by, y, how);
      await browser.mouse("mouseReleased", x + by, y, { ...how, buttons: 0, clickCount: 1 });
      await browser.evaluate(DRAWN);
    };
    await drag(-100, 0);
    const moved = await span();
    expect(moved[0]!).toBeGreaterThan(zoomed[0]! + 20);
    expect(moved[1]! - moved[0]!).toBeCloseTo(zoomed[1]! - zoomed[0]!, 0);
    await drag(107, 8);
    const selected = await span();
    expect(selected[1]! - selected[0]!).toBeLessThan(60);
    for (const clickCount of [1, 2]) {
      await browser.mouse("mousePressed", x, y, { button: "left", clickCount });
      await browser.mouse("mouseReleased", x, y, { button: "left", clickCount });
    }
    await browser.mouse("mouseMoved", 5, 5);
    await browser.evaluate(DRAWN);
    expect(await browser.evaluate(RANGE)).toBe("0 – 1500 ms");
    expect(await browser.evaluate(PIXELS)).toEqual(before);
    expect(browser.errors).toEqual([]);
  });

  test("flows, lines and kinds of marks are switched off and on", async () => {
    await open("switch.html", { marks: 800, samples: 400, duration: 1500 });
    const before = (await browser.evaluate(PIXELS)) as number[];
    const click = async (name: string): Promise<number[]> => {
      const done = await browser.evaluate(`(() => {
        const found = [...document.querySelectorAll("label")].find((l) => l.textContent === ${JSON.stringify(name)});
        found.querySelector("input").click(); return true; })()`);
      expect(done).toBe(true);
      await browser.evaluate(DRAWN);
      return (await browser.evaluate(PIXELS)) as number[];
    };
    const changed = async (name: string): Promise<number[]> => {
      const off = await click(name);
      const on = await click(name);
      expect(on, name).toEqual(before);
      return off.flatMap((sum, i) => (sum === before[i] ? [] : [i]));
    };
    expect(await changed("flow2")).toEqual([0, 1, 2]);
    expect(await changed("ssthresh")).toEqual([0]);
    expect(await changed("srtt")).toEqual([1]);
    expect(await changed("window")).toEqual([5]);
  });

  test("another run joins, and a file that is none is named", async () => {
    await open("one.html", { samples: 200, flows: 1 });
    const give = (name: string, text: string): Promise<unknown> =>
      browser.evaluate(`(async () => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        await new Promise((r) => setTimeout(r, 300));
      })()`);
    await give("bad.json", "hello");
    expect(await browser.evaluate(`document.querySelector(".error").textContent`)).toMatch(
      /^bad\.json: neither/,
    );
    await give(
      "other.json",
      JSON.stringify(madeRun({ seed: 9, samples: 200, flows: 1, name: "other" })),
    );
    const titles = await browser.evaluate(
      `[...document.querySelectorAll("h1")].map((h) => h.firstChild.data)`,
    );
    expect(titles).toEqual(["A: made", "B: other"]);
    expect(browser.errors).toEqual([]);
  });

  // in the gate alone: it measures, which takes a machine with nothing else to do
  test.skipIf(!FULL)("frames of a million marks", { timeout: 120_000 }, async () => {
    await open("big.html", { marks: 1e6, samples: 1e5, flows: 3 });
    const { x, y } = await point("section:last-of-type .plot");
    await browser.evaluate(`(() => {
      globalThis.frames_ = [];
      globalThis.work_ = [];
      const ask = requestAnimationFrame;
      globalThis.requestAnimationFrame = (f) => ask((t) => {
        const start = performance.now();
        f(t);
        work_.push(performance.now() - start);
      });
      let last = performance.now();
      const tick = (t) => { frames_.push(t - last); last = t; ask(tick); };
      ask(tick);
    })()`);
    for (let i = 0; i < 120; i++) {
      const deltaY = i % 60 < 40 ? -40 : 80;
      await browser.mouse("mouseWheel", x + (i % 7), y, { deltaX: 0, deltaY, modifiers: 2 });
    }
    const how = { button: "left", buttons: 1 };
    await browser.mouse("mousePressed", x, y, { ...how, clickCount: 1 });
    for (let i = 0; i < 120; i++) await browser.mouse("mouseMoved", x + 3 * (i % 60), y, how);
    await browser.mouse("mouseReleased", x, y, { button: "left", clickCount: 1 });
    for (const name of ["frames_", "work_"]) {
      const all = ((await browser.evaluate(name)) as number[]).toSorted((a, b) => a - b);
      const at = (share: number): string => all[Math.floor(all.length * share)]!.toFixed(1);
      const what = name === "work_" ? "drawing" : "from frame to frame";
      report(
        `page of 10^6 marks, ${what}: median, 99 %`,
        `${at(0.5)} ms, ${at(0.99)} ms of ${all.length}`,
      );
    }
    expect(browser.errors).toEqual([]);
  });
});
