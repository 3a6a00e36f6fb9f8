/** `tuntcp show`: scenes from the life of TCP, played between two stacks in virtual time. */
import type { Command } from "commander";
import {
  play,
  type Scene,
  sceneJson,
  SCENES,
  sceneHtml,
  sceneSvg,
  sceneText,
} from "../tools/show/index.ts";
import { showWithKernel } from "./show-kernel.ts";
import { usage } from "./failure.ts";
import { stdoutOf, writeOut } from "./stdout.ts";
import { screen } from "./trace.ts";

export interface ShowOptions {
  readonly svg?: string;
  readonly html?: string;
  readonly tun?: string | true;
  readonly rootless?: boolean;
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
    .option("--html <file>", "a page to step through it, which works offline (- for stdout)")
    .option("--tun [name]", "against the kernel behind a TUN, tuntcp0 by default; as root")
    .option("--rootless", "with --tun: in a new user and network namespace, without root")
    .option("--json", "as JSON")
    .action(show);
}

async function show(topic: string | undefined, options: ShowOptions): Promise<void> {
  const taker = stdoutOf(options, ["svg", "html", "json"]);
  if (topic === undefined) {
    const picture = options.svg !== undefined ? "--svg" : "--html";
    if (options.svg !== undefined || options.html !== undefined)
      throw usage(`${picture}: which topic? tuntcp show lists them`);
    return list(options.json === true);
  }
  const chosen = find(topic);
  if (options.tun !== undefined) return showWithKernel(chosen, options);
  if (options.rootless === true) throw usage("--rootless: goes with --tun");
  const scene = play(chosen);
  if (options.svg !== undefined) writeOut("--svg", options.svg, sceneSvg(scene));
  if (options.html !== undefined) writeOut("--html", options.html, sceneHtml(scene));
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
