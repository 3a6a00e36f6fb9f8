/** Plays a scene against the kernel, and tells it as text, picture and data. */
import {
  type Conversation,
  ladder,
  ladderJson,
  type LadderOptions,
  type Rung,
} from "../../observe/index.ts";
import { conversationLadder, drawLadder, n, text, wrap } from "../../pictures/index.ts";
import type { Scene } from "../scene.ts";
import { KERNEL_SCENES } from "./scenes.ts";
import type { KernelWorld } from "./world.ts";

export interface KernelPlayed {
  readonly topic: string;
  readonly title: string;
  readonly conversation: Conversation;
  readonly outcome: readonly string[];
}

/** Throws a line where the kernel does not play along. */
export async function playWithKernel(scene: Scene, w: KernelWorld): Promise<KernelPlayed> {
  try {
    const outcome = await KERNEL_SCENES[scene.topic]!(w);
    const seen = w.conversation;
    if (seen === null) throw new Error("no segment passed");
    const { topic, title } = scene;
    return { topic, title, conversation: shown(seen, w), outcome };
  } finally {
    await w.close();
  }
}

/** From where the scene begins, and each end by its name. */
function shown(c: Conversation, w: KernelWorld): Conversation {
  const named = (end: string): string =>
    end.startsWith(`${w.ours}:`) ? `${end} (this stack)` : `${end} (the kernel)`;
  const last: Pick<Rung, "left" | "right"> | undefined = c.rungs[w.shownFrom - 1];
  return {
    left: named(c.left),
    right: named(c.right),
    leftAtFirst: last?.left ?? c.leftAtFirst,
    rightAtFirst: last?.right ?? c.rightAtFirst,
    rungs: c.rungs.slice(w.shownFrom),
  };
}

export function kernelText(played: KernelPlayed, options: LadderOptions): string {
  const { title, conversation, outcome } = played;
  const lines = [`${title}, with the kernel`, "", ladder(conversation, options)];
  return `${[...lines, ...outcome].join("\n")}\n`;
}

export function kernelJson({ topic, title, conversation, outcome }: KernelPlayed): object {
  return { topic, title, ...ladderJson(conversation), outcome };
}

const WIDTH = 900;

export function kernelSvg({ title, conversation, outcome }: KernelPlayed): string {
  const place = { x: 20, y: 48, width: WIDTH - 40 };
  const drawn = drawLadder(conversationLadder(conversation, false, Infinity), place);
  const bottom = place.y + drawn.height;
  const said = outcome.flatMap((line) => wrap(line, 120));
  const height = bottom + 34 + said.length * 16;
  const parts = [
    text(20, 30, `${title}, with the kernel`, `font-size="19" font-weight="bold"`),
    ...drawn.parts,
    ...said.map((line, i) => text(20, bottom + 26 + i * 16, line, `font-weight="bold"`)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${n(height)}" viewBox="0 0 ${WIDTH} ${n(height)}" font-family="Helvetica, Arial, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}
