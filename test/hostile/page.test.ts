/** `npm run hostile` runs this and writes docs/hostile.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { NOT_FROM_OUTSIDE, NOTES, page } from "./page.ts";
import { NOT_YET } from "./not-yet.ts";
import { IN_MEMORY, OF_PROCESSES, OUTSIDE } from "./scenarios/index.ts";
import { ROWS } from "./support/table.ts";

const PAGE = fileURLToPath(new URL("../../docs/hostile.md", import.meta.url));

it("each of the 93 rows is driven in memory, and through a TUN where a packet can do it", () => {
  expect(ROWS.size).toBe(93);
  const rows = [...ROWS.keys()];
  expect(rows.filter((id) => !(id in OUTSIDE) && !(id in IN_MEMORY))).toEqual([]);
  expect(rows.filter((id) => !(id in OUTSIDE))).toEqual(Object.keys(NOT_FROM_OUTSIDE));
  expect(Object.keys(NOT_FROM_OUTSIDE).filter((id) => !OF_PROCESSES.includes(id))).toEqual([]);
  const known = [OUTSIDE, IN_MEMORY, NOTES, NOT_YET].flatMap((map) => Object.keys(map));
  expect(known.filter((id) => !ROWS.has(id))).toEqual([]);
});

it("docs/hostile.md is what `npm run hostile` writes", () => {
  const text = page();
  if (process.env["HOSTILE"] === "write") writeFileSync(PAGE, text);
  expect(readFileSync(PAGE, "utf8") === text, "run `npm run hostile`").toBe(true);
});
