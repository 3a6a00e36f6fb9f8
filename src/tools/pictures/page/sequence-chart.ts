/**
 * The time-sequence graph on a canvas: segments as bars, ACK and window as steps, SACK blocks, retransmissions and losses. What
 * has more marks than pixels is drawn by the nodes of a pyramid, some for each pixel column, so that no end of a bar is lost.
 */
import { type Figure, type MarkColumns, ownerName } from "../figure.ts";
import { type Part, partOf, sequenceRange } from "../parts.ts";
import { lowerBound, Pyramid } from "../pyramid.ts";
import { colourOf, type MarkStyle, markStyle } from "../style.ts";
import { formatTick, niceStep, scaleFor, ticks, timeScale } from "../ticks.ts";
import { add, createPlot, GUTTER, MARGIN, type Plot } from "./plot.ts";
import type { View } from "./view.ts";

const HEIGHT = 420;
const TOP = 8;
const FOOT = 24;
/** Nodes for each pixel column: several, as neighbours in time may be far apart in sequence. */
const NODES = 4;
/** Pixels around the pointer in which a mark is named. */
const NEAR = 7;

interface Column {
  readonly owner: number;
  readonly marks: MarkColumns;
  readonly style: MarkStyle;
  readonly pyramid: Pyramid;
}

interface DrawnPart extends Part {
  readonly column: Column;
}

export class SequenceChart {
  private readonly figure: Figure;
  private readonly view: View;
  private readonly plot: Plot;
  private readonly columns: readonly Column[];
  private readonly context: CanvasRenderingContext2D;
  private readonly note: HTMLElement;
  private readonly entries: { kind: string; entry: HTMLElement }[] = [];
  /** The flow that is shown; null: all that are on. */
  private only: number | null;
  private limits: [number, number] = [0, 1];
  private pointerY: number | null = null;
  private parts: DrawnPart[] = [];

  constructor(host: HTMLElement, figure: Figure, view: View) {
    this.figure = figure;
    this.view = view;
    this.plot = createPlot(host, "Time-sequence", view);
    this.columns = figure.sequences.flatMap(({ owner, marks }) =>
      marks.map((m) => {
        return { owner, marks: m, style: markStyle(m.kind), pyramid: new Pyramid(m.from, m.to) };
      }),
    );
    this.only = figure.sequences.length > 1 ? figure.sequences[0]!.owner : null;
    if (figure.sequences.length > 1) this.chooser();
    this.legend();
    const canvas = document.createElement("canvas");
    this.plot.area.prepend(canvas);
    this.context = canvas.getContext("2d", { alpha: false })!;
    this.note = add(this.plot.section, "div", "note");
    this.plot.area.addEventListener("pointermove", (e) => {
      this.pointerY = e.clientY - this.plot.area.getBoundingClientRect().top;
    });
  }

