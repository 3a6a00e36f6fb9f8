/** When an event may happen, and by how much it may be off. Microseconds. */
import type { EventTime } from "./ast.ts";
import type { FieldDifference } from "./failure.ts";
import type { RunSettings } from "./options.ts";

export interface TimeWindow {
  readonly low: number;
  readonly high: number;
  readonly tolerance: number;
}

/** `base`: what the event's time counts from; `previous`: when the event before was to be. */
export function windowOf(
  time: EventTime,
  base: number,
  previous: number,
  run: RunSettings,
): TimeWindow {
  if (time.kind === "any") return { low: -Infinity, high: Infinity, tolerance: 0 };
  const low = base + time.at;
  const high = "to" in time ? base + time.to : low;
  const slack = (run.tolerancePercent / 100) * (low - previous);
  return { low, high, tolerance: Math.max(run.toleranceUsecs, slack) };
}

export function checkTime(window: TimeWindow, at: number): FieldDifference | null {
  const { low, high, tolerance } = window;
  // half a microsecond: sums of floating-point milliseconds
  if (at >= low - tolerance - 0.5 && at <= high + tolerance + 0.5) return null;
  const range = low === high ? secondsText(low) : `${secondsText(low)} to ${secondsText(high)}`;
  return {
    field: "time",
    expected: `${range} s (tolerance ${secondsText(tolerance)})`,
    seen: `${secondsText(at)} s`,
  };
}

export function secondsText(us: number): string {
  return (us / 1e6).toFixed(6);
}
