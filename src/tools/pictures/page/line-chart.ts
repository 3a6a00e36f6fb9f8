/** Lines over time by uPlot: of each line only what the pixels can show is handed over. */
import type uPlot from "uplot";
import { type Figure, ownerName, type Panel } from "../figure.ts";
import { colourOf, lineStyle } from "../style.ts";
import { formatTick, formatValue, scaleFor, timeScale, valueRange } from "../ticks.ts";
import { GridLine, gridTimes } from "./columns.ts";
import { add, createPlot, GUTTER, MARGIN, type Plot } from "./plot.ts";
import type { View } from "./view.ts";

const Chart = (globalThis as unknown as { readonly uPlot: typeof uPlot }).uPlot;
const HEIGHT = 170;
const GRID: uPlot.Axis.Grid = { stroke: "#e8e8e8", width: 1 };
const FONT = "12px system-ui, Helvetica, Arial, sans-serif";

/** Round steps for uPlot, which else would take quarters. */
const STEPS = Array.from({ length: 24 }, (_, i) => i - 9).flatMap((power) =>
  [1, 2, 5].map((x) => Number(`${x}e${power}`)),
);

interface Shown {
  readonly line: GridLine;
  readonly entry: HTMLElement;
  readonly value: HTMLElement;
}

export class LineChart {
  private readonly panel: Panel;
  private readonly view: View;
  private readonly plot: Plot;
  private readonly shown: readonly Shown[];
  private readonly chart: uPlot;
  private limits: [number, number] = [0, 1];

  constructor(host: HTMLElement, figure: Figure, panel: Panel, view: View) {
    this.panel = panel;
    this.view = view;
    this.plot = createPlot(host, panel.title, view);
    this.shown = panel.lines.map((line) => {
      const colour = colourOf(figure.owners[line.owner]!.rank);
      const entry = add(this.plot.legend, "span");
      entry.innerHTML = swatch(colour, line.quantity);
      entry.append(`${ownerName(figure, line.owner)} ${line.quantity} `);
      return { line: new GridLine(line), entry, value: add(entry, "output") };
    });
    this.chart = new Chart(
      this.options(figure),
      [[], ...panel.lines.map(() => [])],
      this.plot.area,
    );
  }

  draw(): void {
    if (!this.plot.isSeen()) return;
    const { range, hiddenOwners, hiddenQuantities } = this.view;
    const width = this.plot.width;
    const columns = Math.round((width * devicePixelRatio) / this.view.grain);
    const data: uPlot.AlignedData = [gridTimes(range, columns)];
    let [low, high] = [Infinity, -Infinity];
    this.shown.forEach(({ line, entry }, i) => {
      const show = !hiddenOwners.has(line.line.owner) && !hiddenQuantities.has(line.line.quantity);
      entry.className = show ? "" : "off";
      if (this.chart.series[i + 1]!.show !== show) this.chart.setSeries(i + 1, { show });
      data.push(show ? line.fill(range, columns) : []);
      if (!show) return;
      low = Math.min(low, line.low);
      high = Math.max(high, line.high);
    });
    this.limits = valueRange(low, high, this.panel.unit !== "ms");
    const full = Math.round(width + GUTTER + MARGIN);
    if (this.chart.width !== full) this.chart.setSize({ width: full, height: HEIGHT });
    this.chart.setData(data);
    this.drawCursor();
  }

  measure(): void {
    this.plot.measure();
  }

  drawCursor(): void {
    const { cursor } = this.view;
    this.plot.showCursor(HEIGHT - 30);
    for (const { line, value } of this.shown) {
      value.textContent = cursor === null ? "" : formatValue(line.at(cursor), this.panel.unit);
    }
  }

  private options(figure: Figure): uPlot.Options {
    const { unit, lines } = this.panel;
    return {
      width: 600,
      height: HEIGHT,
      pxAlign: 0,
      padding: [8, MARGIN, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [...this.view.range] },
        y: { range: () => this.limits },
      },
      axes: [
        {
          font: FONT,
          incrs: STEPS,
          size: 30,
          grid: GRID,
          ticks: { stroke: "#999" },
          values: (_u, splits, _axis, _space, step) => {
            const scale = timeScale(this.view.range[1]);
            return splits.map((x) => `${formatTick(x, scale, step)} ${scale.name}`);
          },
        },
        {
          font: FONT,
          incrs: STEPS,
          size: GUTTER,
          grid: GRID,
          ticks: { stroke: "#999" },
          space: 28,
          values: (_u, splits, _axis, _space, step) => {
            const scale = scaleFor(unit, this.limits[1]);
            return splits.map((y) => `${formatTick(y, scale, step)} ${scale.name}`);
          },
        },
      ],
      series: [
        {},
        ...lines.map((line): uPlot.Series => {
          const { width, dash, opacity } = lineStyle(line.quantity);
          return {
            stroke: fade(colourOf(figure.owners[line.owner]!.rank), opacity),
            width,
            dash: [...dash],
            points: { show: false },
          };
        }),
      ],
    };
  }
}

function fade(colour: string, opacity: number): string {
  return (
    colour +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, "0")
  );
}

function swatch(colour: string, quantity: string): string {
  const { width, dash, opacity } = lineStyle(quantity);
  return `<svg width="22" height="8"><path d="M0 4h22" stroke="${fade(colour, opacity)}" stroke-width="${width + 0.6}" stroke-dasharray="${dash.join(" ")}"/></svg>`;
}
