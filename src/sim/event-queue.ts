/**
 * What happens next in virtual time: a binary heap of sources, each with the one time at which it wants to act. A source stays
 * in the queue and moves when its time changes, so that nothing is allocated for an event. Equal times go by the
 * order in which the sources were added: the same on every machine.
 */

export interface EventSource {
  /** Does what is due at `now`; whoever changes its due time calls {@link EventQueue.moved}. */
  fire(now: number): void;
}

interface Entry {
  readonly source: EventSource;
  readonly id: number;
  due: number;
  /** Where it stands in the heap. */
  place: number;
}

export type EventHandle = Entry;

export class EventQueue {
  /** ms: when the event that is acting, or acted last, was due. */
  now = 0;
  private readonly heap: Entry[] = [];
  private count = 0;

  add(source: EventSource, due: number): EventHandle {
    const entry: Entry = { source, id: this.count++, due, place: this.heap.length };
    this.heap.push(entry);
    this.up(entry);
    return entry;
  }

  /** Sources that have done their last. */
  remove(entry: EventHandle): void {
    const last = this.heap.pop()!;
    if (last === entry) return;
    last.place = entry.place;
    this.heap[last.place] = last;
    this.up(last);
    this.down(last);
  }

  moved(entry: EventHandle, due: number): void {
    const before = entry.due;
    if (due === before) return;
    entry.due = due;
    if (due < before) this.up(entry);
    else this.down(entry);
  }

  /** Infinity when nothing will happen any more. */
  get next(): number {
    return this.heap.length === 0 ? Infinity : this.heap[0]!.due;
  }

  /** Lets the first source act. */
  fire(): void {
    const first = this.heap[0]!;
    this.now = first.due;
    first.source.fire(first.due);
  }

  private up(entry: Entry): void {
    const { heap } = this;
    let at = entry.place;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]!;
      if (!before(entry, parent)) break;
      heap[at] = parent;
      parent.place = at;
      at = (at - 1) >> 1;
    }
    heap[at] = entry;
    entry.place = at;
  }

  private down(entry: Entry): void {
    const { heap } = this;
    const { length } = heap;
    let at = entry.place;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && before(heap[child + 1]!, heap[child]!)) child++;
      const least = heap[child]!;
      if (!before(least, entry)) break;
      heap[at] = least;
      least.place = at;
      at = child;
    }
    heap[at] = entry;
    entry.place = at;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.id < b.id);
}
