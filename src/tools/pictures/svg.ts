/**
 * A figure as SVG for a paper: one panel below the other, light background, axes with ticks and units. At most four points a
 * pixel column are written, so that a run of any length makes a file that a printer can take.
 */
import { type Figure, type Line, ownerName, type Panel, runLetter } from "./figure.ts";
import { drawLadder } from "./ladder.ts";
import { Pyramid } from "./pyramid.ts";
import { colourOf, lineStyle, type Shape, shapeOf } from "./style.ts";
import { axes, escapeXml, type Frame, legend, type LegendItem, n, text } from "./svg-frame.ts";
import { drawSequence, SEQUENCE_HEIGHT } from "./svg-sequence.ts";
import { thin, type Thinned } from "./thin.ts";
import { scaleFor, valueRange } from "./ticks.ts";

export interface SvgOptions {
  /** Pixels; 760. */
  readonly width?: number;
  /** Which panels, by their ids, "sequence" and "ladder"; all without it. */
  readonly panels?: readonly string[];
  /** ms from and to; the whole run without it. */
  readonly range?: readonly [number, number];
}

const MARGIN = { left: 64, right: 16 };
const PANEL_HEIGHT = 150;
/** Room below a panel for its tick labels and the next legend, and between the lines of text above. */
const FOOT = 36;
const LINE = 15;
/** A shape on a line about every so many pixels. */
const SHAPE_EVERY = 90;

export function svg(figure: Figure, options: SvgOptions = {}): string {
  const width = options.width ?? 760;
  const range = options.range ?? [0, figure.duration > 0 ? figure.duration : 1];
  const wanted = (id: string): boolean => options.panels?.includes(id) ?? true;
  const inner = width - MARGIN.left - MARGIN.right;
  const out: string[] = [];
  let y = heading(out, figure);
  let clip = 0;
  const place = (height: number, items: readonly LegendItem[], title: string): Frame => {
    const top = legend(out, { x: MARGIN.left, y, width: inner }, title, items);
    y = top + height + FOOT;
    return { x: MARGIN.left, y: top, width: inner, height, clip: `clip${clip++}` };
  };
  for (const panel of figure.panels.filter(({ id }) => wanted(id))) {
    const [low, high] = extent(panel, range);
    const scale = scaleFor(panel.unit, high);
    const title = `${panel.title} (${scale.name})`;
    const frame = place(
      PANEL_HEIGHT,
      panel.lines.map((l) => item(figure, l)),
      title,
    );
    drawPanel(out, figure, panel, frame, range, valueRange(low, high, panel.unit !== "ms"));
  }
  for (const sequence of wanted("sequence") ? figure.sequences : []) {
    drawSequence(out, figure, sequence, range, (items, title) =>
      place(SEQUENCE_HEIGHT, items, title),
    );
  }
  for (const ladder of wanted("ladder") ? figure.ladders : []) {
    const { parts, height } = drawLadder(ladder, { x: 12, y, width: width - 24 });
    out.push(...parts);
    y += height + LINE;
  }
  return document(width, y, figure, out);
}

