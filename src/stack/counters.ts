/** Counts by name, nstat's names where one exists; every drop, refusal and defence has one. */
export class Counters {
  /** A cell for each: counting looks the name up once, and boxes no number however large. */
  private readonly cells = new Map<string, { n: number }>();

  /** Counts `n` more. */
  add(name: string, n: number = 1): void {
    const cell = this.cells.get(name);
    if (cell === undefined) this.cells.set(name, { n });
    else cell.n += n;
  }

  /** Counts a dropped packet; the remark says why, for captures. */
  drop(name: string, why: string): string {
    this.add(name);
    return `dropped: ${why}`;
  }

  /** How many there were. */
  get(name: string): number {
    return this.cells.get(name)?.n ?? 0;
  }

  /** In order of name. */
  entries(): [string, number][] {
    const all = [...this.cells].map(([name, { n }]): [string, number] => [name, n]);
    return all.toSorted(([a], [b]) => (a < b ? -1 : 1));
  }
}
