/** The pane of one connection: figures, graphs, time-sequence, ladder, and every field that `ss --json` has. */
import type { ConnectionFrame, SeenSegment, TableRow } from "../messages.ts";
import { LiveChart, PLANS } from "./charts.ts";
import { add, button, make, setClass, setText } from "./dom.ts";
import { bytes, count, ms, rate, stateKind, threshold } from "./format.ts";
import { History } from "./history.ts";
import { LadderView } from "./ladder.ts";
import { SequenceChart } from "./sequence.ts";
import { act, follow } from "./server.ts";

type Connection = NonNullable<ConnectionFrame["connection"]>;

/** Segments that the graph and the ladder have. */
const MOST_SEGMENTS = 3000;
/** ms in which a second click means it. */
const SURE = 3000;

const FIGURES: readonly (readonly [
  title: string,
  text: (f: ConnectionFrame, c: Connection) => string,
])[] = [
  ["cwnd", (_f, c) => bytes(c.cwnd)],
  ["ssthresh", (_f, c) => threshold(c.ssthresh)],
  ["in flight", (_f, c) => bytes(c.inFlight)],
  ["peer's window", (_f, c) => bytes(c.sndWnd)],
  ["RTT", (_f, c) => ms(c.srtt)],
  ["least RTT", (_f, c) => ms(c.minRtt)],
  ["timeout", (_f, c) => ms(c.rto)],
  ["our window", (_f, c) => bytes(c.rcvWnd)],
  ["sends", (f) => rate(f.sendRate)],
  ["receives", (f) => rate(f.receiveRate)],
  ["sent again", (_f, c) => count(c.retransmits)],
  ["control", (_f, c) => `${c.congestionControl}, ${c.caState}`],
];

