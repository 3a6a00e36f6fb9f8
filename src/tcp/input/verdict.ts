/** What the checks of an arriving segment say: `null` goes on to the next check, anything else ends it. */

/** Taken, nothing more to do. */
export const DONE = "";
/** Refuse with a RST made from the segment itself (RFC 9293 §3.10.7.1). */
export const RESET = "reset";

/** `null`: continue. `DONE`, `RESET`, or why the segment was dropped. */
export type Verdict = string | null;
