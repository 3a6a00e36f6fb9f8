/** The connections as the server last told of them, in the order and choice that the user wants. */
import type { TableFrame, TableRow } from "../messages.ts";
import { stateRank } from "./format.ts";

export type SortKey = Exclude<keyof TableRow, "id">;

export class Store {
  readonly rows: Map<number, TableRow> = new Map();
  frame: TableFrame | null = null;
  sortBy: SortKey = "state";
  descending = false;
  /** Empty: every state. */
  state = "";
  text = "";

  apply(frame: TableFrame): void {
    this.frame = frame;
    if (frame.whole) this.rows.clear();
    for (const id of frame.gone) this.rows.delete(id);
    for (const row of frame.rows) this.rows.set(row.id, row);
  }

  shown(): TableRow[] {
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...this.rows.values()].filter(
      (row) =>
        (this.state === "" || row.state === this.state) &&
        words.every((word) => textOf(row).includes(word)),
    );
    const sign = this.descending ? -1 : 1;
    return rows.sort((a, b) => sign * compare(a, b, this.sortBy) || a.id - b.id);
  }

  total(key: "sendRate" | "receiveRate"): number {
    let sum = 0;
    for (const row of this.rows.values()) sum += row[key];
    return sum;
  }
}

function textOf({ state, local, remote, limit }: TableRow): string {
  return `${state} ${local} ${remote} ${limit}`.toLowerCase();
}

function compare(a: TableRow, b: TableRow, key: SortKey): number {
  if (key === "state") return stateRank(a.state) - stateRank(b.state);
  if (key === "local" || key === "remote") return placeRank(a[key], b[key]);
  const [x, y] = [a[key], b[key]];
  if (typeof x === "number" && typeof y === "number") return x - y;
  return String(x).localeCompare(String(y));
}

/** Addresses by their numbers. */
function placeRank(a: string, b: string): number {
  const [x, y] = [a, b].map((place) => place.split(/[.:]/).map(Number));
  for (let i = 0; i < 5; i++) if (x![i] !== y![i]) return x![i]! - y![i]!;
  return 0;
}