  draw(): void {
    if (!this.plot.isSeen()) return;
    const { context: c } = this;
    const width = this.plot.width;
    const ratio = devicePixelRatio;
    const full = Math.round((width + GUTTER + MARGIN) * ratio);
    if (c.canvas.width !== full || c.canvas.height !== HEIGHT * ratio) {
      c.canvas.width = full;
      c.canvas.height = HEIGHT * ratio;
      c.canvas.style.width = `${full / ratio}px`;
      c.canvas.style.height = `${HEIGHT}px`;
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = "#fff";
    c.fillRect(0, 0, full, HEIGHT);
    this.parts = this.columns.filter((x) => this.isShown(x)).map((x) => this.part(x, width));
    this.limits = sequenceRange(this.parts);
    this.drawAxes(width);
    c.save();
    c.beginPath();
    c.rect(GUTTER, TOP, width, HEIGHT - TOP - FOOT);
    c.clip();
    for (const part of this.parts) this.drawPart(part);
    c.restore();
    for (const { kind, entry } of this.entries) {
      const on = this.parts.some(({ column }) => column.marks.kind === kind);
      entry.className = on ? "" : "off";
    }
    this.drawCursor();
  }

  measure(): void {
    this.plot.measure();
  }

  drawCursor(): void {
    this.plot.showCursor(HEIGHT - FOOT);
    const { cursor } = this.view;
    this.note.textContent = cursor === null ? "" : this.describe(cursor);
  }

  private isShown({ owner, marks }: Column): boolean {
    const { hiddenOwners, hiddenMarks } = this.view;
    const chosen = this.only === null ? !hiddenOwners.has(owner) : this.only === owner;
    return chosen && !hiddenMarks.has(marks.kind);
  }

  private part(column: Column, width: number): DrawnPart {
    const { form } = column.style;
    const most = form === "cross" || form === "ring" ? 0.25 : NODES / this.view.grain;
    return { ...partOf(column.marks, column.pyramid, this.view.range, width * most), column };
  }

  private px(t: number): number {
    const [low, high] = this.view.range;
    return GUTTER + ((t - low) / (high - low)) * this.plot.width;
  }

  private py(v: number): number {
    const [low, high] = this.limits;
    return HEIGHT - FOOT - ((v - low) / (high - low)) * (HEIGHT - TOP - FOOT);
  }

  private drawPart(part: DrawnPart): void {
    const { context: c } = this;
    const { style, marks, owner } = part.column;
    const shared = this.only === null && this.figure.sequences.length > 1;
    const own = shared && marks.kind === "data";
    const colour = own ? colourOf(this.figure.owners[owner]!.rank) : style.colour;
    c.strokeStyle = colour;
    c.fillStyle = colour;
    c.lineWidth = style.width;
    c.setLineDash([...style.dash]);
    if (style.form === "bar") this.drawBars(part);
    else if (style.form === "line") this.drawSteps(part);
    else this.drawSigns(part);
    c.setLineDash([]);
  }

  private drawBars({ column, level, from, to }: DrawnPart): void {
    const { t } = column.marks;
    const { width } = column.style;
    for (let i = from; i < to; i++) {
      const first = i * level.size;
      const x = this.px(t[first]!);
      const last = this.px(t[Math.min(first + level.size, t.length) - 1]!);
      const top = this.py(level.max[i]!);
      // a bar is seen even where it is lower or narrower than a pixel
      const height = Math.max(width, this.py(level.min[i]!) - top);
      this.context.fillRect(x - width / 2, top, last - x + width, height);
    }
  }

  private drawSteps({ column, level, from, to }: DrawnPart): void {
    const { context: c } = this;
    c.beginPath();
    for (let i = from; i < to; i++) {
      const x = this.px(column.marks.t[i * level.size]!);
      const [low, high] = [this.py(level.min[i]!), this.py(level.max[i]!)];
      if (i === from) c.moveTo(x, low);
      else c.lineTo(x, low);
      if (high !== low) c.lineTo(x, high);
      // the value stands until the next
      if (i + 1 < to) c.lineTo(this.px(column.marks.t[(i + 1) * level.size]!), high);
    }
    c.stroke();
  }

  private drawSigns({ column, level, from, to }: DrawnPart): void {
    const { context: c } = this;
    c.beginPath();
    for (let i = from; i < to; i++) {
      const [x, y] = [this.px(column.marks.t[i * level.size]!), this.py(level.min[i]!)];
      if (column.style.form === "ring") {
        c.moveTo(x + 3.5, y);
        c.arc(x, y, 3.5, 0, 2 * Math.PI);
      } else {
        c.moveTo(x - 3.5, y - 3.5);
        c.lineTo(x + 3.5, y + 3.5);
        c.moveTo(x + 3.5, y - 3.5);
        c.lineTo(x - 3.5, y + 3.5);
      }
    }
    c.stroke();
  }

  private drawAxes(width: number): void {
    const { context: c } = this;
    const bottom = HEIGHT - FOOT;
    const [low, high] = this.limits;
    const [start, end] = this.view.range;
    c.font = "12px system-ui, Helvetica, Arial, sans-serif";
    c.lineWidth = 1;
    c.strokeStyle = "#e8e8e8";
    c.fillStyle = "#222";
    const step = niceStep(high - low, HEIGHT / 36);
    const scale = scaleFor("B", high);
    c.textAlign = "right";
    for (const value of ticks(low, high, step)) {
      const y = Math.round(this.py(value)) + 0.5;
      line(c, GUTTER, y, GUTTER + width, y);
      c.fillText(`${formatTick(value, scale, step)} ${scale.name}`, GUTTER - 6, y + 4);
    }
    c.textAlign = "center";
    const timeStep = niceStep(end - start, width / 90);
    const time = timeScale(end);
    for (const value of ticks(start, end, timeStep)) {
      const x = Math.round(this.px(value)) + 0.5;
      line(c, x, TOP, x, bottom);
      c.fillText(`${formatTick(value, time, timeStep)} ${time.name}`, x, bottom + 16);
    }
    c.strokeStyle = "#888";
    c.strokeRect(GUTTER + 0.5, TOP + 0.5, width, bottom - TOP);
  }

  /** The time, and the mark under the pointer. */
  private describe(cursor: number): string {
    const when = formatTick(cursor, { divisor: 1, name: "ms" }, 0.001);
    const reach = (NEAR * (this.view.range[1] - this.view.range[0])) / this.plot.width;
    let best: { distance: number; text: string } | null = null;
    for (const { column } of this.parts) {
      const { t, from, to, kind } = column.marks;
      const start = lowerBound(t, cursor - reach);
      const end = lowerBound(t, cursor + reach);
      if (end - start > 5000) continue;
      for (let i = start; i < end; i++) {
        const distance = this.distance(t[i]!, from[i]!, to[i]!, cursor);
        if (distance > NEAR || (best !== null && distance > best.distance)) continue;
        const span = from[i] === to[i] ? `${from[i]}` : `${from[i]}:${to[i]}`;
        const at = formatTick(t[i]!, { divisor: 1, name: "ms" }, 0.001);
        const text = `${ownerName(this.figure, column.owner)}: ${markStyle(kind).label} ${span} at ${at} ms`;
        best = { distance, text };
      }
    }
    return best === null ? `${when} ms` : `${when} ms · ${best.text}`;
  }

  /** Pixels from the pointer. */
  private distance(t: number, from: number, to: number, cursor: number): number {
    const y = this.pointerY ?? -1000;
    const [top, bottom] = [this.py(to), this.py(from)];
    const dy = y < top ? top - y : Math.max(0, y - bottom);
    return Math.hypot(this.px(t) - this.px(cursor), dy);
  }

  private chooser(): void {
    const select = document.createElement("select");
    for (const { owner } of this.figure.sequences) {
      select.add(new Option(ownerName(this.figure, owner), String(owner)));
    }
    select.add(new Option("all that are on", ""));
    select.addEventListener("change", () => {
      this.only = select.value === "" ? null : Number(select.value);
      this.view.changed("all");
    });
    this.plot.legend.append(select);
  }

  private legend(): void {
    const kinds = new Map(this.columns.map(({ marks, style }) => [marks.kind, style]));
    for (const [kind, { label, colour, form, width, dash }] of kinds) {
      const d = { bar: "M7 1v12M12 1v12", line: "M0 7h20", cross: "M5 3l8 8m0-8l-8 8", ring: "" };
      const ring = form === "ring" ? `<circle cx="9" cy="7" r="4"/>` : "";
      const entry = add(this.plot.legend, "span");
      entry.innerHTML = `<svg width="20" height="14" fill="none" stroke="${colour}" stroke-width="${width}" stroke-dasharray="${dash.join(" ")}"><path d="${d[form]}"/>${ring}</svg>`;
      entry.append(label);
      this.entries.push({ kind, entry });
    }
  }
}

function line(c: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  c.beginPath();
  c.moveTo(x1, y1);
  c.lineTo(x2, y2);
  c.stroke();
}
