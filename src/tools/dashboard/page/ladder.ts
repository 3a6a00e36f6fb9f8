/** The last segments as a ladder: our line on the left, the peer's on the right, the states of both as bands. */
import type { SeenSegment } from "../messages.ts";
import { add, addSvg, setText } from "./dom.ts";
import { stateKind } from "./format.ts";

/** Segments at most. */
const MOST = 40;
const ROW = 28;
const SLANT = 7;
const TOP = 26;
const BAND = 10;

export class LadderView {
  readonly #svg: SVGElement;
  readonly #host: HTMLElement;
  readonly #note: HTMLElement;
  #last = -1;
  #width = 0;
  #segments: readonly SeenSegment[] = [];
  #origin: number | null = null;

  constructor(host: HTMLElement) {
    const figure = add(host, "figure", "chart ladder");
    const caption = add(figure, "figcaption");
    add(caption, "b", "", "Ladder");
    this.#note = add(caption, "span", "note");
    this.#host = add(figure, "div", "rungs");
    this.#svg = addSvg(this.#host, "svg", { role: "img", "aria-label": "The last segments" });
    new ResizeObserver(() => {
      if (this.#host.clientWidth !== this.#width) this.#paint();
    }).observe(this.#host);
  }

  draw(segments: readonly SeenSegment[]): void {
    const last = segments.at(-1)?.number ?? 0;
    if (last === this.#last) return;
    this.#last = last;
    this.#origin ??= segments[0]?.at ?? null;
    this.#segments = segments.slice(-MOST);
    this.#paint();
  }

  clear(): void {
    this.#last = -1;
    this.#origin = null;
    this.#segments = [];
    this.#paint();
  }

  #paint(): void {
    const width = (this.#width = this.#host.clientWidth);
    if (width === 0) return;
    this.#svg.replaceChildren();
    const segments = this.#segments;
    const last = segments.at(-1);
    const states = `this stack ${last?.own ?? "?"}, peer ${last?.peer ?? "?"}; times in s`;
    setText(this.#note, last === undefined ? "no segment since you look" : states);
    const narrow = width < 460;
    const left = narrow ? 58 : 74;
    const right = width - BAND - 6;
    const height = TOP + Math.max(1, segments.length) * ROW + 6;
    this.#svg.setAttribute("width", String(width));
    this.#svg.setAttribute("height", String(height));
    addSvg(
      this.#svg,
      "text",
      { x: left, y: 12, class: "end", "text-anchor": "start" },
      "this stack",
    );
    addSvg(this.#svg, "text", { x: right, y: 12, class: "end", "text-anchor": "end" }, "peer");
    this.#bands(segments, left, "own", height);
    this.#bands(segments, right, "peer", height);
    segments.forEach((s, i) => this.#rung(s, TOP + i * ROW, left, right, narrow));
    // what is newest is seen
    this.#host.scrollTop = this.#host.scrollHeight;
  }

  /** One for each stretch in one state; its name where it begins. */
  #bands(segments: readonly SeenSegment[], x: number, end: "own" | "peer", height: number): void {
    const own = end === "own";
    let from = 0;
    for (let i = 0; i <= segments.length; i++) {
      const state = segments[from]?.[end] ?? "?";
      if (i < segments.length && segments[i]![end] === state) continue;
      const y = from === 0 ? TOP - 8 : TOP + from * ROW;
      const bottom = i === segments.length ? height - 4 : TOP + i * ROW;
      const band = {
        x: own ? x - BAND : x,
        y,
        width: BAND,
        height: Math.max(0, bottom - y),
        rx: 3,
      };
      const rect = addSvg(this.#svg, "rect", { ...band, class: `band is-${stateKind(state)}` });
      addSvg(rect, "title", {}, state);
      if (segments.length > 0) this.#stateName(state, own ? x + 4 : x - 4, y, own);
      from = i;
    }
  }

  #stateName(state: string, x: number, y: number, own: boolean): void {
    const anchor = own ? "start" : "end";
    const at = { x, y: y + 3, class: "state-name", "text-anchor": anchor };
    addSvg(this.#svg, "text", at, state);
  }

  #rung(s: SeenSegment, y: number, left: number, right: number, narrow: boolean): void {
    const again = /retransmission|probe|dropped/.test(s.remark);
    const kind = s.flags.includes("RST") || again ? "bad" : /SYN|FIN/.test(s.flags) ? "mark" : "";
    const group = addSvg(this.#svg, "g", { class: `rung ${kind}` });
    const [x1, x2] = s.out ? [left, right] : [right, left];
    const [y1, y2] = [y + 10, y + 10 + SLANT];
    addSvg(group, "line", { x1, y1, x2, y2 });
    const back = s.out ? -7 : 7;
    addSvg(group, "path", { d: `M${x2 + back} ${y2 - 4}L${x2} ${y2}L${x2 + back} ${y2 + 3}` });
    const middle = (left + right) / 2;
    const label = addSvg(
      group,
      "text",
      { x: middle, y: (y1 + y2) / 2 - 5, "text-anchor": "middle" },
      labelOf(s, narrow),
    );
    addSvg(label, "title", {}, labelOf(s, false));
    const seconds = ((s.at - (this.#origin ?? s.at)) / 1000).toFixed(3);
    addSvg(
      group,
      "text",
      { x: left - BAND - 6, y: y1 + 4, class: "time", "text-anchor": "end" },
      seconds,
    );
  }
}

function labelOf(s: SeenSegment, narrow: boolean): string {
  const flags = s.flags.replaceAll(",", " ");
  const parts = [flags, s.length > 0 ? `${s.seq}:${s.seq + s.length}` : `seq ${s.seq}`];
  if (s.flags.includes("ACK")) parts.push(`ack ${s.ack}`);
  if (!narrow) parts.push(`win ${s.window}`);
  if (!narrow && s.options !== "") parts.push(`<${s.options}>`);
  if (s.remark !== "") parts.push(`(${s.remark})`);
  return parts.join(" ");
}
