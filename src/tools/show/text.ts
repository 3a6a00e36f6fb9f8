/** A scene as text: a line for each segment with the states of both ends, and why, below what it is said of. */
import { RST } from "../../wire/tcp-segment.ts";
import { draw } from "../observe/ladder.ts";
import type { Played, SceneSegment } from "./record.ts";

export interface TextOptions {
  /** Columns; 100 by default. */
  readonly width?: number;
  readonly color?: boolean;
}

const TIME = 11;
const STATE = 12;

export function sceneText(scene: Played, options: TextOptions = {}): string {
  const width = Math.max(80, options.width ?? 100);
  const middle = width - TIME - 2 * STATE - 2;
  const paint = (code: string, text: string): string =>
    options.color === true ? `\u001b[${code}m${text}\u001b[0m` : text;
  const inset = " ".repeat(TIME + STATE + 1);
  const [a, b] = [scene.states.A[0]!.state, scene.states.B[0]!.state];
  const first = { A: firstState(scene, "A") ?? a, B: firstState(scene, "B") ?? b };
  const lines = [
    `${paint("1", scene.title)}`,
    ...wrap(scene.about, width),
    "",
    `${" ".repeat(TIME)}${scene.left.padStart(STATE)}${" ".repeat(middle + 2)}${scene.right}`.trimEnd(),
    `${"ms".padStart(TIME - 1)} ${first.A.padStart(STATE)}${" ".repeat(middle + 2)}${first.B}`,
  ];
  for (const segment of scene.segments) {
    const [arrow = "", ...more] = arrowOf(segment, middle);
    const left = (segment.from === "A" ? segment.fromState : segment.toState) ?? "";
    const right = (segment.from === "A" ? segment.toState : segment.fromState) ?? "";
    const colour = (segment.flags & RST) !== 0 ? "31" : segment.remark === "" ? "0" : "33";
    const time = segment.sent.toFixed(3).padStart(TIME - 1);
    lines.push(`${time} ${left.padStart(STATE)} ${paint(colour, arrow)} ${right}`.trimEnd());
    for (const text of more) lines.push(inset + paint("33", center(text, middle)));
    for (const note of segment.notes)
      for (const text of wrap(note, middle - 4)) lines.push(`${inset}  ${paint("2", text)}`);
  }
  if (scene.outcome.length > 0) lines.push("");
  for (const text of scene.outcome) lines.push(...wrap(text, width));
  return `${lines.join("\n")}\n`;
}

/** Before the first segment. */
function firstState(scene: Played, name: "A" | "B"): string | undefined {
  const [first] = scene.segments;
  if (first === undefined) return undefined;
  return scene.states[name].findLast(({ at, state }) => at < first.sent || state === "LISTEN")
    ?.state;
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

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
