/**
 * The connections that have something to do, each once, in the order in which they were marked. The list goes through the
 * connections themselves: an array for each poll would be 180 bytes for each segment that comes alone.
 */

export interface Markable<T> {
  /** In the list, or in a round of it that is not served yet. */
  marked: boolean;
  nextMarked: T | null;
}

export class MarkedList<T extends Markable<T>> {
  private first: T | null = null;
  private last: T | null = null;

  get isEmpty(): boolean {
    return this.first === null;
  }

  add(entry: T): void {
    if (entry.marked) return;
    entry.marked = true;
    if (this.last === null) this.first = entry;
    else this.last.nextMarked = entry;
    this.last = entry;
  }

  forEach(visit: (entry: T) => void): void {
    for (let entry = this.first; entry !== null; entry = entry.nextMarked) visit(entry);
  }

  /** The first of those marked until now, to be gone through with {@link leave}; what is marked meanwhile is another round. */
  takeRound(): T | null {
    const { first } = this;
    this.first = null;
    this.last = null;
    return first;
  }

  /** Takes an entry out of its round and returns the one behind it. */
  leave(entry: T): T | null {
    const next = entry.nextMarked;
    entry.nextMarked = null;
    entry.marked = false;
    return next;
  }
}
