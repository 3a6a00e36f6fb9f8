/** What is looked at: the stretch of time, the cursor, and what is hidden. Whoever draws is told once a frame. */
import type { Mark } from "../figure.ts";

/** ms without movement after which everything is drawn finely again. */
const SETTLED = 120;

export class View {
  readonly whole: readonly [number, number];
  range: readonly [number, number];
  /** ms; null: the pointer is elsewhere. */
  cursor: number | null = null;
  readonly hiddenOwners: Set<number> = new Set();
  readonly hiddenQuantities: Set<string> = new Set();
  readonly hiddenMarks: Set<Mark> = new Set();
  private readonly draw: (cursorOnly: boolean) => void;
  /** Pixels to one column of what is drawn: while the picture moves, coarse and quick. */
  grain: 1 | 3 = 1;
  private settling: ReturnType<typeof setTimeout> | undefined = undefined;
  private pending: "nothing" | "cursor" | "all" = "nothing";

  constructor(duration: number, draw: (cursorOnly: boolean) => void) {
    this.whole = [0, duration > 0 ? duration : 1];
    this.range = this.whole;
    this.draw = draw;
  }

  /** Not below a nanosecond, and not beyond the run. */
  show(low: number, high: number): void {
    const [start, end] = this.whole;
    const span = Math.min(end - start, Math.max(high - low, 1e-6));
    const from = Math.min(Math.max(low, start), end - span);
    this.range = [from, from + span];
    this.grain = 3;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.grain = 1;
      this.changed("all");
    }, SETTLED);
    this.changed("all");
  }

  /** Times as much, with `around` staying where it is. */
  zoom(factor: number, around: number): void {
    const [low, high] = this.range;
    this.show(around - (around - low) * factor, around + (high - around) * factor);
  }

  pan(by: number): void {
    this.show(this.range[0] + by, this.range[1] + by);
  }

  point(time: number | null): void {
    if (time === this.cursor) return;
    this.cursor = time;
    this.changed("cursor");
  }

  changed(what: "cursor" | "all"): void {
    const scheduled = this.pending !== "nothing";
    if (this.pending !== "all") this.pending = what;
    if (scheduled) return;
    requestAnimationFrame(() => {
      const cursorOnly = this.pending === "cursor";
      this.pending = "nothing";
      this.draw(cursorOnly);
    });
  }
}
