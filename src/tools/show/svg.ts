/**
 * A scene as a picture: time runs down, segments slant by their flight, the states of both ends are bands beside their lines,
 * and why is said on the right.
 */
import { RST } from "../../wire/tcp-segment.ts";
import { flagNames } from "../observe/index.ts";
import { n, text } from "../pictures/index.ts";
import type { Name } from "./player.ts";
import type { Played, SceneSegment } from "./record.ts";
import { wrap } from "./text.ts";

const WIDTH = 1120;
const TIME = 62;
const BAND = 96;
const WIRE = 520;
const LEFT = TIME + BAND;
const RIGHT = LEFT + WIRE;
const NOTES = RIGHT + BAND + 16;
/** Between two events, at the least; and how much more a longer silence gets. */
const ROW = 17;
const SILENCE = 9;
const NOTE_LINE = 13;
const NOTE_LETTERS = 54;

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

interface Row {
  readonly at: number;
  readonly y: number;
  readonly end: Name;
}

interface Layout {
  readonly rows: readonly Row[];
  readonly sent: ReadonlyMap<SceneSegment, number>;
  readonly arrived: ReadonlyMap<SceneSegment, number>;
  readonly bottom: number;
}

export function sceneSvg(scene: Played): string {
  const about = wrap(scene.about, 150);
  const top = 48 + about.length * 16;
  const layout = lay(scene, top + 34);
  const outcome = scene.outcome.flatMap((line) => wrap(line, 150));
  const height = layout.bottom + 34 + outcome.length * 16;
  const parts = [
    text(24, 30, scene.title, `font-size="19" font-weight="bold"`),
    ...about.map((line, i) => text(24, 52 + i * 16, line, `fill="#333"`)),
    text(LEFT, top + 10, scene.left, `text-anchor="middle" font-weight="bold"`),
    text(RIGHT, top + 10, scene.right, `text-anchor="middle" font-weight="bold"`),
    ...bands(scene, "A", layout, top + 18),
    ...bands(scene, "B", layout, top + 18),
    ...[LEFT, RIGHT].map(
      (x) => `<path d="M${x} ${top + 18}V${n(layout.bottom)}" stroke="#333" stroke-width="1.4"/>`,
    ),
    ...scene.segments.flatMap((segment) => arrow(segment, scene, layout)),
    ...notes(scene, layout),
    ...outcome.map((line, i) =>
      text(24, layout.bottom + 26 + i * 16, line, `font-weight="bold" fill="#333"`),
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${n(height)}" viewBox="0 0 ${WIDTH} ${n(height)}" font-family="Helvetica, Arial, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}

/** A height for each departure and arrival: their order in time, silences shortened, notes with room. */
function lay(scene: Played, top: number): Layout {
  const events = scene.segments.flatMap((segment, order) => [
    { at: segment.sent, order: 2 * order, segment, leaves: true },
    ...(segment.arrived === null
      ? []
      : [{ at: segment.arrived, order: 2 * order + 1, segment, leaves: false }]),
  ]);
  events.sort((a, b) => a.at - b.at || Number(a.leaves) - Number(b.leaves) || a.order - b.order);
  const rows: Row[] = [];
  const sent = new Map<SceneSegment, number>();
  const arrived = new Map<SceneSegment, number>();
  let y = top;
  let last = events[0]?.at ?? 0;
  let noteEnd = top - NOTE_LINE;
  for (const { at, segment, leaves } of events) {
    if (rows.length > 0) y += ROW + SILENCE * Math.log10(1 + at - last);
    if (leaves && segment.notes.length > 0) {
      y = Math.max(y, noteEnd + NOTE_LINE);
      noteEnd = y + NOTE_LINE * (noteLines(segment).length - 1) + 5;
    }
    const other: Name = segment.from === "A" ? "B" : "A";
    rows.push({ at, y, end: leaves ? segment.from : other });
    (leaves ? sent : arrived).set(segment, y);
    last = at;
  }
  return { rows, sent, arrived, bottom: Math.max(y, noteEnd) + 30 };
}

function noteLines({ notes }: SceneSegment): string[] {
  return notes.flatMap((note) => wrap(note, NOTE_LETTERS));
}

/** Where on its line a state of that end begins: at the event that brought it. */
function heightOf(at: number, end: Name, { rows }: Layout, top: number): number {
  const mine = rows.filter((row) => row.end === end && row.at <= at);
  const next = rows.find((row) => row.at > at);
  const [before] = mine.slice(-1);
  if (before === undefined) return top;
  // a timer's doing lies between two events
  if (before.at < at && next !== undefined) return (rows[rows.indexOf(next) - 1]!.y + next.y) / 2;
  return mine.find((row) => row.at === at)?.y ?? before.y;
}

function bands(scene: Played, end: Name, layout: Layout, top: number): string[] {
  const x = end === "A" ? LEFT - BAND : RIGHT;
  const last = scene.segments.reduce((m, s) => Math.max(m, s.arrived ?? s.sent), 0);
  const began = scene.segments[0]?.sent ?? 0;
  const spans = scene.states[end].filter(({ at }) => at <= last);
  const cuts = spans.map(({ at, state, why }) => ({
    state,
    y: at < began || why === "passive open" ? top : heightOf(at, end, layout, top),
  }));
  return cuts.flatMap(({ state, y }, i) => {
    const bottom = cuts[i + 1]?.y ?? layout.bottom;
    if (bottom - y < 1) return [];
    const label =
      bottom - y < 12
        ? []
        : [
            text(
              x + BAND / 2,
              Math.min(y + 14, bottom - 3),
              state,
              `text-anchor="middle" font-size="10"`,
            ),
          ];
    return [
      `<rect x="${x}" y="${n(y)}" width="${BAND}" height="${n(bottom - y)}" fill="${BANDS[state] ?? "#fff"}" stroke="#bbb" stroke-width="0.6"/>`,
      ...label,
    ];
  });
}

function labelOf({ flags, seq, length, ack, options, remark }: SceneSegment): string {
  const range = length > 0 ? `${seq}:${seq + length}` : `${seq}`;
  const known = options === "" ? "" : ` <${options}>`;
  const said = remark === "" ? "" : ` (${remark})`;
  const acked = flagNames(flags).includes("ACK") ? ` ack ${ack}` : "";
  const full = `${flagNames(flags)} seq ${range}${acked}${known}${said}`;
  return full.length * 5.2 < WIRE - 40 ? full : `${flagNames(flags)} seq ${range}${acked}${said}`;
}

/** How far down a segment is carried on its way: a lost one as its neighbours are. */
function fallOf(segment: SceneSegment, scene: Played, { sent, arrived }: Layout): number {
  const like = scene.segments
    .filter((s) => s.from === segment.from && s.arrived !== null)
    .toSorted((a, b) => Math.abs(a.sent - segment.sent) - Math.abs(b.sent - segment.sent));
  const [near] = segment.arrived === null ? like : [segment];
  return near === undefined ? 24 : arrived.get(near)! - sent.get(near)!;
}

function colourOf({ flags, remark, arrived }: SceneSegment): string {
  if ((flags & RST) !== 0) return COLOURS.reset;
  if (arrived === null) return COLOURS.lost;
  return remark.startsWith("retransmission") ? COLOURS.again : COLOURS.plain;
}

/** Where on its way a lost segment ends, and where a label stands, so that those of crossing segments do not meet. */
const LOST_AT = 0.72;
const LABEL_AT = 0.4;

function arrow(segment: SceneSegment, scene: Played, layout: Layout): string[] {
  const [from, to] = segment.from === "A" ? [LEFT, RIGHT] : [RIGHT, LEFT];
  const y = layout.sent.get(segment)!;
  const fall = fallOf(segment, scene, layout);
  const isLost = segment.arrived === null;
  const share = isLost ? LOST_AT : 1;
  const [endX, endY] = [from + (to - from) * share, y + fall * share];
  const colour = colourOf(segment);
  const angle = (Math.atan2(fall, to - from) * 180) / Math.PI;
  const turn = segment.from === "A" ? angle : angle + 180;
  const [labelX, labelY] = [from + (to - from) * LABEL_AT, y + fall * LABEL_AT];
  const dashes = isLost ? ` stroke-dasharray="5 4"` : "";
  const label = `text-anchor="middle" font-size="10.5" fill="${colour}" stroke="#fff" stroke-width="3" paint-order="stroke"`;
  return [
    text(
      TIME - 8,
      y + 4,
      segment.sent.toFixed(1),
      `text-anchor="end" fill="${COLOURS.grey}" font-size="10"`,
    ),
    `<path d="M${n(from)} ${n(y)}L${n(endX)} ${n(endY)}" stroke="${colour}" stroke-width="1.4"${dashes}/>`,
    isLost ? cross(endX, endY, colour) : head(endX, endY, angle, colour),
    `<g transform="translate(${n(labelX)} ${n(labelY)}) rotate(${n(turn)})">${text(0, -4, labelOf(segment), label)}</g>`,
  ];
}

function head(x: number, y: number, angle: number, colour: string): string {
  return `<path d="M0 0L-9 -3.5V3.5Z" fill="${colour}" transform="translate(${n(x)} ${n(y)}) rotate(${n(angle)})"/>`;
}

function cross(x: number, y: number, colour: string): string {
  return `<path d="M${n(x - 5)} ${n(y - 5)}l10 10m0 -10l-10 10" stroke="${colour}" stroke-width="2"/>`;
}

function notes(scene: Played, layout: Layout): string[] {
  return scene.segments.flatMap((segment) => {
    const y = layout.sent.get(segment)!;
    return noteLines(segment).map((line, i) =>
      text(NOTES, y + 4 + i * NOTE_LINE, line, `font-size="11" fill="#444"`),
    );
  });
}
