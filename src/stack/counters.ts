/** Counts by name, nstat's names where one exists; every drop, refusal and defence has one. */
export class Counters {
  private readonly cells = new Map<string, number>();

  add(name: string, n: number = 1): void {
    this.cells.set(name, (this.cells.get(name) ?? 0) + n);
  }

  /** Counts a dropped packet; the remark says why, for captures. */
  drop(name: string, why: string): string {
    this.add(name);
    return `dropped: ${why}`;
  }

  get(name: string): number {
    return this.cells.get(name) ?? 0;
  }

  /** In order of name. */
  entries(): [string, number][] {
    return [...this.cells].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}
