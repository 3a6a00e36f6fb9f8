/** The text of a script with expectations replaced by what was seen, all else as it was. */
import type { Event } from "./ast.ts";

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export class Blessing {
  private readonly original: string;
  private readonly edits: Edit[] = [];

  constructor(text: string) {
    this.original = text;
  }

  /** `at`: when it left, microseconds from what the event's time counts from; null: the time was right. */
  replace(event: Event, seen: string, at: number | null): void {
    if (event.action.kind !== "packet") return;
    this.edits.push({ ...event.action.span, text: seen });
    if (at === null) return;
    const relative = event.time.kind.startsWith("relative");
    this.edits.push({ ...event.timeSpan, text: `${relative ? "+" : ""}${seconds(at)}` });
  }

  text(): string {
    let text = this.original;
    for (const { from, to, text: by } of this.edits.toSorted((a, b) => b.from - a.from))
      text = text.slice(0, from) + by + text.slice(to);
    return text;
  }
}

/** Without the zeros at the end. */
function seconds(us: number): string {
  return (Math.round(us) / 1e6).toFixed(6).replace(/\.?0+$/, "");
}
