/** The head of the page: whose stack this is, whether it is live, how many connections are in which state, and the filter. */
import type { TableFrame } from "../messages.ts";
import { add, button, make, setText } from "./dom.ts";
import { bytes, count, rate, span, stateKind, stateRank } from "./format.ts";
import type { StreamState } from "./server.ts";
import type { Store } from "./store.ts";

const SAYS: Readonly<Record<StreamState | "paused", string>> = {
  live: "live",
  lost: "no answer, trying again",
  over: "ended: take the new address that tuntcp serve prints",
  paused: "paused",
};

export class TopBar {
  readonly element: HTMLElement = make("header", "top");
  readonly filter: HTMLInputElement;
  readonly #store: Store;
  readonly #changed: () => void;
  readonly #facts: HTMLElement;
  readonly #live: HTMLElement;
  readonly #rates: HTMLElement;
  readonly #chips: HTMLElement;
  readonly #pause: HTMLButtonElement;
  #state: StreamState = "live";
  #paused = false;

  constructor(
    store: Store,
    changed: () => void,
    onPause: (paused: boolean) => void,
    onTheme: () => void,
  ) {
    this.#store = store;
    this.#changed = changed;
    const first = add(this.element, "div", "bar");
    add(first, "h1", "", "tuntcp");
    this.#facts = add(first, "span", "facts");
    this.#rates = add(first, "span", "rates");
    this.#live = add(first, "span", "live");
    this.#live.setAttribute("role", "status");
    this.#pause = button(first, "", "Pause", () => {
      this.#paused = !this.#paused;
      setText(this.#pause, this.#paused ? "Go on" : "Pause");
      this.#pause.setAttribute("aria-pressed", String(this.#paused));
      this.#tell();
      onPause(this.#paused);
    });
    const theme = button(first, "icon", "◐", onTheme);
    theme.setAttribute("aria-label", "Light or dark");
    theme.title = "Light or dark";
    const second = add(this.element, "div", "bar");
    this.#chips = add(second, "div", "chips");
    this.#chips.setAttribute("role", "group");
    this.#chips.setAttribute("aria-label", "Connections by state");
    this.filter = add(second, "input", "filter");
    this.filter.type = "search";
    this.filter.placeholder = "Filter: address, port, reason  ( / )";
    this.filter.setAttribute("aria-label", "Filter connections");
    this.filter.addEventListener("input", () => {
      store.text = this.filter.value;
      changed();
    });
    this.#tell();
  }

  update({ summary, omitted }: TableFrame): void {
    const { version, addresses, tun, uptime, memory, states } = summary;
    const where = `${addresses.join(" ")} on ${tun}`;
    setText(this.#facts, `${where} · up ${span(uptime)} · ${bytes(memory)} · ${version}`);
    const [up, down] = [this.#store.total("sendRate"), this.#store.total("receiveRate")];
    setText(this.#rates, `↑ ${rate(up)}  ↓ ${rate(down)}`);
    const total = Object.values(states).reduce((sum, n) => sum + n, 0);
    const shown = omitted > 0 ? ` (${count(total - omitted)} shown)` : "";
    const wanted: [string, string][] = [["", `All ${count(total)}${shown}`]];
    for (const state of Object.keys(states).toSorted((a, b) => stateRank(a) - stateRank(b))) {
      wanted.push([state, `${state} ${count(states[state]!)}`]);
    }
    this.#showChips(wanted);
  }

  tell(state: StreamState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    const state = this.#state === "live" && this.#paused ? "paused" : this.#state;
    setText(this.#live, SAYS[state]);
    this.#live.dataset["state"] = state;
  }

  #showChips(wanted: readonly [state: string, text: string][]): void {
    const chips = new Map(
      [...this.#chips.querySelectorAll("button")].map((b) => [b.dataset["state"]!, b]),
    );
    // a state that is chosen stays to be left
    const { state: chosen } = this.#store;
    const all = wanted.some(([state]) => state === chosen)
      ? wanted
      : [...wanted, [chosen, `${chosen} 0`] as const];
    all.forEach(([state, text], i) => {
      const chip = chips.get(state) ?? this.#makeChip(state);
      chips.delete(state);
      setText(chip, text);
      chip.setAttribute("aria-pressed", String(state === chosen));
      if (this.#chips.children[i] !== chip) {
        this.#chips.insertBefore(chip, this.#chips.children[i] ?? null);
      }
    });
    for (const chip of chips.values()) chip.remove();
  }

  #makeChip(state: string): HTMLButtonElement {
    const kind = state === "" ? "" : ` is-${stateKind(state)}`;
    const chip = button(this.#chips, `chip${kind}`, "", () => {
      this.#store.state = this.#store.state === state ? "" : state;
      this.#changed();
    });
    chip.dataset["state"] = state;
    return chip;
  }
}
