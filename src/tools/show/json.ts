/** A scene as data, for programs. */
import { flagNames } from "../observe/index.ts";
import type { Played } from "./record.ts";

export function sceneJson({ segments, states, ...scene }: Played): object {
  return {
    ...scene,
    segments: segments.map(({ flags, ...segment }) => ({
      ...segment,
      flags: flagNames(flags).split(","),
    })),
    states,
  };
}
