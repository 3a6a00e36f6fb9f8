/** What is there while no connection is opened: the link and what may be done to it, ports, and the counters. */
import type { LinkState, TableFrame } from "../messages.ts";
import { add, button, make, setText } from "./dom.ts";
import { count } from "./format.ts";
import { act } from "./server.ts";

const PRESETS: readonly (readonly [name: string, spec: string])[] = [
  ["Clean", ""],
  ["1 % loss", "loss=1%"],
  ["100 ms away", "delay=50ms"],
  ["Bad Wi-Fi", "loss=2%,delay=15ms,jitter=10ms,rate=20mbit,queue=100"],
  ["Slow line", "rate=2mbit,queue=50,delay=30ms"],
  ["Reordering", "delay=10ms,reorder=5%"],
];

/** ms that a counter stays marked after it grew. */
const FRESH = 1500;

interface Counter {
  readonly row: HTMLElement;
  readonly value: HTMLElement;
  n: number;
  grew: number;
}

export class Overview {
  readonly element: HTMLElement = make("section", "overview");
  readonly #presets: HTMLButtonElement[] = [];
  readonly #spec: HTMLInputElement;
  readonly #say: HTMLElement;
  readonly #link: HTMLElement;
  readonly #done: HTMLElement;
  readonly #ports: HTMLElement;
  readonly #filter: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #counters = new Map<string, Counter>();

  constructor() {
    this.element.setAttribute("aria-label", "Link and counters");
    this.#link = add(this.element, "div", "card");
    add(this.#link, "h2", "", "Link");
    const bar = add(this.#link, "div", "presets");
    for (const [name, spec] of PRESETS) {
      const b = button(bar, "", name, () => void this.#impair(spec));
      b.title = spec === "" ? "the link as it is" : spec;
      this.#presets.push(b);
    }
    const form = add(this.#link, "form", "spec");
    this.#spec = add(form, "input");
    this.#spec.placeholder = "loss=1%,delay=20ms,out.rate=10mbit";
    this.#spec.setAttribute("aria-label", "Impairment, as of --impair");
    this.#spec.spellcheck = false;
    add(form, "button", "", "Apply").type = "submit";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#impair(this.#spec.value);
    });
    this.#say = add(this.#link, "p", "say");
    this.#say.setAttribute("role", "status");
    this.#done = add(this.#link, "p", "note");
    const ports = add(this.element, "div", "card");
    add(ports, "h2", "", "Listens on");
    this.#ports = add(ports, "p", "ports");
    const counters = add(this.element, "div", "card");
    const head = add(counters, "div", "card-head");
    add(head, "h2", "", "Counters");
    this.#filter = add(head, "input");
    this.#filter.type = "search";
    this.#filter.placeholder = "Filter";
    this.#filter.setAttribute("aria-label", "Filter counters");
    this.#filter.addEventListener("input", () => this.#choose());
    this.#list = add(counters, "dl", "counters");
  }

  update({ link, listeners, summary }: TableFrame): void {
    this.#link.hidden = link === null;
    if (link !== null) this.#showLink(link);
    const ports = listeners
      .map(({ address, port }) => (address === "0.0.0.0" ? `${port}` : `${address}:${port}`))
      .join("  ");
    setText(this.#ports, ports === "" ? "nothing" : ports);
    for (const [name, n] of Object.entries(summary.counters)) this.#count(name, n);
  }

  #showLink({ spec, counters }: LinkState): void {
    PRESETS.forEach(([, of], i) =>
      this.#presets[i]!.setAttribute("aria-pressed", String(of === spec)),
    );
    if (document.activeElement !== this.#spec && this.#spec.dataset["was"] !== spec) {
      this.#spec.value = spec;
      this.#spec.dataset["was"] = spec;
    }
    if (counters === null) return setText(this.#done, "Packets pass as they are.");
    const { in: into, out } = counters;
    const drops = (c: typeof into): number => c.lost + c.overflowed + c.aqmDropped + c.cut;
    setText(
      this.#done,
      `In: ${count(into.packets)} packets, ${count(drops(into))} dropped. Out: ${count(out.packets)} packets, ${count(drops(out))} dropped.`,
    );
  }

  async #impair(spec: string): Promise<void> {
    const wrong = await act("/impair", { spec });
    setText(this.#say, wrong ?? (spec === "" ? "The link is clean." : `In force: ${spec}`));
    this.#say.classList.toggle("wrong", wrong !== null);
  }

  #count(name: string, n: number): void {
    const now = performance.now();
    const known = this.#counters.get(name);
    if (known === undefined) {
      const row = make("div");
      add(row, "dt", "", name);
      const value = add(row, "dd", "", count(n));
      this.#counters.set(name, { row, value, n, grew: -Infinity });
      const after = [...this.#counters.keys()].toSorted().indexOf(name);
      this.#list.insertBefore(row, this.#list.children[after] ?? null);
      this.#choose();
      return;
    }
    if (n !== known.n) {
      known.n = n;
      known.grew = now;
      setText(known.value, count(n));
    }
    known.row.classList.toggle("fresh", now - known.grew < FRESH);
  }

  #choose(): void {
    const word = this.#filter.value.toLowerCase();
    for (const [name, { row }] of this.#counters) row.hidden = !name.toLowerCase().includes(word);
  }
}
