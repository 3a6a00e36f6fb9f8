/** A run out of a file that the user gives: a page like this one, or what `tuntcp sim` wrote with --out or --json. */
import type { SimRun } from "../../../sim/record.ts";
import { type Figure, overlay } from "../figure.ts";
import { figureOfRun } from "../from-run.ts";
import { unpack } from "../pack.ts";

const FIGURE = /<script type="application\/json" id="figure">([^]*?)<\/script>/;
const COLUMNS = /<script type="text\/plain" id="columns">([^]*?)<\/script>/;

export function readFigure(text: string, memoryOf: (base64: string) => ArrayBuffer): Figure {
  const [json, columns] = [FIGURE.exec(text)?.[1], COLUMNS.exec(text)?.[1]];
  if (json !== undefined && columns !== undefined) {
    const figure = unpack(json, memoryOf(columns));
    if (figure !== null) return figure;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("neither a page of tuntcp sim --html nor its --json");
  }
  const runs = runsOf(value);
  if (runs.length === 0 || !runs.every(isRun)) throw new Error("this JSON is no simulated run");
  return overlay(runs.map(figureOfRun));
}

/** A run, several, or the file of an experiment, which has them in `runs`. */
function runsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null || !("runs" in value)) return [value];
  return Array.isArray(value.runs) ? value.runs : [value];
}

function isRun(value: unknown): value is SimRun {
  if (typeof value !== "object" || value === null) return false;
  return "scenario" in value && "flows" in value && "links" in value && "digest" in value;
}
