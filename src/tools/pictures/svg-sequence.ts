/** The time-sequence graph of a flow in SVG: segments as bars, ACK and window as steps, signs for what got lost or marked. */
import { type Figure, type MarkColumns, ownerName, type Sequence } from "./figure.ts";
import { type Part, partOf, sequenceRange } from "./parts.ts";
import { Pyramid } from "./pyramid.ts";
import { markStyle } from "./style.ts";
import { axes, type Frame, type LegendItem, n } from "./svg-frame.ts";
import { scaleFor } from "./ticks.ts";

export const SEQUENCE_HEIGHT = 300;
/** Of one kind; beyond, neighbours in time are drawn as one. */
const MOST_BARS = 3000;
/** Crosses and rings are wide, and would hide the rest. */
const MOST_SIGNS = 150;

export function drawSequence(
  out: string[],
  figure: Figure,
  sequence: Sequence,
  range: readonly [number, number],
  place: (items: readonly LegendItem[], title: string) => Frame,
): void {
  const parts = sequence.marks.map((marks) => part(marks, range)).filter((p) => p.to > p.from);
  const y = sequenceRange(parts);
  const name = ownerName(figure, sequence.owner);
  const title = `Time-sequence of ${name} (${scaleFor("B", y[1]).name})`;
  const frame = place(
    parts.map(({ marks }) => item(marks)),
    title,
  );
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

function part(marks: MarkColumns, range: readonly [number, number]): Part {
  const { form } = markStyle(marks.kind);
  const most = form === "cross" || form === "ring" ? MOST_SIGNS : MOST_BARS;
  return partOf(marks, new Pyramid(marks.from, marks.to), range, most);
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