export class Detail {
  readonly element: HTMLElement = make("section", "detail");
  readonly #onClose: () => void;
  readonly #state: HTMLElement;
  readonly #title: HTMLElement;
  readonly #why: HTMLElement;
  readonly #say: HTMLElement;
  readonly #values: HTMLElement[] = [];
  readonly #fields: HTMLElement;
  readonly #buttons: HTMLButtonElement[] = [];
  readonly #charts: readonly LiveChart[];
  readonly #sequence: SequenceChart;
  readonly #ladder: LadderView;
  #stop: (() => void) | null = null;
  #row: TableRow | null = null;
  #history = new History();
  #segments: SeenSegment[] = [];
  #frame: ConnectionFrame | null = null;
  #missed = 0;
  #paused = false;
  #sure: ReturnType<typeof setTimeout> | null = null;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
    this.element.setAttribute("role", "region");
    this.element.setAttribute("aria-label", "Connection");
    this.element.tabIndex = -1;
    this.element.hidden = true;
    const head = add(this.element, "header", "detail-head");
    this.#state = add(head, "span", "pill");
    this.#title = add(head, "h2");
    button(head, "icon close", "✕", onClose).setAttribute("aria-label", "Close this view (Escape)");
    this.#why = add(this.element, "p", "why");
    this.#makeActions();
    this.#say = add(this.element, "p", "say");
    this.#say.setAttribute("role", "status");
    const figures = add(this.element, "dl", "figures");
    for (const [title] of FIGURES) {
      const cell = add(figures, "div");
      add(cell, "dt", "", title);
      this.#values.push(add(cell, "dd"));
    }
    this.#charts = PLANS.map((plan) => new LiveChart(this.element, plan));
    this.#sequence = new SequenceChart(this.element);
    this.#ladder = new LadderView(this.element);
    const all = add(this.element, "details", "fields");
    add(all, "summary", "", "Everything, as tuntcp ss --json says it");
    this.#fields = add(all, "dl");
  }

  open(row: TableRow, byKey: boolean): void {
    this.#leave();
    this.#row = row;
    this.element.hidden = false;
    this.element.scrollTop = 0;
    setText(this.#title, `${row.local} ⇄ ${row.remote}`);
    this.#showState(row.state, row.limit);
    setText(this.#say, "");
    this.#enable(true);
    this.#stop = follow<ConnectionFrame>(
      "/connection",
      { local: row.local, remote: row.remote },
      (frame) => this.#take(frame),
      (state) => {
        if (state === "over") this.#end();
      },
    );
    if (byKey) this.element.focus();
  }

  close(): void {
    this.#leave();
    this.element.hidden = true;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#draw();
  }

  /** After the colours changed. */
  rebuild(): void {
    for (const chart of this.#charts) chart.rebuild();
    this.#sequence.rebuild();
  }

  #leave(): void {
    this.#stop?.();
    this.#stop = null;
    this.#history = new History();
    this.#segments = [];
    this.#frame = null;
    this.#missed = 0;
    this.#ladder.clear();
  }

  #makeActions(): void {
    const bar = add(this.element, "div", "actions");
    const close = button(bar, "", "Close", () => void this.#act("/close", "Told to end with FIN."));
    close.title = "Ends our side: FIN after what is queued";
    const abort = button(bar, "danger", "Abort", () => {
      if (this.#sure === null) {
        abort.textContent = "Abort: sure?";
        this.#sure = setTimeout(() => this.#calm(abort), SURE);
        return;
      }
      this.#calm(abort);
      void this.#act("/abort", "Aborted: RST sent.");
    });
    abort.title = "RST at once; what is queued is lost";
    this.#buttons.push(close, abort);
  }

  #calm(abort: HTMLButtonElement): void {
    if (this.#sure !== null) clearTimeout(this.#sure);
    this.#sure = null;
    abort.textContent = "Abort";
  }

  #enable(on: boolean): void {
    for (const b of this.#buttons) b.disabled = !on;
  }

  async #act(path: string, done: string): Promise<void> {
    const { local, remote } = this.#row!;
    const wrong = await act(path, { local, remote });
    setText(this.#say, wrong ?? done);
  }

  #take(frame: ConnectionFrame): void {
    this.#history.add(frame);
    this.#segments.push(...frame.segments);
    if (this.#segments.length > MOST_SEGMENTS) this.#segments.splice(0, frame.segments.length);
    this.#missed += frame.missed;
    this.#frame = frame;
    this.#draw();
  }

  #draw(): void {
    const frame = this.#frame;
    if (frame === null || this.#paused) return;
    const { connection: c } = frame;
    for (const chart of this.#charts) chart.draw(this.#history);
    this.#sequence.draw(this.#segments, frame.at);
    this.#ladder.draw(this.#segments);
    if (c === null) return this.#end();
    this.element.dataset["sample"] = String(frame.sample);
    this.#enable(true);
    this.#showState(c.state, c.limit.text);
    FIGURES.forEach(([, text], i) => setText(this.#values[i]!, text(frame, c)));
    this.#showFields(c);
  }

  #showState(state: string, why: string): void {
    setText(this.#state, state);
    setClass(this.#state, `pill is-${stateKind(state)}`);
    const missed =
      this.#missed === 0 ? "" : ` (${count(this.#missed)} segments were too many to show)`;
    setText(this.#why, why + missed);
  }

  #end(): void {
    setText(this.#state, "CLOSED");
    setClass(this.#state, "pill is-over");
    setText(this.#why, "This connection is no more.");
    this.#enable(false);
  }

  #showFields(c: Connection): void {
    const { limit, ...info } = c;
    const all = { ...info, "limit.by": limit.by, "limit.text": limit.text };
    for (const [key, value] of Object.entries(all)) {
      let cell = this.#fields.querySelector(`[data-field="${key}"]`);
      if (cell === null) {
        const line = add(this.#fields, "div");
        add(line, "dt", "", key);
        cell = add(line, "dd");
        cell.setAttribute("data-field", key);
      }
      setText(cell, String(value));
    }
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  leave(): void {
    this.#onClose();
  }
}
