/** What other tools may know of watched connections. */
export { draw, flagNames } from "./ladder.ts";
export { bytes, type Limit, limitOf } from "./limit.ts";
export { type Conversation, optionText, type Rung, Tracker } from "./tracker.ts";
