/** What `tuntcp trace` draws of a capture: graphs of the directions that carried data, and ladders. */
import { basename } from "node:path";
import { flagNames, fold } from "../tools/observe/ladder.ts";
import type { Conversation, Rung } from "../tools/observe/tracker.ts";
import type { Figure, Ladder, LadderRow } from "../tools/pictures/figure.ts";
import { figureOfConnections } from "../tools/pictures/from-conversation.ts";
import { ACK, RST } from "../wire/tcp-segment.ts";

/** Ladders in one picture; more would bury the graphs. */
const MOST_LADDERS = 4;

export function traceFigure(
  file: string,
  conversations: readonly Conversation[],
  all: boolean,
): Figure {
  const ladders = conversations.slice(0, MOST_LADDERS).map((c) => ladderOf(c, all));
  return figureOfConnections(basename(file), conversations, ladders);
}

function ladderOf(c: Conversation, all: boolean): Ladder {
  const start = c.rungs[0]?.time ?? 0;
  const rows = fold(c.rungs, all).map((part) =>
    typeof part === "string" ? { folded: part } : rowOf(part, start),
  );
  return { left: c.left, right: c.right, rows };
}

function rowOf(rung: Rung, start: number): LadderRow {
  const { flags, seq, length, ack, window, options, remark, fromLeft, left, right } = rung;
  const parts = [flagNames(flags), length > 0 ? `seq ${seq}:${seq + length}` : `seq ${seq}`];
  if ((flags & ACK) !== 0) parts.push(`ack ${ack}`);
  if ((flags & RST) === 0) parts.push(`win ${window}`);
  if (options !== "") parts.push(`<${options}>`);
  if (remark !== "") parts.push(`(${remark})`);
  const again = remark.includes("retransmission");
  const time = `${(rung.time - start).toFixed(3)} ms`;
  return { time, fromLeft, label: parts.join(" "), again, left, right };
}
