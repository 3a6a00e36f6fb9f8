/** The language of a bad network: `loss=1%,delay=20ms,out.rate=10mbit`, for each direction, and what is wrong with a text in it. */
import type { Duration } from "../base/time.ts";
import { milliseconds } from "../base/time.ts";

export interface LinkImpairment {
  /** Probabilities, 0 to 1. */
  loss: number;
  reorder: number;
  duplicate: number;
  corrupt: number;
  delay: Duration;
  /** Delay varies evenly by this much both ways. */
  jitter: Duration;
  /** Bits a second; 0 is no limit. */
  rate: number;
  /** Packets under way at most. */
  limit: number;
}

export interface ImpairmentSpec {
  readonly in: LinkImpairment;
  readonly out: LinkImpairment;
  readonly seed: number;
}

const KEYS = [
  "loss",
  "reorder",
  "duplicate",
  "corrupt",
  "delay",
  "jitter",
  "rate",
  "limit",
] as const;
type Key = (typeof KEYS)[number];

export function noImpairment(): LinkImpairment {
  const none = milliseconds(0);
  return {
    loss: 0,
    reorder: 0,
    duplicate: 0,
    corrupt: 0,
    delay: none,
    jitter: none,
    rate: 0,
    limit: 1000,
  };
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function nearestKey(text: string): string {
  const known = [...KEYS, "seed"];
  return known.reduce((best, key) => (distance(text, key) < distance(text, best) ? key : best));
}

const UNITS: Record<"share" | "time" | "rate" | "count", Record<string, number>> = {
  share: { "%": 0.01 },
  time: { us: 0.001, ms: 1, s: 1000 },
  rate: { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 },
  count: { "": 1 },
};

const KIND: Record<Key, keyof typeof UNITS> = {
  loss: "share",
  reorder: "share",
  duplicate: "share",
  corrupt: "share",
  delay: "time",
  jitter: "time",
  rate: "rate",
  limit: "count",
};

const EXAMPLE = { share: "1%", time: "20ms", rate: "10mbit", count: "100" } as const;

/** `null` when it is not such a quantity. */
function quantity(text: string, kind: keyof typeof UNITS): number | null {
  const m = /^(\d+(?:\.\d+)?)([a-z%]*)$/.exec(text);
  const unit = m === null ? undefined : UNITS[kind][m[2]!];
  if (m === null || unit === undefined) return null;
  const value = Number(m[1]) * unit;
  if (kind === "share" && value > 1) return null;
  if (kind === "count" && (!Number.isInteger(value) || value < 1)) return null;
  return value;
}

/** The specification, or one line that says what is wrong with it. */
export function parseImpairment(spec: string): ImpairmentSpec | string {
  const links = { in: noImpairment(), out: noImpairment() };
  let seed = 1;
  for (const item of spec.split(",")) {
    const m = /^(?:(in|out)\.)?([^=]*)=(.*)$/.exec(item.trim());
    if (m === null) return `impairment "${item.trim()}": expected key=value, such as loss=1%`;
    const [, side, name, value] = m as unknown as [
      string,
      "in" | "out" | undefined,
      string,
      string,
    ];
    if (name === "seed" && side === undefined) {
      if (!/^\d{1,10}$/.test(value)) return `impairment seed=${value}: expected a whole number`;
      seed = Number(value);
      continue;
    }
    const key = KEYS.find((k) => k === name);
    if (key === undefined) {
      if (name === "seed") return `impairment ${side}.seed: the seed is one for both ways`;
      return `impairment "${name}" is not known; did you mean "${nearestKey(name)}"?`;
    }
    const parsed = quantity(value, KIND[key]);
    if (parsed === null) {
      return `impairment ${key}=${value}: expected a value such as ${EXAMPLE[KIND[key]]}`;
    }
    for (const link of side === undefined ? [links.in, links.out] : [links[side]]) {
      (link as Record<Key, number>)[key] = parsed;
    }
  }
  for (const link of [links.in, links.out]) {
    if (link.reorder > 0 && link.delay === 0) {
      return "impairment reorder: needs a delay, which reordered packets skip";
    }
  }
  return { ...links, seed };
}
