/** The page: reads the figure it carries, lays out the charts, and takes in other runs to compare with. */
import { type Figure, overlay } from "../figure.ts";
import { unpack } from "../pack.ts";
import { headerOf } from "./header.ts";
import { LineChart } from "./line-chart.ts";
import { readFigure } from "./other-run.ts";
import { add } from "./plot.ts";
import { SequenceChart } from "./sequence-chart.ts";
import { factsOf, laddersOf } from "./facts.ts";
import { View } from "./view.ts";

function embedded(): Figure {
  const json = document.getElementById("figure")!.textContent;
  const columns = document.getElementById("columns")!;
  const figure = unpack(json, memoryOf(columns.textContent));
  // the text is large, and not looked at again
  columns.remove();
  if (figure === null) throw new Error("the page has no figure");
  return figure;
}

export function memoryOf(base64: string): ArrayBuffer {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

let redraw: () => void = () => {};

function show(figure: Figure): void {
  document.querySelectorAll("header, main").forEach((element) => element.remove());
  const charts: (LineChart | SequenceChart)[] = [];
  const view = new View(figure.duration, (cursorOnly) => {
    for (const chart of charts) {
      if (cursorOnly) chart.drawCursor();
      else chart.draw();
    }
    header.draw();
  });
  const header = headerOf(figure, view, (file) => void take(figure, file, header.complain));
  const main = add(document.body, "main");
  for (const panel of figure.panels) charts.push(new LineChart(main, figure, panel, view));
  if (figure.sequences.length > 0) charts.push(new SequenceChart(main, figure, view));
  factsOf(main, figure);
  laddersOf(main, figure);
  redraw = () => {
    for (const chart of charts) chart.measure();
    view.changed("all");
  };
  redraw();
}

/** Another run joins those that are shown. */
async function take(figure: Figure, file: File, complain: (line: string) => void): Promise<void> {
  try {
    show(overlay([figure, readFigure(await file.text(), memoryOf)]));
  } catch (error) {
    complain(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

show(embedded());
addEventListener("resize", () => redraw());
