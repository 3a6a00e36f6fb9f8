/** A scene as a picture: what it shows, its ladder with why on the right, and what came of it. */
import { RST } from "../../wire/tcp-segment.ts";
import { segmentLabels } from "../observe/index.ts";
import { drawLadder, type Ladder, type LadderSegment, n, text, wrap } from "../pictures/index.ts";
import type { Name } from "./player.ts";
import type { Played, SceneSegment } from "./record.ts";

const WIDTH = 1120;
/** Of the ladder; notes stand right of it. */
const LADDER = 774;
const LETTERS = 150;
const LINE = 16;

export function sceneSvg(scene: Played): string {
  const about = wrap(scene.about, LETTERS);
  const top = 48 + about.length * LINE;
  const ladder = drawLadder(ladderOf(scene), { x: 0, y: top, width: LADDER });
  const outcome = scene.outcome.flatMap((line) => wrap(line, LETTERS));
  const bottom = top + ladder.height;
  const height = bottom + 34 + outcome.length * LINE;
  const parts = [
    text(24, 30, scene.title, `font-size="19" font-weight="bold"`),
    ...about.map((line, i) => text(24, 52 + i * LINE, line, `fill="#333"`)),
    ...ladder.parts,
    ...outcome.map((line, i) =>
      text(24, bottom + 26 + i * LINE, line, `font-weight="bold" fill="#333"`),
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${n(height)}" viewBox="0 0 ${WIDTH} ${n(height)}" font-family="Helvetica, Arial, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}

/** The ladder alone, for a page that says the rest. */
export function sceneLadderSvg(scene: Played): string {
  const { parts, height } = drawLadder(ladderOf(scene), { x: 0, y: 4, width: LADDER });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${n(height + 8)}" font-family="Helvetica, Arial, sans-serif" font-size="12">${parts.join("")}</svg>`;
}

function ladderOf(scene: Played): Ladder {
  const { left, right, segments } = scene;
  const states = { left: statesOf(scene, "A"), right: statesOf(scene, "B") };
  return { left, right, segments: segments.map(drawn), states, gaps: [], remarks: [] };
}

/** Who listens did so before anything moved. */
function statesOf({ states }: Played, end: Name): { at: number; state: string }[] {
  return states[end].map(({ at, state, why }) => ({
    at: why === "passive open" ? -1 : at,
    state,
  }));
}

function drawn(segment: SceneSegment): LadderSegment {
  const { sent, arrived, from, flags, remark, notes } = segment;
  const again = remark.startsWith("retransmission");
  return {
    sent,
    arrived,
    fromLeft: from === "A",
    time: sent.toFixed(1),
    labels: segmentLabels(segment),
    look: (flags & RST) !== 0 ? "reset" : again ? "again" : "plain",
    notes,
  };
}
