/** Which lost bytes were told of already; numbers count from the connection's first one. */
import type { SentRecords } from "../../tcp/recovery/sent-records.ts";

type Range = readonly [from: number, to: number];

export class LostRanges {
  private told: Range[] = [];

  /** What is lost, waits to be sent again and was not told; `una` is where the records begin. */
  news(sent: SentRecords | null, una: number): Range[] {
    if (sent === null || sent.waiting === 0) return [];
    const found: Range[] = [];
    let at = una;
    sent.forEach((bytes, _sacked, lost, resent) => {
      const [from, to] = [at, at + bytes];
      at = to;
      if (lost && !resent && !this.told.some(([low, high]) => low <= from && to <= high))
        found.push([from, to]);
    });
    if (found.length > 0) this.told = [...this.told.filter(([, to]) => to > una), ...found];
    return found;
  }

  /** [from, to) leaves again: should it be lost once more, that is news. */
  leaves(from: number, to: number): void {
    this.told = this.told.filter(([low, high]) => high <= from || low >= to);
  }
}
