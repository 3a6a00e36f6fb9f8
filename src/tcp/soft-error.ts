/** Soft errors (RFC 9293 §3.9.1.8): what the network said, or silence since R1. Nothing ends by them. */
import type { Failure } from "../base/errors.ts";
import { EVENT_SOFT_ERROR } from "./endpoint.ts";
import type { Tcb } from "./tcb.ts";

/** Kept for the user to read (SHLD-25), and told (MUST-47) unless that was switched off (SHLD-20). */
export function noteSoftError(t: Tcb, error: Failure): void {
  t.softError = error;
  if (t.tellsSoftErrors) t.events |= EVENT_SOFT_ERROR;
}
