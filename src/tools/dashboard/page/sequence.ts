/** The time-sequence graph of one direction, live: segments as bars, ACK and window as steps, what left again in red. */
import { formatTick, niceStep, scaleFor, ticks } from "../../pictures/page/index.ts";
import type { SeenSegment } from "../messages.ts";
import { add, colour } from "./dom.ts";

const HEIGHT = 220;
const GUTTER = 68;
const MARGIN = 10;
const TOP = 8;
const FOOT = 22;
/** Seconds that it reaches back, by the age of what it shows. */
const SPANS = [4, 8, 20];
/** Least pixels of a bar. */
const LEAST = 2;

type Way = "out" | "in";

export class SequenceChart {
  readonly #canvas: HTMLCanvasElement;
  readonly #host: HTMLElement;
  readonly #choice: HTMLSelectElement;
  #segments: readonly SeenSegment[] = [];
  #now = 0;
  #reach = SPANS[0]!;
  #low = 0;
  #high = 1;

  constructor(host: HTMLElement) {
    const figure = add(host, "figure", "chart");
    const caption = add(figure, "figcaption");
    add(caption, "b", "", "Time-sequence");
    this.#choice = add(caption, "select");
    this.#choice.setAttribute("aria-label", "Direction");
    for (const [value, text] of [
      ["auto", "busier direction"],
      ["out", "what we send"],
      ["in", "what the peer sends"],
    ]) {
      this.#choice.add(new Option(text, value));
    }
    this.#choice.addEventListener("change", () => this.#paint());
    for (const [name, text] of [
      ["line1", "segment"],
      ["bad", "again"],
      ["line3", "ACK"],
      ["line4", "window"],
      ["line5", "SACK"],
    ]) {
      const entry = add(caption, "span", `legend ${name}`);
      add(entry, "i");
      entry.append(text!);
    }
    this.#host = add(figure, "div", "plot");
    this.#canvas = add(this.#host, "canvas");
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", "Time-sequence graph of the last seconds");
    new ResizeObserver(() => this.#paint()).observe(this.#host);
  }

  /** `now`: ms, as the segments' times. */
  draw(segments: readonly SeenSegment[], now: number): void {
    this.#segments = segments;
    this.#now = now;
    this.#paint();
  }

  rebuild(): void {
    this.#paint();
  }

  #way(): Way {
    const { value } = this.#choice;
    if (value === "out" || value === "in") return value;
    let balance = 0;
    for (const { out, length } of this.#segments) balance += out ? length : -length;
    return balance >= 0 ? "out" : "in";
  }

  #paint(): void {
    const width = this.#host.clientWidth;
    if (width === 0) return;
    const ratio = devicePixelRatio;
    const { style } = this.#canvas;
    const [w, h] = [Math.round(width * ratio), Math.round(HEIGHT * ratio)];
    if (this.#canvas.width !== w || this.#canvas.height !== h) {
      this.#canvas.width = w;
      this.#canvas.height = h;
      style.width = `${width}px`;
      style.height = `${HEIGHT}px`;
    }
    const c = this.#canvas.getContext("2d")!;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, HEIGHT);
    const out = this.#way() === "out";
    const age = (this.#now - (this.#segments[0]?.at ?? this.#now)) / 1000;
    this.#reach = SPANS.find((span) => span >= age) ?? SPANS.at(-1)!;
    const since = this.#now - this.#reach * 1000;
    const seen = this.#segments.filter(({ at }) => at >= since);
    const data = seen.filter((s) => s.out === out && s.length > 0);
    const acks = seen.filter((s) => s.out !== out && s.ack > 0);
    this.#limits(data, acks);
    this.#axes(c, width);
    c.save();
    c.beginPath();
    c.rect(GUTTER, TOP, width - GUTTER - MARGIN, HEIGHT - TOP - FOOT);
    c.clip();
    this.#steps(c, width, acks, colour("line4"), [2, 3], (s) => s.ack + s.window);
    this.#bars(c, width, data);
    this.#sacks(c, width, acks);
    this.#steps(c, width, acks, colour("line3"), [], (s) => s.ack);
    c.restore();
    if (data.length === 0) this.#nothing(c, width);
  }

  #limits(data: readonly SeenSegment[], acks: readonly SeenSegment[]): void {
    let [low, high] = [Infinity, -Infinity];
    for (const { seq, length } of data) {
      low = Math.min(low, seq);
      high = Math.max(high, seq + length);
    }
    let window = -Infinity;
    for (const s of acks) {
      if (data.length === 0) low = Math.min(low, s.ack);
      high = Math.max(high, s.ack);
      window = Math.max(window, s.ack + s.window);
    }
    if (!(high >= low)) [low, high] = [0, 1];
    // the window is in the picture where it does not press the segments flat
    if (window - low <= 3 * (high - low)) high = Math.max(high, window);
    const room = Math.max(1, 0.05 * (high - low));
    this.#low = Math.max(0, low - room);
    this.#high = high + room;
  }

