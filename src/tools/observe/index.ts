/** What other tools may know of watched connections. */
export { segmentLabels } from "./labels.ts";
export { draw, flagNames, fold, ladder, ladderJson, type LadderOptions } from "./ladder.ts";
export { bytes, type Limit, limitOf } from "./limit.ts";
export { type Conversation, optionText, type Rung, Tracker } from "./tracker.ts";
export { seemLost, type Vantage, vantageOf } from "./vantage.ts";
export { WatchedDevice } from "./watched-device.ts";
