/** What a scene is, and how it is played. */
import { flagNames } from "../observe/index.ts";
import type { Played, SceneSegment } from "./record.ts";
import { Stage, type StageOptions } from "./stage.ts";

export interface Scene {
  readonly topic: string;
  readonly title: string;
  readonly about: string;
  readonly stage?: StageOptions;
  /** Plays it; what it returns is said at the end. */
  play(stage: Stage): readonly string[];
  /**
   * Why, of segments in their order: each is said of the next segment whose line begins so, as `A SYN` or
   * `B SYN,ACK seq 0`.
   */
  readonly notes: readonly (readonly [line: string, why: string])[];
}

export function play(scene: Scene): Played {
  const stage = new Stage(scene.stage);
  const outcome = scene.play(stage);
  annotate(scene, stage.segments);
  return {
    topic: scene.topic,
    title: scene.title,
    about: scene.about,
    left: "A 192.0.2.1",
    right: "B 192.0.2.2",
    segments: stage.segments,
    states: stage.states(),
    outcome,
  };
}

/** `A SYN,ACK seq 0 ack 1`. */
export function lineOf({ from, flags, seq, length, ack }: SceneSegment): string {
  const range = length > 0 ? `${seq}:${seq + length}` : `${seq}`;
  return `${from} ${flagNames(flags)} seq ${range} ack ${ack}`;
}

function annotate(scene: Scene, segments: readonly SceneSegment[]): void {
  let next = 0;
  for (const [line, why] of scene.notes) {
    while (next < segments.length && !lineOf(segments[next]!).startsWith(line)) next++;
    if (next === segments.length)
      throw new Error(`${scene.topic}: no segment is left for the note on "${line}"`);
    segments[next++]!.notes.push(why);
  }
}
