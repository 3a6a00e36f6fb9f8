/** The rows: id, class, stimulus, what is required, source. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Row {
  readonly id: string;
  readonly kind: string;
  readonly stimulus: string;
  readonly required: string;
  readonly source: string;
}

const FILE = join(dirname(fileURLToPath(import.meta.url)), "..", "rows.tsv");

export const ROWS: ReadonlyMap<string, Row> = new Map(
  readFileSync(FILE, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [id, kind, stimulus, required, source] = line.split("\t");
      if (source === undefined) throw new Error(`not a row: ${line}`);
      return [id!, { id: id!, kind: kind!, source, stimulus: stimulus!, required: required! }];
    }),
);

/** The title of a row's test. */
export function title(id: string): string {
  const row = ROWS.get(id);
  if (row === undefined) throw new Error(`no row ${id}`);
  return `[${id}] ${row.stimulus}`;
}
