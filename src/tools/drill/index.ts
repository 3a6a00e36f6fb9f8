/** What other tools and the command use of it. */
export type { DrillJob, DrillOutcome } from "./job.ts";
export { runScripts } from "./pool.ts";
