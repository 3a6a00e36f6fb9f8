/** Below the charts: the figures of each flow and link as tables, and ladders. */
import { type Figure, ownerName } from "../figure.ts";
import { ladderSvg } from "../ladder.ts";
import { add } from "./plot.ts";

export function factsOf(host: HTMLElement, figure: Figure): void {
  const details = add(host, "details");
  add(details, "summary").textContent = "Figures of flows and links";
  for (const kind of ["flow", "link"] as const) {
    const own = figure.owners.flatMap((owner, i) => (owner.kind === kind ? [{ owner, i }] : []));
    const names = new Set(own.flatMap(({ owner }) => owner.facts.map(([name]) => name)));
    if (own.length === 0) continue;
    const table = add(details, "table");
    const head = add(table, "tr");
    for (const name of [kind, ...names]) add(head, "th").textContent = name;
    for (const { owner, i } of own) {
      const facts = new Map(owner.facts);
      const line = add(table, "tr");
      add(line, "td").textContent = ownerName(figure, i);
      for (const name of names) add(line, "td").textContent = facts.get(name) ?? "";
    }
  }
}

export function laddersOf(host: HTMLElement, figure: Figure): void {
  for (const ladder of figure.ladders) {
    const details = add(host, "details") as HTMLDetailsElement;
    details.open = figure.ladders.length === 1;
    add(details, "summary").textContent = `Ladder of ${ladder.left} and ${ladder.right}`;
    add(details, "div").innerHTML = ladderSvg(ladder, 1000);
  }
}
