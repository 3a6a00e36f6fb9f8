/** The head of the page: what this is, what is switched on, where in time we are. */
import { type Figure, type Mark, MARK_KINDS, ownerName, runLetter } from "../figure.ts";
import { colourOf, markStyle } from "../style.ts";
import { formatTick, timeScale } from "../ticks.ts";
import { add } from "./plot.ts";
import type { View } from "./view.ts";

export interface Header {
  readonly draw: () => void;
  readonly complain: (line: string) => void;
}

export function headerOf(figure: Figure, view: View, onFile: (file: File) => void): Header {
  const header = add(document.body, "header");
  figure.runs.forEach(({ name, facts }, run) => {
    const title = add(header, "h1");
    title.textContent = figure.runs.length > 1 ? `${runLetter(run)}: ${name}` : name;
    add(title, "small").textContent = facts;
  });
  const bar = add(header, "div", "bar");
  button(bar, "+", "zoom in (key +)", () => view.zoom(0.5, middle(view)));
  button(bar, "−", "zoom out (key -)", () => view.zoom(2, middle(view)));
  button(bar, "whole run", "double click, key 0", () => view.show(...view.whole));
  filePicker(bar, onFile);
  add(bar, "small").textContent =
    "Drag moves, Shift + drag selects a stretch, Ctrl + wheel zooms, arrow keys move.";
  const time = add(bar, "span", "time");
  switches(header, figure, view);
  const error = add(header, "div", "error");
  keys(view);
  return {
    draw: () => {
      time.textContent = place(view);
    },
    complain: (line) => {
      error.textContent = line;
    },
  };
}

function middle(view: View): number {
  return view.cursor ?? (view.range[0] + view.range[1]) / 2;
}

function place(view: View): string {
  const [low, high] = view.range;
  const scale = timeScale(high);
  const step = (high - low) / 100;
  const range = `${formatTick(low, scale, step)} – ${formatTick(high, scale, step)} ${scale.name}`;
  if (view.cursor === null) return range;
  return `cursor ${formatTick(view.cursor, scale, step / 10)} ${scale.name} · ${range}`;
}

function button(host: HTMLElement, label: string, title: string, act: () => void): void {
  const element = document.createElement("button");
  element.textContent = label;
  element.title = title;
  element.addEventListener("click", act);
  host.append(element);
}

/** By a button, and by dropping a file on the page. */
function filePicker(bar: HTMLElement, onFile: (file: File) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = ".html,.json";
  input.hidden = true;
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file !== undefined) onFile(file);
  });
  bar.append(input);
  button(bar, "compare with …", "a page of another run, or its JSON", () => input.click());
  document.body.ondragover = (e) => e.preventDefault();
  document.body.ondrop = (e) => {
    e.preventDefault();
    const file = e.dataTransfer?.files[0];
    if (file !== undefined) onFile(file);
  };
}

function switches(header: HTMLElement, figure: Figure, view: View): void {
  const owners = figure.owners.map((owner, index) => ({ owner, index }));
  if (figure.runs.length > 1) {
    const bar = row(header, "Runs");
    figure.runs.forEach((_, run) => {
      const own = owners.filter(({ owner }) => owner.run === run).map(({ index }) => index);
      toggle(bar, runLetter(run), "", view, own, view.hiddenOwners);
    });
  }
  for (const [kind, name] of [
    ["flow", "Flows"],
    ["link", "Links"],
  ] as const) {
    const seen = new Set(figure.panels.flatMap(({ lines }) => lines.map((l) => l.owner)));
    const own = owners.filter(({ owner, index }) => owner.kind === kind && seen.has(index));
    if (own.length < 2) continue;
    const bar = row(header, name);
    for (const { owner, index } of own) {
      const colour = colourOf(owner.rank);
      toggle(bar, ownerName(figure, index), colour, view, [index], view.hiddenOwners);
    }
  }
  const bar = row(header, "Lines");
  const quantities = figure.panels
    .filter(({ lines }) => new Set(lines.map((l) => l.quantity)).size > 1)
    .flatMap(({ lines }) => lines.map((l) => l.quantity));
  for (const quantity of new Set(quantities)) {
    toggle(bar, quantity, "", view, [quantity], view.hiddenQuantities);
  }
  if (figure.sequences.length === 0) return;
  const marks = row(header, "Marks");
  const kinds = new Set(figure.sequences.flatMap(({ marks }) => marks.map((m) => m.kind)));
  for (const kind of MARK_KINDS.filter((k) => kinds.has(k))) {
    const { label, colour } = markStyle(kind);
    toggle<Mark>(marks, label, colour, view, [kind], view.hiddenMarks);
  }
}

function row(header: HTMLElement, name: string): HTMLElement {
  const bar = add(header, "div", "bar");
  add(bar, "span", "what").textContent = name;
  return bar;
}

function toggle<T>(
  host: HTMLElement,
  name: string,
  colour: string,
  view: View,
  what: readonly T[],
  hidden: Set<T>,
): void {
  const label = add(host, "label");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = true;
  if (colour !== "") box.style.accentColor = colour;
  label.append(box, name);
  box.addEventListener("change", () => {
    for (const x of what) {
      if (box.checked) hidden.delete(x);
      else hidden.add(x);
    }
    view.changed("all");
  });
}

function keys(view: View): void {
  document.onkeydown = (e) => {
    const target = e.target as HTMLElement;
    if (e.ctrlKey || e.metaKey || e.altKey || ["SELECT", "INPUT"].includes(target.tagName)) return;
    const span = view.range[1] - view.range[0];
    if (e.key === "ArrowLeft") view.pan(-span / 8);
    else if (e.key === "ArrowRight") view.pan(span / 8);
    else if (e.key === "+") view.zoom(0.5, middle(view));
    else if (e.key === "-") view.zoom(2, middle(view));
    else if (e.key === "0") view.show(...view.whole);
    else return;
    e.preventDefault();
  };
}
