/** What every chart of the page has: its place, the line of the shared cursor, and the gestures. */
import type { View } from "./view.ts";

/** Pixels beside the plotted area, the same for all, so that equal times stand above each other. */
export const GUTTER = 76;
export const MARGIN = 26;

export interface Plot {
  readonly section: HTMLElement;
  readonly legend: HTMLElement;
  readonly area: HTMLElement;
  /** Width of the plotted area in CSS pixels; asking the page for it at each use would have it laid out anew. */
  width: number;
  /** After the page got another size. */
  measure(): void;
  showCursor(height: number): void;
  /** What is scrolled away is drawn when it comes. */
  isSeen(): boolean;
}

export function createPlot(host: HTMLElement, title: string, view: View): Plot {
  const section = add(host, "section");
  add(section, "h2").textContent = title;
  const legend = add(section, "div", "legend");
  const area = add(section, "div", "plot");
  area.tabIndex = 0;
  const cross = add(area, "div", "cross");
  const selection = add(area, "div", "selection");
  let seen = true;
  new IntersectionObserver((entries) => {
    const now = entries.at(-1)!.isIntersecting;
    if (now && !seen) view.changed("all");
    seen = now;
  }).observe(area);
  const plot: Plot = {
    isSeen: () => seen,
    section,
    legend,
    area,
    width: 100,
    measure: () => {
      plot.width = Math.max(100, area.clientWidth - GUTTER - MARGIN);
    },
    showCursor: (height) => {
      const { cursor, range } = view;
      const share = cursor === null ? -1 : (cursor - range[0]) / (range[1] - range[0]);
      cross.style.display = share >= 0 && share <= 1 ? "block" : "none";
      cross.style.left = `${GUTTER + share * plot.width}px`;
      cross.style.height = `${height}px`;
    },
  };
  plot.measure();
  pointerGestures(plot, selection, view);
  otherGestures(plot, view);
  return plot;
}

export function add(host: Element, tag: string, className = ""): HTMLElement {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  host.append(element);
  return element;
}

function timeAt(plot: Plot, view: View, clientX: number): number {
  const left = plot.area.getBoundingClientRect().left + GUTTER;
  const [low, high] = view.range;
  return low + ((clientX - left) / plot.width) * (high - low);
}

/** Dragging moves what is seen; with Shift it selects a stretch to zoom to. */
function pointerGestures(plot: Plot, selection: HTMLElement, view: View): void {
  const { area } = plot;
  let drag: { x: number; range: readonly [number, number]; select: boolean } | null = null;
  area.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    area.setPointerCapture(e.pointerId);
    drag = { x: e.clientX, range: view.range, select: e.shiftKey };
  });
  area.addEventListener("pointermove", (e) => {
    if (drag === null) {
      const time = timeAt(plot, view, e.clientX);
      view.point(time >= view.range[0] && time <= view.range[1] ? time : null);
    } else if (drag.select) {
      const left = Math.min(drag.x, e.clientX) - area.getBoundingClientRect().left;
      selection.style.display = "block";
      selection.style.left = `${left}px`;
      selection.style.width = `${Math.abs(e.clientX - drag.x)}px`;
      selection.style.height = "100%";
    } else {
      const by = ((drag.x - e.clientX) / plot.width) * (drag.range[1] - drag.range[0]);
      view.show(drag.range[0] + by, drag.range[1] + by);
    }
  });
  const end = (e: PointerEvent): void => {
    if (drag?.select === true && Math.abs(e.clientX - drag.x) > 3) {
      const ends = [timeAt(plot, view, drag.x), timeAt(plot, view, e.clientX)];
      view.show(Math.min(...ends), Math.max(...ends));
    }
    selection.style.display = "none";
    drag = null;
  };
  area.addEventListener("pointerup", end);
  area.addEventListener("pointercancel", end);
  area.addEventListener("pointerleave", () => view.point(null));
}

/** The plain wheel is the page's; with Ctrl, Alt or Command it zooms, with Shift or sideways it moves. */
function otherGestures(plot: Plot, view: View): void {
  const { area } = plot;
  area.addEventListener("dblclick", () => view.show(...view.whole));
  area.addEventListener(
    "wheel",
    (e) => {
      const sideways = e.shiftKey ? e.deltaY + e.deltaX : e.deltaX;
      if (e.ctrlKey || e.altKey || e.metaKey) {
        view.zoom(2 ** (e.deltaY / 200), timeAt(plot, view, e.clientX));
      } else if (Math.abs(sideways) > Math.abs(e.shiftKey ? 0 : e.deltaY)) {
        view.pan((sideways / plot.width) * (view.range[1] - view.range[0]));
      } else {
        return;
      }
      e.preventDefault();
    },
    { passive: false },
  );
}
