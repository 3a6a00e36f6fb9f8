/**
 * A ladder in SVG: time runs down, segments slant by their flight from one time line to the other, the states of both ends
 * are bands beside them. For scenes, captures and pages alike.
 */
import type { Ladder, LadderSegment } from "./figure.ts";
import {
  crossingsOf,
  fallOf,
  labelPlace,
  type Layout,
  layLadder,
  NOTE_LINE,
  noteLines,
  stateHeight,
} from "./ladder-layout.ts";
import { n, text } from "./svg-frame.ts";

/** Widths of the columns of times and of states; what is between is the wire. */
const TIME = 62;
const BAND = 96;
/** From its beginning to the first event, and for each line of remarks. */
const HEAD = 34;
const LINE = 16;
/** Where on its way a lost segment ends. */
const LOST_AT = 0.72;
const LETTER = 5.2;

const COLOURS = {
  plain: "#1f4e79",
  again: "#b26a00",
  lost: "#b00020",
  reset: "#b00020",
  grey: "#666",
} as const;

/** By state: calm colours, told apart in grey as well by their order of darkness. */
const BANDS: Readonly<Record<string, string>> = {
  CLOSED: "#f2f2f2",
  LISTEN: "#e6eef7",
  "SYN-SENT": "#fdf0d5",
  "SYN-RECEIVED": "#fbe3b4",
  ESTABLISHED: "#d8f0dc",
  "FIN-WAIT-1": "#e9dcf5",
  "FIN-WAIT-2": "#dcc8f0",
  "CLOSE-WAIT": "#f5dce6",
  CLOSING: "#e3c6ea",
  "LAST-ACK": "#efc4d6",
  "TIME-WAIT": "#d5d5ea",
};

/** Its place; notes stand on the right of `width`. */
export interface LadderPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** The marks, and how high they are together. */
export function drawLadder(
  ladder: Ladder,
  { x, y, width }: LadderPlace,
): { readonly parts: string[]; readonly height: number } {
  const [left, right] = [x + TIME + BAND, x + width - BAND];
  const top = y + 18;
  const layout = layLadder(ladder, y + HEAD);
  const { bottom } = layout;
  const crossings = crossingsOf(ladder, layout);
  const name = `text-anchor="middle" font-weight="bold"`;
  const parts = [
    text(left, y + 10, ladder.left, name),
    text(right, y + 10, ladder.right, name),
    ...bands(ladder, true, layout, left - BAND, top),
    ...bands(ladder, false, layout, right, top),
    ...[left, right].map(
      (line) => `<path d="M${n(line)} ${n(top)}V${n(bottom)}" stroke="#333" stroke-width="1.4"/>`,
    ),
    ...ladder.segments.map((segment) => {
      const place = labelPlace(crossings.get(segment)!);
      return arrow(segment, ladder, layout, [left, right], place);
    }),
    ...ladder.gaps.map((gap, i) => gapText(gap.text, layout.gaps[i]!, left, right)),
    ...ladder.remarks.map((remark, i) =>
      text(x, bottom + 14 + i * LINE, remark, `fill="${COLOURS.grey}"`),
    ),
  ];
  return { parts, height: bottom - y + ladder.remarks.length * LINE };
}

function bands(ladder: Ladder, atLeft: boolean, layout: Layout, x: number, top: number): string[] {
  const { segments } = ladder;
  const last = segments.reduce((m, s) => Math.max(m, s.arrived ?? s.sent), 0);
  const began = segments.reduce((m, s) => Math.min(m, s.sent), Infinity);
  const cuts = ladder.states[atLeft ? "left" : "right"]
    .filter(({ at }) => at <= last)
    .map(({ at, state }) => ({
      state,
      y: at < began ? top : stateHeight(at, atLeft, layout, top),
    }));
  return cuts.flatMap(({ state, y }, i) => {
    const bottom = cuts[i + 1]?.y ?? layout.bottom;
    if (bottom - y < 1) return [];
    const box = `<rect x="${n(x)}" y="${n(y)}" width="${BAND}" height="${n(bottom - y)}" fill="${BANDS[state] ?? "#fff"}" stroke="#bbb" stroke-width="0.6"/>`;
    if (bottom - y < 12) return [box];
    const at = Math.min(y + 14, bottom - 3);
    return [box, text(x + BAND / 2, at, state, `text-anchor="middle" font-size="10"`)];
  });
}

