/**
 * The table of connections. Only rows that can be seen are in the page, so that many thousand scroll as easily as ten. One row
 * takes part in tabbing; arrow keys move it.
 */
import type { TableRow } from "../messages.ts";
import { add, button, make, setClass, setText } from "./dom.ts";
import { bytes, count, ms, rate, stateKind } from "./format.ts";
import type { SortKey, Store } from "./store.ts";

interface Column {
  readonly key: SortKey;
  readonly title: string;
  readonly className: string;
  readonly text: (row: TableRow) => string;
}

const queue = (n: number): string => (n === 0 ? "–" : bytes(n));

const COLUMNS: readonly Column[] = [
  { key: "state", title: "State", className: "state", text: (r) => r.state },
  { key: "local", title: "Local", className: "place local", text: (r) => r.local },
  { key: "remote", title: "Peer", className: "place remote", text: (r) => r.remote },
  { key: "sendRate", title: "Sends", className: "number send", text: (r) => rate(r.sendRate) },
  {
    key: "receiveRate",
    title: "Receives",
    className: "number receive",
    text: (r) => rate(r.receiveRate),
  },
  { key: "srtt", title: "RTT", className: "number rtt", text: (r) => ms(r.srtt) },
  { key: "cwnd", title: "cwnd", className: "number cwnd", text: (r) => queue(r.cwnd) },
  {
    key: "retransmits",
    title: "Again",
    className: "number again",
    text: (r) => (r.retransmits === 0 ? "–" : count(r.retransmits)),
  },
  { key: "limit", title: "Why not faster", className: "limit", text: (r) => r.limit },
];

/** Pixels of a row: on one line, and on two. */
const ROW = 34;
const ROW_TALL = 60;
/** Widths of the table below which columns are left out, and below which a row has two lines. */
const MEDIUM = 980;
const NARROW = 640;
/** Rows beyond the edges. */
const BEYOND = 6;

interface Shown {
  readonly element: HTMLElement;
  readonly cells: readonly HTMLElement[];
}

export class ConnectionTable {
  readonly element: HTMLElement = make("div", "grid");
  /** Of the row that is opened. */
  selected: number | null = null;
  readonly #store: Store;
  readonly #open: (row: TableRow, byKey: boolean) => void;
  readonly #head: HTMLElement[] = [];
  readonly #body: HTMLElement;
  readonly #space: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #shown = new Map<number, Shown>();
  #rows: TableRow[] = [];
  #active: number | null = null;
  #height = ROW;

  constructor(store: Store, open: (row: TableRow, byKey: boolean) => void) {
    this.#store = store;
    this.#open = open;
    this.element.setAttribute("role", "grid");
    this.element.setAttribute("aria-label", "Connections");
    this.element.setAttribute("aria-colcount", String(COLUMNS.length));
    this.#makeHead();
    this.#body = add(this.element, "div", "grid-body");
    this.#body.setAttribute("role", "rowgroup");
    this.#space = add(this.#body, "div", "grid-space");
    this.#space.setAttribute("role", "presentation");
    this.#empty = add(this.#body, "p", "empty");
    this.#body.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.#body.addEventListener("keydown", (event) => this.#onKey(event));
    new ResizeObserver(() => this.#measure()).observe(this.element);
  }

  /** After the store changed. */
  update(): void {
    const at = this.#rows.findIndex(({ id }) => id === this.#active);
    const focused = this.#hasFocus();
    this.#rows = this.#store.shown();
    if (!this.#rows.some(({ id }) => id === this.#active)) {
      const next = this.#rows[Math.min(Math.max(at, 0), this.#rows.length - 1)];
      this.#active = next?.id ?? null;
    }
    this.element.setAttribute("aria-rowcount", String(this.#rows.length + 1));
    this.#draw();
    if (focused) this.focus();
  }

  focus(): void {
    if (this.#active === null) return;
    this.#show(this.#rows.findIndex(({ id }) => id === this.#active));
    this.#shown.get(this.#active)?.element.focus({ preventScroll: true });
  }

  #hasFocus(): boolean {
    return this.#body.contains(document.activeElement);
  }

  #makeHead(): void {
    const group = add(this.element, "div", "grid-head");
    group.setAttribute("role", "rowgroup");
    const row = add(group, "div", "row");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", "1");
    for (const { key, title, className } of COLUMNS) {
      const cell = add(row, "div", `cell ${className}`);
      cell.setAttribute("role", "columnheader");
      button(cell, "sort", title, () => {
        const { sortBy, descending } = this.#store;
        const numbers = className.startsWith("number");
        this.#store.descending = sortBy === key ? !descending : numbers;
        this.#store.sortBy = key;
        this.#tellOrder();
        this.update();
      });
      this.#head.push(cell);
    }
    this.#tellOrder();
  }

  #tellOrder(): void {
    const { sortBy, descending } = this.#store;
    COLUMNS.forEach(({ key }, i) => {
      const order = key !== sortBy ? "none" : descending ? "descending" : "ascending";
      this.#head[i]!.setAttribute("aria-sort", order);
    });
  }

  #measure(): void {
    const width = this.element.clientWidth;
    const narrow = width < NARROW;
    setClass(this.element, `grid${narrow ? " narrow" : width < MEDIUM ? " medium" : ""}`);
    this.#height = narrow ? ROW_TALL : ROW;
    this.#draw();
  }

