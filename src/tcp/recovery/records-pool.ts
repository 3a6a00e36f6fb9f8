/** Records for connections to borrow while they have data outstanding. */
import type { Tcb } from "../tcb.ts";
import { CAPACITY } from "./record-array.ts";
import { SentRecords } from "./sent-records.ts";

/** More than this is not kept: a first window's records of so many connections at once. */
const POOL = 64;

/** Records that no connection uses at the moment. */
export class SentRecordsPool {
  private readonly free: SentRecords[] = [];

  take(): SentRecords {
    return this.free.pop() ?? new SentRecords();
  }

  give(records: SentRecords): void {
    if (this.free.length >= POOL || records.capacity > 8 * CAPACITY) return;
    records.reset();
    this.free.push(records);
  }
}

/** Nothing is outstanding any more: the next connection that sends may have the records. */
export function returnRecords(t: Tcb): void {
  if (t.sent === null) return;
  t.env.sentRecords.give(t.sent);
  t.sent = null;
}
