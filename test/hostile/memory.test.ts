/** The rows of rows.tsv against the stack in memory, in virtual time; all of I1 to I8 after each. */
import { describe, expect, it } from "vitest";
import { NOT_YET } from "./not-yet.ts";
import { MemoryWorld } from "./support/memory-world.ts";
import { title } from "./support/table.ts";
import { judged } from "./support/invariants.ts";
import { type Scenario } from "./support/world.ts";
import { IN_MEMORY, OUTSIDE } from "./scenarios/index.ts";

async function judge(id: string, run: Scenario): Promise<void> {
  const w = new MemoryWorld();
  await judged(w, id, async () => await run(w));
}

describe("hostile, in memory", () => {
  const rows = { ...OUTSIDE, ...IN_MEMORY };

  for (const [id, run] of Object.entries(rows).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (NOT_YET[id] === undefined) {
      it(title(id), async () => await judge(id, run));
      continue;
    }
    it(`not yet: ${id}: ${NOT_YET[id]}`, async () => {
      const met = await judge(id, run).then(
        () => true,
        () => false,
      );
      expect(met, `${id} is met now: take it out of not-yet.ts`).toBe(false);
    });
  }
});
