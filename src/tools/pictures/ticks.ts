/** Ticks at round values, and numbers for people. */
import type { Unit } from "./figure.ts";

/** Round steps (1, 2 or 5 times a power of ten) of which about `wanted` fit into the span. */
export function niceStep(span: number, wanted: number): number {
  if (!(span > 0)) return 1;
  const raw = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const share = raw / power;
  if (share <= 1) return power;
  if (share <= 2) return 2 * power;
  return share <= 5 ? 5 * power : 10 * power;
}

export function ticks(low: number, high: number, step: number): number[] {
  const found: number[] = [];
  // by counting, since sums of steps drift
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    found.push(k === 0 ? 0 : k * step);
  }
  return found;
}

/** What numbers of an axis are divided by, and what that is called. */
export interface Scale {
  readonly divisor: number;
  readonly name: string;
}

const PREFIXES: readonly (readonly [number, string])[] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

export function scaleFor(unit: Unit, high: number): Scale {
  if (unit === "ms" || unit === "packets") return { divisor: 1, name: unit };
  for (const [divisor, prefix] of PREFIXES) {
    if (high >= divisor) return { divisor, name: prefix + unit };
  }
  return { divisor: 1, name: unit };
}

/** Times are ms; from two seconds on an axis counts seconds. */
export function timeScale(span: number): Scale {
  return span >= 2000 ? { divisor: 1000, name: "s" } : { divisor: 1, name: "ms" };
}

/** With as many decimals as the step between two ticks asks for. */
export function formatTick(value: number, scale: Scale, step: number): string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step / scale.divisor) + 1e-9));
  return (value / scale.divisor).toFixed(Math.min(decimals, 12));
}

/** "1.45 MB", "12.3 ms", "3.20 s". */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return "–";
  const scale =
    unit === "ms" && value >= 2000 ? timeScale(value) : scaleFor(unit, Math.abs(value) * 1.0005);
  const shown = value / scale.divisor;
  const whole = scale.divisor === 1 && Number.isInteger(value);
  const digits = Math.abs(shown) >= 100 ? 0 : Math.abs(shown) >= 10 ? 1 : 2;
  return `${shown.toFixed(whole ? 0 : digits)} ${scale.name}`;
}

/** Limits of a value axis around what is shown: from 0, except where that would flatten what matters. */
export function valueRange(low: number, high: number, fromZero: boolean): [number, number] {
  if (!(high >= low)) return [0, 1];
  const span = high - low;
  const floor = fromZero || low < 0.6 * high ? Math.min(0, low) : Math.max(0, low - 0.08 * span);
  const room = high - floor;
  if (room === 0) return [Math.max(0, floor - 1), floor + 1];
  return [floor, high + 0.06 * room];
}
