/** The time-sequence graph of a flow in SVG: segments as bars, ACK and window as steps, signs for what got lost or marked. */
import { type Figure, type MarkColumns, ownerName, type Sequence } from "./figure.ts";
import { type Level, lowerBound, Pyramid } from "./pyramid.ts";
import { markStyle } from "./style.ts";
import { axes, type Frame, type LegendItem, n } from "./svg-frame.ts";
import { scaleFor, valueRange } from "./ticks.ts";

export const SEQUENCE_HEIGHT = 300;
/** Of one kind; beyond, neighbours in time are drawn as one. */
const MOST_BARS = 3000;
/** Crosses and rings are wide, and would hide the rest. */
const MOST_SIGNS = 150;

interface Part {
  readonly marks: MarkColumns;
  readonly level: Level;
  /** Nodes of the level. */
  readonly from: number;
  readonly to: number;
}

export function drawSequence(
  out: string[],
  figure: Figure,
  sequence: Sequence,
  range: readonly [number, number],
  place: (items: readonly LegendItem[], title: string) => Frame,
): void {
  const parts = sequence.marks.map((marks) => part(marks, range)).filter((p) => p.to > p.from);
  const [low, high] = extent(parts);
  const name = ownerName(figure, sequence.owner);
  const title = `Time-sequence of ${name} (${scaleFor("B", high).name})`;
  const frame = place(
    parts.map(({ marks }) => item(marks)),
    title,
  );
  const y = valueRange(low, high, false);
  axes(out, frame, range, y, "B");
  const px = (t: number): number =>
    frame.x + ((t - range[0]) / (range[1] - range[0])) * frame.width;
  const py = (v: number): number =>
    frame.y + frame.height - ((v - y[0]) / (y[1] - y[0])) * frame.height;
  out.push(`<g clip-path="url(#${frame.clip})" fill="none">`);
  for (const p of parts) {
    out.push(`<path d="${drawing(p, px, py)}" ${stroke(p.marks)}/>`);
  }
  out.push(`</g>`);
}

function part(marks: MarkColumns, [low, high]: readonly [number, number]): Part {
  const first = Math.max(0, lowerBound(marks.t, low) - 1);
  const end = Math.min(marks.t.length, lowerBound(marks.t, high) + 1);
  const { form } = markStyle(marks.kind);
  const most = form === "cross" || form === "ring" ? MOST_SIGNS : MOST_BARS;
  const level = new Pyramid(marks.from, marks.to).levelFor(first, end, most);
  return {
    marks,
    level,
    from: Math.floor(first / level.size),
    to: Math.ceil(end / level.size),
  };
}

function extent(parts: readonly Part[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const { level, from, to } of parts) {
    for (let i = from; i < to; i++) {
      low = Math.min(low, level.min[i]!);
      high = Math.max(high, level.max[i]!);
    }
  }
  return [low, high];
}

function stroke({ kind }: MarkColumns): string {
  const { colour, width, dash } = markStyle(kind);
  const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : "";
  return `stroke="${colour}" stroke-width="${width}"${dashes}`;
}

type Place = (value: number) => number;

function drawing({ marks, level, from, to }: Part, px: Place, py: Place): string {
  const { form, width } = markStyle(marks.kind);
  let d = "";
  for (let i = from; i < to; i++) {
    const x = px(marks.t[i * level.size]!);
    const [top, bottom] = [py(level.max[i]!), py(level.min[i]!)];
    switch (form) {
      case "bar":
        // a bar of no height would not be seen
        d += `M${n(x)} ${n(bottom)}V${n(Math.min(top, bottom - width / 2))}`;
        break;
      case "line":
        d += d === "" ? `M${n(x)} ${n(bottom)}` : `H${n(x)}V${n(bottom)}`;
        if (top !== bottom) d += `V${n(top)}`;
        break;
      case "cross":
        d += `M${n(x - 3)} ${n(bottom - 3)}l6 6m0-6l-6 6`;
        break;
      case "ring":
        d += `M${n(x - 3)} ${n(bottom)}a3 3 0 1 0 6 0a3 3 0 1 0-6 0`;
        break;
    }
  }
  return d;
}

function item(marks: MarkColumns): LegendItem {
  const { label, form, width } = markStyle(marks.kind);
  const sign = (x: number, y: number): string => {
    const d = {
      bar: `M${n(x + 4)} ${n(y - 5)}v10M${n(x + 9)} ${n(y - 5)}v10`,
      line: `M${n(x)} ${n(y)}h16`,
      cross: `M${n(x + 4)} ${n(y - 3)}l6 6m0-6l-6 6`,
      ring: `M${n(x + 4)} ${n(y)}a3 3 0 1 0 6 0a3 3 0 1 0-6 0`,
    }[form];
    return `<path d="${d}" fill="none" ${stroke(marks)}/>`;
  };
  return { label, width: 17 + width, sign };
}
