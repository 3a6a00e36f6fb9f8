/** `--svg FILE` and `--html FILE`: checked before anything runs, written at its end. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import { type Figure, overlay } from "../tools/pictures/figure.ts";
import { html } from "../tools/pictures/html.ts";
import { figureOfRun } from "../tools/pictures/from-run.ts";
import { svg } from "../tools/pictures/svg.ts";
import type { SimRun } from "../sim/index.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";

export interface PictureOptions {
  readonly svg?: string;
  readonly html?: string;
}

/** More lines over each other than can be told apart. */
const MOST_RUNS = 6;

export function addPictures(command: Command): Command {
  return command
    .option("--svg <file>", "draw it for a paper (- for stdout)")
    .option("--html <file>", "write a page to zoom and to compare in, which works offline");
}

export function wantsPictures({ svg, html }: PictureOptions): boolean {
  return svg !== undefined || html !== undefined;
}

/** Series are kept for the pictures, so that it is asked before the first run. */
export function checkPictures(options: PictureOptions, runs: number): void {
  if (!wantsPictures(options) || (runs > 0 && runs <= MOST_RUNS)) return;
  const option = options.svg === undefined ? "--html" : "--svg";
  if (runs === 0) throw usage(`${option}: there is no run to draw`);
  throw usage(`${option}: draws ${MOST_RUNS} runs at most, and these are ${runs}`);
}

export function writeRuns(options: PictureOptions, runs: readonly SimRun[]): void {
  if (wantsPictures(options)) writePictures(options, overlay(runs.map(figureOfRun)));
}

export function writePictures(options: PictureOptions, figure: Figure): void {
  if (options.svg !== undefined) write("--svg", options.svg, [Buffer.from(svg(figure))]);
  if (options.html !== undefined) write("--html", options.html, html(figure));
}

function write(option: string, path: string, pieces: readonly Uint8Array[]): void {
  if (path === "-") {
    // not by writeSync: a pipe that is full takes no more
    for (const piece of pieces) process.stdout.write(piece);
    return;
  }
  try {
    const file = openSync(path, "w");
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) at += writeSync(file, piece, at);
    }
    closeSync(file);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `${option} ${path}: ${lineOf(error)}`);
  }
}
