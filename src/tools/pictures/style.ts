/**
 * How things look, on paper and on the screen. The colours can be told apart by the colour-blind; in grey, dashes tell the
 * quantities, and shapes on the lines the flows.
 */
import type { Mark } from "./figure.ts";

export const COLOURS: readonly string[] = [
  "#0b5fa5",
  "#c8500a",
  "#00805f",
  "#8e44ad",
  "#5b3a1e",
  "#1aa3c8",
  "#b0215e",
  "#4d4d4d",
];

/** Of an owner by its rank. */
export function colourOf(rank: number): string {
  return COLOURS[rank % COLOURS.length]!;
}

export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus"] as const;
export type Shape = (typeof SHAPES)[number];

export function shapeOf(rank: number): Shape {
  return SHAPES[rank % SHAPES.length]!;
}

export interface LineStyle {
  readonly width: number;
  readonly dash: readonly number[];
  readonly opacity: number;
}

const SOLID: LineStyle = { width: 1.4, dash: [], opacity: 1 };
const LINES: Readonly<Record<string, LineStyle>> = {
  ssthresh: { width: 1.2, dash: [6, 3], opacity: 1 },
  "in flight": { width: 0.8, dash: [], opacity: 0.55 },
  RTT: { width: 0.8, dash: [], opacity: 0.55 },
};

export function lineStyle(quantity: string): LineStyle {
  return LINES[quantity] ?? SOLID;
}

export interface MarkStyle {
  readonly label: string;
  readonly colour: string;
  /** A bar from `from` to `to`, a step line, or a sign at `from`. */
  readonly form: "bar" | "line" | "cross" | "ring";
  readonly width: number;
  readonly dash: readonly number[];
}

const STYLES: Readonly<Record<Mark, MarkStyle>> = {
  window: { label: "window", colour: "#9a6a12", form: "line", width: 1.1, dash: [5, 3] },
  data: { label: "segment", colour: "#4f86c6", form: "bar", width: 1.6, dash: [] },
  sack: { label: "SACK block", colour: "#b48ad1", form: "bar", width: 1.6, dash: [] },
  ack: { label: "ACK", colour: "#0d5c36", form: "line", width: 1.1, dash: [] },
  retransmission: { label: "retransmission", colour: "#b00020", form: "bar", width: 2.8, dash: [] },
  ce: { label: "CE", colour: "#d07800", form: "ring", width: 1.4, dash: [] },
  dropped: { label: "dropped", colour: "#000000", form: "cross", width: 1.4, dash: [] },
};

export function markStyle(kind: Mark): MarkStyle {
  return STYLES[kind];
}