  #x(width: number, at: number): number {
    const share = (at - this.#now) / (this.#reach * 1000) + 1;
    return GUTTER + share * (width - GUTTER - MARGIN);
  }

  #y(v: number): number {
    const share = (v - this.#low) / (this.#high - this.#low);
    return HEIGHT - FOOT - share * (HEIGHT - TOP - FOOT);
  }

  #axes(c: CanvasRenderingContext2D, width: number): void {
    c.font = "11px system-ui, sans-serif";
    c.fillStyle = colour("muted");
    c.strokeStyle = colour("grid");
    c.lineWidth = 1;
    c.textAlign = "right";
    const step = niceStep(this.#high - this.#low, 6);
    const scale = scaleFor("B", this.#high);
    for (const value of ticks(this.#low, this.#high, step)) {
      const y = Math.round(this.#y(value)) + 0.5;
      line(c, GUTTER, y, width - MARGIN, y);
      c.fillText(`${formatTick(value, scale, step)} ${scale.name}`, GUTTER - 6, y + 4);
    }
    c.textAlign = "center";
    for (const quarter of [4, 3, 2, 1, 0]) {
      const back = (quarter * this.#reach) / 4;
      const x = Math.round(this.#x(width, this.#now - back * 1000)) + 0.5;
      line(c, x, TOP, x, HEIGHT - FOOT);
      if (back === 0) c.textAlign = "right";
      c.fillText(back === 0 ? "now" : `${back} s${quarter === 4 ? " ago" : ""}`, x, HEIGHT - 6);
    }
  }

  #bars(c: CanvasRenderingContext2D, width: number, data: readonly SeenSegment[]): void {
    const [plain, again] = [colour("line1"), colour("bad")];
    for (const s of data) {
      const isAgain = /retransmission|probe/.test(s.remark);
      const thick = isAgain ? 3 : LEAST;
      const top = this.#y(s.seq + s.length);
      c.fillStyle = isAgain ? again : plain;
      c.fillRect(
        this.#x(width, s.at) - thick / 2,
        top,
        thick,
        Math.max(LEAST, this.#y(s.seq) - top),
      );
    }
  }

  #sacks(c: CanvasRenderingContext2D, width: number, acks: readonly SeenSegment[]): void {
    c.fillStyle = colour("line5");
    for (const { at, options } of acks) {
      for (const [, from, to] of options.matchAll(/\bsack (\d+):(\d+)/g)) {
        const top = this.#y(Number(to));
        c.fillRect(this.#x(width, at) - 1, top, 2, Math.max(LEAST, this.#y(Number(from)) - top));
      }
    }
  }

  #steps(
    c: CanvasRenderingContext2D,
    width: number,
    acks: readonly SeenSegment[],
    stroke: string,
    dash: readonly number[],
    of: (s: SeenSegment) => number,
  ): void {
    c.strokeStyle = stroke;
    c.lineWidth = 1.3;
    c.setLineDash([...dash]);
    c.beginPath();
    let y: number | null = null;
    for (const s of acks) {
      const x = this.#x(width, s.at);
      if (y === null) c.moveTo(x, this.#y(of(s)));
      else c.lineTo(x, y);
      y = this.#y(of(s));
      c.lineTo(x, y);
    }
    if (y !== null) c.lineTo(width - MARGIN, y);
    c.stroke();
    c.setLineDash([]);
  }

  #nothing(c: CanvasRenderingContext2D, width: number): void {
    c.fillStyle = colour("muted");
    c.textAlign = "center";
    c.font = "13px system-ui, sans-serif";
    c.fillText(
      `no data in the last ${this.#reach} s`,
      (GUTTER + width - MARGIN) / 2,
      HEIGHT / 2 - 8,
    );
  }
}

function line(c: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  c.beginPath();
  c.moveTo(x1, y1);
  c.lineTo(x2, y2);
  c.stroke();
}
