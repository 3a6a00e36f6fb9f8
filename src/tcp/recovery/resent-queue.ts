/** What left again, in the order of time: [from, end) and when. An entry may be out of date; who reads it looks. */
import type { SeqNum } from "../../wire/seq.ts";

export class ResentQueue {
  private readonly edges: SeqNum[] = [];
  private readonly times: number[] = [];
  private head = 0;

  get isEmpty(): boolean {
    return this.head === this.times.length;
  }

  // of the first, while it is not empty

  get from(): SeqNum {
    return this.edges[2 * this.head]!;
  }

  get end(): SeqNum {
    return this.edges[2 * this.head + 1]!;
  }

  get time(): number {
    return this.times[this.head]!;
  }

  push(from: SeqNum, end: SeqNum, time: number): void {
    this.edges.push(from, end);
    this.times.push(time);
  }

  shift(): void {
    this.head++;
    if (this.head === this.times.length) this.clear();
    else if (this.head >= 64 && 2 * this.head >= this.times.length) {
      this.edges.splice(0, 2 * this.head);
      this.times.splice(0, this.head);
      this.head = 0;
    }
  }

  clear(): void {
    this.head = 0;
    this.edges.length = 0;
    this.times.length = 0;
  }
}
