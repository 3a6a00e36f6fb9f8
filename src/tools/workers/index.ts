/** What other tools may know of workers. */
export type { WorkerPool } from "./pool.ts";
export type { StackReport } from "./report.ts";
