/** Scenes from the life of TCP, by topic. */
import type { Scene } from "./scene.ts";
import { CLOSING, halfOpen } from "./scenes/closing.ts";
import { DATA, keepalive } from "./scenes/data.ts";
import { DEFENCE } from "./scenes/defence.ts";
import { OPENING } from "./scenes/opening.ts";

/** In the order of a connection's life. */
export const SCENES: readonly Scene[] = [
  ...OPENING,
  ...DATA,
  ...CLOSING,
  keepalive,
  halfOpen,
  ...DEFENCE,
];

export { play, type Scene } from "./scene.ts";
export { sceneHtml } from "./html.ts";
export { sceneSvg } from "./svg.ts";
export { sceneText } from "./text.ts";
export { sceneJson } from "./json.ts";
export {
  type KernelPlayed,
  kernelJson,
  kernelSvg,
  kernelText,
  playWithKernel,
} from "./kernel/play.ts";
export { KERNEL_SCENES, KERNEL_SETTINGS, NOT_WITH_THE_KERNEL } from "./kernel/scenes.ts";
export { KernelWorld } from "./kernel/world.ts";
