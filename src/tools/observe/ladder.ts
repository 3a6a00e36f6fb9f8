/** The ladder of a conversation as text: a line for each segment, the states of both ends beside it. */
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from "../../wire/tcp-segment.ts";
import type { SeenState } from "./end-state.ts";
import { type Conversation, LOST, type Rung } from "./tracker.ts";

export interface LadderOptions {
  /** Columns; 100 by default. */
  readonly width?: number;
  readonly color?: boolean;
  /** Runs of segments that change no state are shown whole. */
  readonly all?: boolean;
  /** So many segments; what follows is summed up. */
  readonly limit?: number;
}

/** Columns of the time with the space behind it: 99999.999 ms. */
const TIME = 10;
/** The longest name of a state. */
const STATE = 12;
/** Of a run as many lines are shown at its beginning and at its end; what lies between is summed up. */
const KEEP_FIRST = 30;
const KEEP_LAST = 10;

const NAMES: readonly (readonly [number, string])[] = [
  [SYN, "SYN"],
  [FIN, "FIN"],
  [RST, "RST"],
  [PSH, "PSH"],
  [ACK, "ACK"],
  [URG, "URG"],
  [ECE, "ECE"],
  [CWR, "CWR"],
];

export function flagNames(flags: number): string {
  const names = NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? "no flags" : names.join(",");
}

export function ladder(c: Conversation, options: LadderOptions = {}): string {
  const printer = new LadderPrinter(options);
  const lines = [...printer.begins(c)];
  for (const part of fold(c.rungs, options.all === true, options.limit)) {
    if (typeof part === "string") lines.push(printer.says(part));
    else lines.push(...printer.passes(part));
  }
  return `${lines.join("\n")}\n`;
}

/** The lines of a ladder as its segments come. */
export class LadderPrinter {
  private readonly width: number;
  private readonly middle: number;
  private readonly paint: Painter;
  private readonly inset = " ".repeat(TIME + STATE + 1);
  /** When the first segment came, and the states after the last one. */
  private start = NaN;
  private last: Pick<Rung, "left" | "right"> = { left: "?", right: "?" };

  constructor({ width = 100, color = false }: LadderOptions) {
    this.width = Math.max(72, width);
    this.middle = this.width - TIME - 2 * STATE - 2;
    this.paint = painter(color);
  }

  /** Both ends, and their states before the first segment. */
  begins(c: Conversation): string[] {
    this.last = { left: c.leftAtFirst, right: c.rightAtFirst };
    this.start = c.rungs[0]?.time ?? NaN;
    return [heading(c, this.width), before(c, this.middle, this.paint)];
  }

  /** Both ends alone. */
  heading(c: Conversation): string {
    return heading(c, this.width);
  }

  passes(rung: Rung): string[] {
    const { last, paint, inset, middle } = this;
    if (Number.isNaN(this.start)) this.start = rung.time;
    const time = (rung.time - this.start).toFixed(3).padStart(TIME - 1);
    const left = leftState(rung.left, rung.left !== last.left, paint);
    const right = paint.state(rung.right, rung.right !== last.right);
    const [drawn, ...more] = draw(rung, middle);
    const arrow = rung.remark.endsWith(LOST) ? drawn.replace(/[▶◀]/, "✗") : drawn;
    this.last = rung;
    return [
      `${time} ${left} ${paint.arrow(arrow, rung)} ${right}`,
      ...more.map((text) => `${inset}${paint.remark(center(text, middle).trimEnd())}`),
    ];
  }

  /** Something between two segments. */
  says(text: string): string {
    return `${this.inset}${this.paint.remark(center(text, this.middle))}`.trimEnd();
  }
}

/** As data, for programs. */
export function ladderJson(c: Conversation, limit: number = Infinity): object {
  const start = c.rungs[0]?.time ?? 0;
  return {
    left: c.left,
    right: c.right,
    ...(c.rungs.length > limit ? { leftOut: c.rungs.length - limit } : {}),
    segments: c.rungs.slice(0, limit).map(({ time, fromLeft, flags, left, right, ...rest }) => ({
      ms: Number((time - start).toFixed(6)),
      from: fromLeft ? c.left : c.right,
      flags: flagNames(flags).split(","),
      ...rest,
      states: { [c.left]: left, [c.right]: right },
    })),
  };
}

interface Painter {
  state(text: string, changed: boolean): string;
  arrow(text: string, rung: Rung): string;
  remark(text: string): string;
}

