/** What other tools may know of watched connections. */
export type { Rung } from "./tracker.ts";
