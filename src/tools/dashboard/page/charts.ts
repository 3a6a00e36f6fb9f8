/** Live graphs by uPlot: windows, round-trip time and rates of the connection that is looked at. */
import type uPlot from "uplot";
import { formatTick, formatValue, scaleFor, valueRange } from "../../pictures/page/index.ts";
import { add, colour, setText } from "./dom.ts";
import { type History, type Quantity, REACH } from "./history.ts";

const Chart = (globalThis as unknown as { readonly uPlot: typeof uPlot }).uPlot;
const HEIGHT = 116;
/** Seconds: as far back as the graphs reach, by the age of what they show. */
const SPANS = [10, 20, 40, REACH / 1000];
const GUTTER = 68;
const FONT = "11px system-ui, sans-serif";
/** Round steps for uPlot, which else would take quarters. */
const STEPS = Array.from({ length: 24 }, (_, i) => i - 9).flatMap((power) =>
  [1, 2, 5].map((x) => Number(`${x}e${power}`)),
);

interface Line {
  readonly quantity: Quantity;
  readonly name: string;
  /** Of the theme. */
  readonly colour: string;
  readonly dash?: readonly number[];
  /** It is in the picture where there is room, and does not press the others flat. */
  readonly humble?: boolean;
}

export interface ChartPlan {
  readonly title: string;
  readonly unit: "B" | "ms" | "bit/s";
  readonly lines: readonly Line[];
}

export const PLANS: readonly ChartPlan[] = [
  {
    title: "Windows",
    unit: "B",
    lines: [
      { quantity: "cwnd", name: "cwnd", colour: "line1" },
      { quantity: "ssthresh", name: "ssthresh", colour: "line2", dash: [6, 4], humble: true },
      { quantity: "inFlight", name: "in flight", colour: "line3" },
      { quantity: "window", name: "peer's window", colour: "line4", dash: [2, 3], humble: true },
    ],
  },
  {
    title: "Round-trip time",
    unit: "ms",
    lines: [{ quantity: "srtt", name: "smoothed", colour: "line5" }],
  },
  {
    title: "Rate",
    unit: "bit/s",
    lines: [
      { quantity: "sendRate", name: "sends", colour: "line1" },
      { quantity: "receiveRate", name: "receives", colour: "line3" },
    ],
  },
];

export class LiveChart {
  readonly #plan: ChartPlan;
  readonly #host: HTMLElement;
  readonly #values: HTMLElement[] = [];
  #chart: uPlot | null = null;
  #history: History | null = null;
  #limits: [number, number] = [0, 1];
  #range: [number, number] = [-REACH / 1000, 0];

  constructor(host: HTMLElement, plan: ChartPlan) {
    this.#plan = plan;
    const figure = add(host, "figure", "chart");
    const caption = add(figure, "figcaption");
    add(caption, "b", "", plan.title);
    for (const { name, colour: of } of plan.lines) {
      const entry = add(caption, "span", `legend ${of}`);
      add(entry, "i");
      entry.append(`${name} `);
      this.#values.push(add(entry, "output"));
    }
    this.#host = add(figure, "div", "plot");
    new ResizeObserver(() => this.#resize()).observe(this.#host);
  }

  /** After the colours changed, too. */
  rebuild(): void {
    this.#chart?.destroy();
    this.#chart = new Chart(this.#options(), [[], ...this.#plan.lines.map(() => [])], this.#host);
    this.draw(this.#history);
  }

  draw(history: History | null): void {
    this.#history = history;
    if (this.#chart === null) return;
    const now = history?.times.at(-1) ?? 0;
    const age = now - (history?.times[0] ?? now);
    this.#range = [now - (SPANS.find((span) => span >= age) ?? SPANS.at(-1)!), now];
    const columns = this.#plan.lines.map(({ quantity }) => history?.values[quantity] ?? []);
    this.#limits = this.#fit(columns);
    this.#chart.setData([[...(history?.times ?? [])], ...columns.map((c) => [...c])]);
    this.#plan.lines.forEach((_line, i) => {
      const last = columns[i]!.at(-1);
      setText(this.#values[i]!, last == null ? "–" : formatValue(last, this.#plan.unit));
    });
  }

  #fit(columns: readonly (number | null)[][]): [number, number] {
    const most = (wanted: boolean): number =>
      this.#plan.lines.reduce((high, { humble }, i) => {
        if ((humble !== true) !== wanted) return high;
        return columns[i]!.reduce<number>((h, v) => (v !== null && v > h ? v : h), high);
      }, 0);
    const [high, humble] = [most(true), most(false)];
    const least = this.#plan.unit === "ms" ? 0.01 : 1000;
    return valueRange(0, Math.max(high, humble <= 3 * high ? humble : 0, least), true);
  }

  #resize(): void {
    const width = this.#host.clientWidth;
    if (width === 0) return;
    if (this.#chart === null) this.rebuild();
    else if (this.#chart.width !== width) this.#chart.setSize({ width, height: HEIGHT });
  }

  #options(): uPlot.Options {
    const { unit, lines } = this.#plan;
    const grid = { stroke: colour("grid"), width: 1 };
    const axis = {
      font: FONT,
      stroke: colour("muted"),
      incrs: STEPS,
      grid,
      ticks: { show: false },
    };
    return {
      width: Math.max(120, this.#host.clientWidth),
      height: HEIGHT,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => this.#range },
        y: { range: () => this.#limits },
      },
      axes: [
        {
          ...axis,
          size: 24,
          // ticks stand at whole seconds before now
          splits: () => {
            const [from, to] = this.#range;
            return [0, 1, 2, 3, 4].map((quarter) => from + ((to - from) * quarter) / 4);
          },
          values: () => {
            const span = this.#range[1] - this.#range[0];
            const back = [4, 3, 2, 1].map(
              (quarter) => `${Number(((span * quarter) / 4).toFixed(1))} s`,
            );
            return [`${back[0]} ago`, ...back.slice(1), "now"];
          },
          filter: (_u, splits) => splits,
        },
        {
          ...axis,
          size: GUTTER,
          space: 26,
          values: (_u, splits, _axis, _space, step) => {
            const scale = scaleFor(unit, this.#limits[1]);
            return splits.map((y) => `${formatTick(y, scale, step)} ${scale.name}`);
          },
        },
      ],
      series: [
        {},
        ...lines.map((line): uPlot.Series => ({
          stroke: colour(line.colour),
          width: 1.5,
          dash: [...(line.dash ?? [])],
          points: { show: false },
        })),
      ],
    };
  }
}