  #draw(): void {
    const [rows, height] = [this.#rows, this.#height];
    this.#space.style.height = `${rows.length * height}px`;
    const none = this.#store.rows.size === 0 ? "No connection yet." : "No connection is like that.";
    setText(this.#empty, rows.length === 0 ? none : "");
    const first = Math.max(0, Math.floor(this.#body.scrollTop / height) - BEYOND);
    const seen = Math.ceil(this.#body.clientHeight / height) + 2 * BEYOND;
    const wanted = new Set<number>();
    for (let i = first; i < Math.min(rows.length, first + seen); i++) {
      wanted.add(rows[i]!.id);
      this.#place(rows[i]!, i);
    }
    // the one that has the focus stays, wherever it is
    const kept = this.#hasFocus() ? rows.findIndex(({ id }) => id === this.#active) : -1;
    if (kept >= 0 && !wanted.has(rows[kept]!.id)) {
      wanted.add(rows[kept]!.id);
      this.#place(rows[kept]!, kept);
    }
    for (const [id, { element }] of this.#shown) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#shown.delete(id);
    }
  }

  #place(row: TableRow, index: number): void {
    const { element, cells } = this.#shown.get(row.id) ?? this.#makeRow(row);
    element.style.transform = `translateY(${index * this.#height}px)`;
    element.setAttribute("aria-rowindex", String(index + 2));
    element.setAttribute("aria-selected", String(row.id === this.selected));
    element.tabIndex = row.id === this.#active ? 0 : -1;
    COLUMNS.forEach(({ text }, i) => setText(cells[i]!, text(row)));
    setClass(cells[0]!.parentElement!, `cell state is-${stateKind(row.state)}`);
    element.classList.toggle("moves", row.sendRate + row.receiveRate > 0);
  }

  #makeRow({ id }: TableRow): Shown {
    const element = add(this.#space, "div", "row");
    element.setAttribute("role", "row");
    element.dataset["id"] = String(id);
    const cells = COLUMNS.map(({ key, className }) => {
      const cell = add(element, "div", `cell ${className}`);
      cell.setAttribute("role", "gridcell");
      // a state is a word on a ground of its own
      return key === "state" ? add(cell, "span", "pill") : cell;
    });
    element.addEventListener("click", () => this.#choose(id, false));
    element.addEventListener("focus", () => {
      this.#active = id;
      this.#draw();
    });
    const shown = { element, cells };
    this.#shown.set(id, shown);
    return shown;
  }

  #choose(id: number, byKey: boolean): void {
    const row = this.#store.rows.get(id);
    if (row === undefined) return;
    this.#active = id;
    this.selected = id;
    this.#draw();
    this.#open(row, byKey);
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#rows.findIndex(({ id }) => id === this.#active);
    const page = Math.max(1, Math.floor(this.#body.clientHeight / this.#height) - 1);
    const last = this.#rows.length - 1;
    const to: Partial<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    };
    if ((event.key === "Enter" || event.key === " ") && this.#active !== null) {
      this.#choose(this.#active, true);
    } else if (to[event.key] !== undefined && last >= 0) {
      this.#active = this.#rows[Math.min(Math.max(to[event.key]!, 0), last)]!.id;
      this.focus();
    } else return;
    event.preventDefault();
  }

  /** Scrolls as little as needed. */
  #show(index: number): void {
    const top = index * this.#height;
    const { scrollTop, clientHeight } = this.#body;
    if (top < scrollTop) this.#body.scrollTop = top;
    else if (top + this.#height > scrollTop + clientHeight) {
      this.#body.scrollTop = top + this.#height - clientHeight;
    }
    this.#draw();
  }
}
