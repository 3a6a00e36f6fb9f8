/** A scene as text: a line for each segment with the states of both ends, and why, below what it is said of. */
import { RST } from "../../wire/tcp-segment.ts";
import { draw } from "../observe/index.ts";
import { wrap } from "../pictures/index.ts";
import type { Played, SceneSegment, StateSpan } from "./record.ts";

export interface TextOptions {
  /** Columns; 100 by default. */
  readonly width?: number;
  readonly color?: boolean;
}

const TIME = 11;
const STATE = 12;

export function sceneText(scene: Played, options: TextOptions = {}): string {
  const width = Math.max(80, options.width ?? 100);
  const paint: Paint = (code, text) =>
    options.color === true ? `\u001b[${code}m${text}\u001b[0m` : text;
  const between = " ".repeat(width - TIME - 2 * STATE);
  const lines = [
    paint("1", scene.title),
    ...wrap(scene.about, width),
    "",
    `${" ".repeat(TIME)}${scene.left.padStart(STATE)}${between}${scene.right}`,
    `${"ms".padStart(TIME - 1)} ${firstState(scene, "A").padStart(STATE)}${between}${firstState(scene, "B")}`,
    ...scene.segments.flatMap((segment) => linesOf(segment, width, paint)),
  ];
  if (scene.outcome.length > 0) lines.push("");
  for (const text of scene.outcome) lines.push(...wrap(text, width));
  return `${lines.join("\n")}\n`;
}

type Paint = (code: string, text: string) => string;

function linesOf(segment: SceneSegment, width: number, paint: Paint): string[] {
  const middle = width - TIME - 2 * STATE - 2;
  const inset = " ".repeat(TIME + STATE + 1);
  const { from, fromState, toState, flags, remark, sent, notes } = segment;
  const [left, right] = from === "A" ? [fromState, toState] : [toState, fromState];
  const [arrow = "", ...more] = arrowOf(segment, middle);
  const colour = (flags & RST) !== 0 ? "31" : remark === "" ? "0" : "33";
  const time = sent.toFixed(3).padStart(TIME - 1);
  return [
    `${time} ${(left ?? "").padStart(STATE)} ${paint(colour, arrow)} ${right ?? ""}`.trimEnd(),
    ...more.map((text) => inset + paint("33", center(text, middle))),
    ...notes
      .flatMap((note) => wrap(note, middle - 4))
      .map((text) => `${inset}  ${paint("2", text)}`),
  ];
}

/** Before the first segment. */
function firstState(scene: Played, name: "A" | "B"): string {
  const [first] = scene.segments;
  const before = ({ at, why }: StateSpan): boolean =>
    first !== undefined && (at < first.sent || (at === first.sent && why === "passive open"));
  return (scene.states[name].findLast(before) ?? scene.states[name][0]!).state;
}

function arrowOf(segment: SceneSegment, middle: number): string[] {
  const { sent, arrived, remark } = segment;
  const late =
    arrived !== null && arrived - sent > 100 ? `arrives at ${arrived.toFixed(0)} ms` : "";
  const said = [remark, late].filter((text) => text !== "").join(", ");
  const drawn: string[] = draw(
    { ...segment, fromLeft: segment.from === "A", remark: said },
    middle,
  );
  if (arrived === null) drawn[0] = drawn[0]!.replace(/[▶◀]/, "✗");
  return drawn;
}

function center(text: string, width: number): string {
  return (" ".repeat(Math.max(0, Math.floor((width - text.length) / 2))) + text).trimEnd();
}
