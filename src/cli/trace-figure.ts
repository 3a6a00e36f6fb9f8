/** What `tuntcp trace` draws of a capture: graphs of the directions that carried data, and ladders. */
import { basename } from "node:path";
import type { Conversation } from "../tools/observe/tracker.ts";
import { conversationLadder } from "../tools/pictures/conversation-ladder.ts";
import type { Figure } from "../tools/pictures/figure.ts";
import { figureOfConnections } from "../tools/pictures/from-conversation.ts";

/** Ladders in one picture; more would bury the graphs. */
const MOST_LADDERS = 4;

export function traceFigure(
  file: string,
  conversations: readonly Conversation[],
  all: boolean,
  limit: number,
): Figure {
  const ladders = conversations
    .slice(0, MOST_LADDERS)
    .map((c) => conversationLadder(c, all, limit));
  return figureOfConnections(basename(file), conversations, ladders);
}