/** All of one segment, in a group, so that a page may hide it. */
function arrow(
  segment: LadderSegment,
  ladder: Ladder,
  layout: Layout,
  [left, right]: readonly [number, number],
  label: { readonly at: number; readonly share: number },
): string {
  const [from, to] = segment.fromLeft ? [left, right] : [right, left];
  const y = layout.sent.get(segment)!;
  const fall = fallOf(segment, ladder, layout);
  const isLost = segment.arrived === null;
  const share = isLost ? LOST_AT : 1;
  const [endX, endY] = [from + (to - from) * share, y + fall * share];
  const colour = isLost && segment.look !== "reset" ? COLOURS.lost : COLOURS[segment.look];
  const angle = (Math.atan2(fall, to - from) * 180) / Math.PI;
  const turn = segment.fromLeft ? angle : angle + 180;
  const [labelX, labelY] = [from + (to - from) * label.at, y + fall * label.at];
  const said = labelOf(segment, (right - left) * label.share);
  const dashes = isLost ? ` stroke-dasharray="5 4"` : "";
  const style = `text-anchor="middle" font-size="10.5" fill="${colour}" stroke="#fff" stroke-width="3" paint-order="stroke"`;
  const time = `text-anchor="end" fill="${COLOURS.grey}" font-size="10"`;
  return [
    `<g class="segment">`,
    text(left - BAND - 8, y + 4, segment.time, time),
    `<path d="M${n(from)} ${n(y)}L${n(endX)} ${n(endY)}" stroke="${colour}" stroke-width="1.4"${dashes}/>`,
    isLost ? cross(endX, endY, colour) : head(endX, endY, angle, colour),
    `<g transform="translate(${n(labelX)} ${n(labelY)}) rotate(${n(turn)})">${text(0, -4, said, style)}</g>`,
    ...notes(segment, layout, right + BAND + 16),
    `</g>`,
  ].join("");
}

function labelOf({ labels }: LadderSegment, room: number): string {
  return labels.find((label) => label.length * LETTER < room) ?? labels.at(-1) ?? "";
}

function head(x: number, y: number, angle: number, colour: string): string {
  return `<path d="M0 0L-9 -3.5V3.5Z" fill="${colour}" transform="translate(${n(x)} ${n(y)}) rotate(${n(angle)})"/>`;
}

function cross(x: number, y: number, colour: string): string {
  return `<path d="M${n(x - 5)} ${n(y - 5)}l10 10m0 -10l-10 10" stroke="${colour}" stroke-width="2"/>`;
}

/** On white, over whatever passes. */
function gapText(said: string, y: number, left: number, right: number): string {
  const room = said.length * 5.8 + 12;
  const middle = (left + right) / 2;
  return `<rect x="${n(middle - room / 2)}" y="${n(y - 8)}" width="${n(room)}" height="15" fill="#fff"/>${text(middle, y + 4, said, `text-anchor="middle" fill="${COLOURS.grey}"`)}`;
}

function notes(segment: LadderSegment, layout: Layout, x: number): string[] {
  const y = layout.sent.get(segment)!;
  return noteLines(segment).map((line, i) =>
    text(x, y + 4 + i * NOTE_LINE, line, `font-size="11" fill="#444"`),
  );
}

/** As a picture of its own, for a page. */
export function ladderSvg(ladder: Ladder, width: number): string {
  const { parts, height } = drawLadder(ladder, { x: 4, y: 4, width: width - 8 });
  return `<svg viewBox="0 0 ${width} ${n(height + 8)}" width="${width}" height="${n(height + 8)}" style="max-width:100%;height:auto" font-family="Helvetica, Arial, sans-serif" font-size="11">${parts.join("")}</svg>`;
}
