/** `tuntcp show`: scenes from the life of TCP, played between two stacks in virtual time. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import { play, type Scene, sceneJson, SCENES, sceneSvg, sceneText } from "../tools/show/index.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { stdoutOf } from "./stdout.ts";
import { screen } from "./trace.ts";

interface ShowOptions {
  readonly svg?: string;
  readonly json?: boolean;
}

export function registerShow(program: Command): void {
  program
    .command("show")
    .summary("how TCP works, played live")
    .description(
      "Plays a scene between two stacks and prints its segments, the states of both ends and why; without TOPIC it lists them.\n\nExample: tuntcp show handshake",
    )
    .argument("[topic]", "one of those that it lists")
    .option("--svg <file>", "a picture (- for stdout)")
    .option("--json", "as JSON")
    .action(show);
}

function show(topic: string | undefined, options: ShowOptions): void {
  const taker = stdoutOf(options, ["svg", "json"]);
  if (topic === undefined) {
    if (options.svg !== undefined) throw usage("--svg: which topic? tuntcp show lists them");
    return list(options.json === true);
  }
  const scene = play(find(topic));
  if (options.svg !== undefined) write(options.svg, sceneSvg(scene));
  if (taker === "json") process.stdout.write(`${JSON.stringify(sceneJson(scene), null, 2)}\n`);
  else if (taker === null) process.stdout.write(sceneText(scene, screen(true)));
}

function list(json: boolean): void {
  const all = SCENES.map(({ topic, title }) => ({ topic, title }));
  const width = Math.max(...all.map(({ topic }) => topic.length));
  const text = all.map((s) => `${s.topic.padEnd(width)}  ${s.title}\n`).join("");
  process.stdout.write(json ? `${JSON.stringify(all)}\n` : text);
}

function find(topic: string): Scene {
  const scene = SCENES.find((s) => s.topic === topic);
  if (scene !== undefined) return scene;
  const names = SCENES.map((s) => s.topic).join(", ");
  throw usage(`show ${topic}: no such topic; there are ${names}`);
}

function write(path: string, content: string): void {
  if (path === "-") return void process.stdout.write(content);
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `--svg ${path}: ${lineOf(error)}`);
  }
}