function document(width: number, height: number, figure: Figure, body: readonly string[]): string {
  const title = figure.runs.map(({ name }) => name).join(" and ");
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${n(height)}" viewBox="0 0 ${width} ${n(height)}" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="11">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${n(height)}" fill="#fff"/>`,
    ...body,
    `</svg>`,
    "",
  ].join("\n");
}

/** The names of the runs and their facts; the y of what follows. */
function heading(out: string[], figure: Figure): number {
  let y = 18;
  figure.runs.forEach(({ name, facts }, run) => {
    const letter = figure.runs.length > 1 ? `${runLetter(run)}: ` : "";
    out.push(text(MARGIN.left, y, letter + name, `font-size="13" font-weight="bold"`));
    out.push(text(MARGIN.left, y + LINE, facts, `fill="#444" font-size="10"`));
    y += 2 * LINE + 4;
  });
  return y;
}

function item(figure: Figure, line: Line): LegendItem {
  const { rank } = figure.owners[line.owner]!;
  const label = `${ownerName(figure, line.owner)} ${line.quantity}`;
  const { width, dash, opacity } = lineStyle(line.quantity);
  const stroke = `stroke="${colourOf(rank)}" stroke-width="${width}" stroke-opacity="${opacity}"`;
  const sign = (x: number, y: number): string =>
    `<path d="M${n(x)} ${n(y)}h22" fill="none" ${stroke}${dashes(dash)}/>` +
    shape(shapeOf(rank), x + 11, y, colourOf(rank));
  return { label, width: 26, sign };
}

function dashes(dash: readonly number[]): string {
  return dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : "";
}

/** Least and greatest of what is drawn; gaps do not count. */
function extent(panel: Panel, range: readonly [number, number]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const { t, v } of panel.lines) {
    for (let i = 0; i < t.length; i++) {
      if (t[i]! < range[0] || t[i]! > range[1]) continue;
      if (v[i]! < low) low = v[i]!;
      if (v[i]! > high) high = v[i]!;
    }
  }
  return [low, high];
}

function drawPanel(
  out: string[],
  figure: Figure,
  panel: Panel,
  frame: Frame,
  x: readonly [number, number],
  y: readonly [number, number],
): void {
  axes(out, frame, x, y, panel.unit);
  const px = (t: number): number => frame.x + ((t - x[0]) / (x[1] - x[0])) * frame.width;
  const py = (v: number): number =>
    frame.y + frame.height - ((v - y[0]) / (y[1] - y[0])) * frame.height;
  out.push(`<g clip-path="url(#${frame.clip})" fill="none" stroke-linejoin="round">`);
  panel.lines.forEach((line, index) => {
    const thinned = thin(line.t, line.v, new Pyramid(line.v, line.v), x, Math.round(frame.width));
    const { width, dash, opacity } = lineStyle(line.quantity);
    const { rank } = figure.owners[line.owner]!;
    out.push(
      `<path d="${path(thinned, px, py)}" stroke="${colourOf(rank)}" stroke-width="${width}" stroke-opacity="${opacity}"${dashes(dash)}/>`,
    );
    const offset = frame.x + 20 + ((index * 37) % SHAPE_EVERY);
    out.push(...shapes(thinned, px, py, offset, shapeOf(rank), colourOf(rank)));
  });
  out.push(`</g>`);
}

type Place = (value: number) => number;

function path({ t, v }: Thinned, px: Place, py: Place): string {
  let d = "";
  let down = false;
  for (let i = 0; i < t.length; i++) {
    if (Number.isNaN(v[i])) {
      down = false;
      continue;
    }
    d += `${down ? "L" : "M"}${n(px(t[i]!))} ${n(py(v[i]!))}`;
    down = true;
  }
  return d;
}

/** Signs on a line, `SHAPE_EVERY` apart, so that it is known without its colour. */
function shapes(
  { t, v }: Thinned,
  px: Place,
  py: Place,
  from: number,
  which: Shape,
  colour: string,
): string[] {
  const found: string[] = [];
  let next = from;
  for (let i = 0; i < t.length; i++) {
    const x = px(t[i]!);
    if (x < next || Number.isNaN(v[i])) continue;
    found.push(shape(which, x, py(v[i]!), colour));
    next = x + SHAPE_EVERY;
  }
  return found;
}

function shape(which: Shape, x: number, y: number, colour: string): string {
  const solid = `fill="#fff" stroke="${colour}" stroke-width="1.1"`;
  const at = (d: string): string => `<path d="M${n(x)} ${n(y)}${d}" ${solid}/>`;
  switch (which) {
    case "circle":
      return `<circle cx="${n(x)}" cy="${n(y)}" r="2.6" ${solid}/>`;
    case "square":
      return at("m-2.4-2.4h4.8v4.8h-4.8z");
    case "triangle":
      return at("m0-3.2l3 5.4h-6z");
    case "diamond":
      return at("m0-3.4l3.4 3.4l-3.4 3.4l-3.4-3.4z");
    case "cross":
      return at("m-2.4-2.4l4.8 4.8m0-4.8l-4.8 4.8");
    case "plus":
      return at("m-3 0h6m-3-3v6");
  }
}
