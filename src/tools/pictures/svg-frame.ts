/** What surrounds a plot in SVG: frame, grid, ticks with their labels, and the legend above. */
import type { Unit } from "./figure.ts";
import { formatTick, niceStep, scaleFor, ticks, timeScale } from "./ticks.ts";

export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The id of its clip path. */
  readonly clip: string;
}

export interface LegendItem {
  readonly label: string;
  /** Of the sign, in pixels. */
  readonly width: number;
  readonly sign: (x: number, y: number) => string;
}

/** A number with what a picture needs of it. */
export function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${n(x)}" y="${n(y)}" ${attributes}>${escapeXml(content)}</text>`;
}

export function escapeXml(content: string): string {
  return content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll(NOT_IN_XML, "\ufffd");
}

/** In Helvetica and Arial a letter is about half as wide as it is high. */
const LETTER = 5.9;
const LINE = 15;
const GREY = "#444";
/** XML 1.0 has no place for these, not even escaped. */
// oxlint-disable-next-line no-control-regex
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/gu;

/** Title and items, in as many lines as they need; the y of the plot below. */
export function legend(
  out: string[],
  at: { readonly x: number; readonly y: number; readonly width: number },
  title: string,
  items: readonly LegendItem[],
): number {
  let y = at.y + LINE;
  out.push(text(at.x, y, title, `font-weight="bold"`));
  let x = at.x + title.length * (LETTER + 0.8) + 18;
  for (const { label, width, sign } of items) {
    const room = width + 4 + label.length * LETTER;
    if (x + room > at.x + at.width) {
      x = at.x;
      y += LINE;
    }
    out.push(sign(x, y - 4), text(x + width + 2, y, label, `fill="${GREY}"`));
    x += room + 14;
  }
  return y + 8;
}

export function axes(
  out: string[],
  frame: Frame,
  x: readonly [number, number],
  y: readonly [number, number],
  unit: Unit,
): void {
  const { width, height } = frame;
  const [right, bottom] = [frame.x + width, frame.y + height];
  out.push(
    `<clipPath id="${frame.clip}"><rect x="${n(frame.x)}" y="${n(frame.y)}" width="${n(width)}" height="${n(height)}"/></clipPath>`,
  );
  const yScale = scaleFor(unit, y[1]);
  const yStep = niceStep(y[1] - y[0], height / 28);
  for (const value of ticks(y[0], y[1], yStep)) {
    const at = bottom - ((value - y[0]) / (y[1] - y[0])) * height;
    out.push(`<path d="M${n(frame.x)} ${n(at)}h${n(width)}" stroke="#e3e3e3"/>`);
    const label = formatTick(value, yScale, yStep);
    out.push(text(frame.x - 6, at + 4, label, `text-anchor="end" fill="${GREY}"`));
  }
  const span = x[1] - x[0];
  const xScale = timeScale(span);
  const xStep = niceStep(span, width / 70);
  for (const value of ticks(x[0], x[1], xStep)) {
    const at = frame.x + ((value - x[0]) / span) * width;
    out.push(`<path d="M${n(at)} ${n(frame.y)}v${n(height)}" stroke="#efefef"/>`);
    out.push(`<path d="M${n(at)} ${n(bottom)}v4" stroke="${GREY}"/>`);
    const label = formatTick(value, xScale, xStep);
    // the last label stands before the name of the unit
    if (at < right - 64)
      out.push(text(at, bottom + 15, label, `text-anchor="middle" fill="${GREY}"`));
  }
  out.push(text(right, bottom + 15, `time (${xScale.name})`, `text-anchor="end" fill="${GREY}"`));
  out.push(
    `<rect x="${n(frame.x)}" y="${n(frame.y)}" width="${n(width)}" height="${n(height)}" fill="none" stroke="${GREY}"/>`,
  );
}
