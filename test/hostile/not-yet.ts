/**
 * Rows that pass or fail with what ran before them, or with the machine: no verdict is claimed, they are skipped in both worlds
 * and count as not met.
 */
export const UNSETTLED: Readonly<Record<string, string>> = {};

/** Rows that the stack does not meet yet, and why. Only to get shorter: a row in here that passes fails its test. */
export const NOT_YET: Readonly<Record<string, string>> = {};