function painter(color: boolean): Painter {
  const dress = (code: string, text: string): string =>
    color ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    state: (text, changed) => (changed ? dress("1", text) : dress("2", text)),
    arrow: (text, rung) => {
      if ((rung.flags & RST) !== 0) return dress("31", text);
      if (rung.remark.includes("retransmission")) return dress("33", text);
      return (rung.flags & (SYN | FIN)) !== 0 ? dress("36", text) : text;
    },
    remark: (text) => dress("33", text),
  };
}

function leftState(state: SeenState, changed: boolean, paint: Painter): string {
  return " ".repeat(STATE - state.length) + paint.state(state, changed);
}

/** Each end's name over its column of states; a long one reaches inwards. */
function heading(c: Conversation, width: number): string {
  const right = c.right.padEnd(STATE);
  return c.left.padStart(TIME + STATE) + right.padStart(width - TIME - STATE).trimEnd();
}

function before(c: Conversation, middle: number, paint: Painter): string {
  const left = leftState(c.leftAtFirst, false, paint);
  return `${"ms".padStart(TIME - 1)} ${left}${" ".repeat(middle + 2)}${paint.state(c.rightAtFirst, false)}`;
}

function center(text: string, width: number): string {
  const free = Math.max(0, width - text.length);
  return " ".repeat(Math.floor(free / 2)) + text + " ".repeat(Math.ceil(free / 2));
}

type Drawn = Pick<
  Rung,
  "fromLeft" | "flags" | "seq" | "length" | "ack" | "window" | "options" | "remark"
>;

/** The arrow with its text in it, `middle` columns wide; what does not fit, and the remark, on lines of their own. */
export function draw(rung: Drawn, middle: number): [string, ...string[]] {
  const { flags, seq, length, ack, window, options, remark } = rung;
  const range = length > 0 ? `seq ${seq}:${seq + length}` : `seq ${seq}`;
  const parts = [flagNames(flags), range];
  if ((flags & ACK) !== 0) parts.push(`ack ${ack}`);
  if ((flags & RST) === 0) parts.push(`win ${window}`);
  const room = middle - 6;
  let text = parts.join(" ");
  const more: string[] = [];
  if (options !== "") {
    const tail = `<${options}>`;
    if (text.length + 1 + tail.length <= room) text += ` ${tail}`;
    else more.push(tail);
  }
  if (remark !== "") {
    if (text.length + 3 + remark.length <= room) text += ` (${remark})`;
    else more.push(`(${remark})`);
  }
  const [short, long] = ["──", "─".repeat(Math.max(1, middle - text.length - 5))];
  const arrow = rung.fromLeft ? `${short} ${text} ${long}▶` : `◀${long} ${text} ${short}`;
  return [arrow, ...more];
}

/** Long runs in which nothing changes but numbers become one line. */
export function fold(
  rungs: readonly Rung[],
  all: boolean,
  limit: number = Infinity,
): (Rung | string)[] {
  if (rungs.length > limit)
    return [...fold(rungs.slice(0, limit), all), `${summary(rungs.slice(limit))} beyond the limit`];
  if (all) return [...rungs];
  const out: (Rung | string)[] = [];
  let run: Rung[] = [];
  const close = (): void => {
    if (run.length <= KEEP_FIRST + KEEP_LAST + 1) out.push(...run);
    else {
      const hidden = run.slice(KEEP_FIRST, -KEEP_LAST);
      out.push(...run.slice(0, KEEP_FIRST), summary(hidden), ...run.slice(-KEEP_LAST));
    }
    run = [];
  };
  rungs.forEach((rung, i) => {
    const before = rungs[i - 1];
    const same = before !== undefined && before.left === rung.left && before.right === rung.right;
    if (!same || (rung.flags & (SYN | FIN | RST)) !== 0) {
      close();
      out.push(rung);
    } else run.push(rung);
  });
  close();
  return out;
}

function summary(hidden: readonly Rung[]): string {
  let [toRight, toLeft] = [0, 0];
  for (const { fromLeft, length } of hidden) {
    if (fromLeft) toRight += length;
    else toLeft += length;
  }
  const parts = [`${hidden.length} segments`];
  if (toRight > 0) parts.push(`${count(toRight)} bytes left to right`);
  if (toLeft > 0) parts.push(`${count(toLeft)} bytes right to left`);
  const again = hidden.filter(({ remark }) => remark.startsWith("retransmission")).length;
  if (again > 0) parts.push(again === 1 ? "1 retransmission" : `${again} retransmissions`);
  return `… ${parts.join(", ")} …`;
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}
