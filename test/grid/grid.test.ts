/**
 * Every cell of the state-event grid: what the stack does against what the oracle's rules say, written from the RFCs.
 * `npm run grid` runs this and writes docs/state-event-grid.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { numbersOf, outcomeOf, reached } from "./drive.ts";
import type { Outcome } from "./model.ts";
import { expectationOf, RULES } from "./oracle.ts";
import { cellCount, page } from "./page.ts";
import { type Event, eventsFor } from "./segments.ts";
import { type Role, type Situation, SITUATIONS } from "./situations.ts";

const PAGE = fileURLToPath(new URL("../../docs/state-event-grid.md", import.meta.url));
/** As many differences as one can read. */
const SHOWN = 20;

/** One line for each part, in order of name, so that texts compare. */
function lines(o: Outcome): string[] {
  const counters = Object.entries(o.counters).map(([name, n]) => `${name} ${n}`);
  const parts: Record<string, unknown> = { ...o, counters: counters.toSorted() };
  return Object.keys(parts)
    .toSorted()
    .map((name) => `${name} ${JSON.stringify(parts[name])}`);
}

/** What differs in one cell; empty when all is as written. */
function differences(situation: Situation, role: Role, event: Event): string {
  const { outcome, rules } = expectationOf(situation.block, event.segment);
  const expected = lines(outcome);
  const seen = lines(outcomeOf(situation, role, event.segment));
  const wrong = expected.flatMap((line, i) =>
    line === seen[i] ? [] : [`${line}, saw ${seen[i]}`],
  );
  if (wrong.length === 0) return "";
  const places = `SEQ ${event.seq}, ACK ${event.ack || "none"}${event.ts && `, TSval ${event.ts}`}`;
  return `${event.kind.name}, ${places} (${rules.join(" ")}): ${wrong.join("; ")}`;
}

describe.each(SITUATIONS)("in $name", (situation) => {
  const { block, roles } = situation;

  test.each(roles)("the connection is as the page says, as %s", (role) => {
    const p = reached(situation, role);
    expect(p.stack.connections()[0]?.state ?? block.state).toBe(block.state);
    const n = numbersOf(p);
    if (n.una === null) return;
    expect(n.una).toBe(block.una);
    if (n.rcvNxt !== null) expect(n.rcvNxt).toBe(block.rcvNxt);
    if (n.wnd !== null) expect(n.wnd).toBe(block.wnd);
    if (block.state !== "SYN-SENT") {
      expect(p.stack.connections()[0]!.info().rcvWnd).toBe(block.edge - block.rcvNxt);
    }
  });

  test.each(roles)(
    "each segment does what its rules say, as %s [9293-3.4-ACCEPT, 9293-3.10.7.4-UNACC, 9293-3.10.7.4-NOACK]",
    (role) => {
      const wrong: string[] = [];
      const events = eventsFor(block);
      for (const event of events) {
        const text = differences(situation, role, event);
        if (text !== "") wrong.push(text);
      }
      const n = `${events.length - wrong.length} of ${events.length} cells are as written`;
      expect([...wrong.slice(0, SHOWN), n]).toEqual([
        `${events.length} of ${events.length} cells are as written`,
      ]);
    },
  );
});

test("the grid has at least 1,000 cells, no two with the same segment in one state", () => {
  expect(cellCount()).toBeGreaterThanOrEqual(1000);
  for (const { block } of SITUATIONS) {
    const all = eventsFor(block).map((e) => JSON.stringify(e.segment));
    expect(new Set(all).size).toBe(all.length);
  }
});

test("every rule applies in some cell, and its name stands for one rule", () => {
  const names = RULES.map((r) => r.name);
  expect(new Set(names).size).toBe(names.length);
  const used = SITUATIONS.flatMap(({ block }) =>
    eventsFor(block).flatMap((e) => expectationOf(block, e.segment).rules),
  );
  const applied = new Set(used);
  expect(names.filter((name) => !applied.has(name))).toEqual([]);
});

test("docs/state-event-grid.md is what `npm run grid` writes", () => {
  const text = page();
  if (process.env["GRID"] === "write") writeFileSync(PAGE, text);
  expect(readFileSync(PAGE, "utf8") === text, "run `npm run grid`").toBe(true);
});
