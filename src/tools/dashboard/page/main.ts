/** The page: one stream of the table, one of the connection that is opened, and keys for both. */
import type { TableFrame } from "../messages.ts";
import { Detail } from "./detail.ts";
import { add } from "./dom.ts";
import { Overview } from "./overview.ts";
import { follow } from "./server.ts";
import { Store } from "./store.ts";
import { ConnectionTable } from "./table.ts";
import { TopBar } from "./top-bar.ts";

const THEME = "tuntcp-theme";

const store = new Store();
let paused = false;

const table = new ConnectionTable(store, (row, byKey) => {
  detail.open(row, byKey);
  document.body.classList.add("opened");
});
const overview = new Overview();
const detail = new Detail(leave);
const top_ = new TopBar(store, draw, pause, changeTheme);

function leave(): void {
  if (!detail.isOpen) return;
  const inside = detail.element.contains(document.activeElement);
  detail.close();
  table.selected = null;
  document.body.classList.remove("opened");
  table.update();
  if (inside) table.focus();
}

function pause(on: boolean): void {
  paused = on;
  detail.pause(on);
  if (!on) draw();
}

function draw(): void {
  table.update();
  if (store.frame === null) return;
  top_.update(store.frame);
  overview.update(store.frame);
}

function onKey(event: KeyboardEvent): void {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "Escape") {
    if (typing && (event.target as HTMLInputElement).value !== "") return;
    leave();
  } else if (event.key === "/" && !typing) {
    top_.filter.focus();
    event.preventDefault();
  }
}

function changeTheme(): void {
  const { dataset } = document.documentElement;
  const dark = dataset["theme"] ?? (prefersDark.matches ? "dark" : "light");
  dataset["theme"] = dark === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(THEME, dataset["theme"]);
  } catch {
    // it holds for this page then
  }
  detail.rebuild();
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
prefersDark.addEventListener("change", () => detail.rebuild());
try {
  const theme = localStorage.getItem(THEME);
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
} catch {
  // nothing is kept here
}

document.body.append(top_.element);
const main = add(document.body, "main");
main.append(table.element);
const side = add(main, "div", "side");
side.append(overview.element, detail.element);
document.addEventListener("keydown", onKey);

follow<TableFrame>(
  "/table",
  {},
  (frame) => {
    store.apply(frame);
    if (!paused) draw();
  },
  (state) => top_.tell(state),
);
