/** The list of connections with work to do: order, once each, and rounds. */
import { expect, test } from "vitest";
import { type Markable, MarkedList } from "../../src/stack/marked-list.ts";

class Entry implements Markable<Entry> {
  marked = false;
  nextMarked: Entry | null = null;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function round(list: MarkedList<Entry>, visit: (e: Entry) => void = () => {}): string {
  let names = "";
  for (let e = list.takeRound(); e !== null;) {
    const next = list.leave(e);
    names += e.name;
    visit(e);
    e = next;
  }
  return names;
}

test("each is served once, in the order of marking", () => {
  const list = new MarkedList<Entry>();
  const [a, b, c] = [new Entry("a"), new Entry("b"), new Entry("c")];
  for (const e of [b, a, b, c, a]) list.add(e);
  expect(round(list)).toBe("bac");
  expect(list.isEmpty).toBe(true);
  expect(round(list)).toBe("");
});

test("what is marked in a round waits for the next, but one not yet served stays in its place", () => {
  const list = new MarkedList<Entry>();
  const [a, b] = [new Entry("a"), new Entry("b")];
  list.add(a);
  list.add(b);
  const both = (): void => {
    list.add(a);
    list.add(b);
  };
  // while a is served b is still to come, so only a waits; then b, served, waits behind it
  expect(round(list, both)).toBe("ab");
  expect(round(list)).toBe("ab");
});
