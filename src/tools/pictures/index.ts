/** What other tools may take of pictures. */
export { bundle } from "./bundle.ts";
export { conversationLadder } from "./conversation-ladder.ts";
export type { Ladder, LadderSegment, LadderState } from "./figure.ts";
export { drawLadder } from "./ladder.ts";
export { wrap } from "./ladder-layout.ts";
export { escapeXml, n, text } from "./svg-frame.ts";
