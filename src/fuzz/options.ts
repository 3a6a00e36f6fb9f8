/** TCP options of the peer's segments: which, by the bits of `options`; how filled, by the byte beside them. */
import { put16, put32 } from "./bytes.ts";
import type { Flow } from "./flow.ts";
import {
  OPTION_COOKIE,
  OPTION_MSS,
  OPTION_SACK,
  OPTION_SACK_OK,
  OPTION_SCALE,
  OPTION_TIMESTAMPS,
  OPTION_UNKNOWN,
  OPTION_USER_TIMEOUT,
} from "./step.ts";

/** The upper three bits of the form choose one of each. */
export const MSS_VALUES: readonly number[] = [1460, 536, 100, 48, 1, 0, 65535, 1000];
export const SCALES: readonly number[] = [7, 0, 1, 14, 15, 255, 2, 8];
/** The field of RFC 5482: the highest bit says minutes. */
export const USER_TIMEOUTS: readonly number[] = [60, 1, 0, 0x8001, 0xffff, 3600, 100, 0x7fff];
/** What a Fast Open option holds; bytes where it is none of the stack's. */
export const COOKIES = ["given", 0, 8, 4, 16, 5, 18, "given and one more"] as const;

/** The lower two bits: of timestamps. */
export const STAMPS = ["right", "old", "far", "no echo"] as const;

/** The bits between: which blocks a SACK option has. */
export const SACKS = [
  "last",
  "hole",
  "two",
  "duplicate",
  "beyond",
  "reversed",
  "four",
  "half the space",
] as const;

/** Writes the options that go with `flow` into b[at ..], 40 bytes at most, padded; returns where they end. */
export function writeOptions(
  b: Uint8Array,
  at: number,
  bits: number,
  form: number,
  flow: Flow,
  now: number,
): number {
  const end = at + 40;
  const variant = form >> 5;
  let i = at;
  if ((bits & OPTION_MSS) !== 0) {
    b[i] = 2;
    b[i + 1] = 4;
    put16(b, i + 2, MSS_VALUES[variant]!);
    i += 4;
  }
  if ((bits & OPTION_SCALE) !== 0) {
    b[i] = 3;
    b[i + 1] = 3;
    b[i + 2] = SCALES[variant]!;
    i += 3;
  }
  if ((bits & OPTION_SACK_OK) !== 0) {
    b[i] = 4;
    b[i + 1] = 2;
    i += 2;
  }
  if ((bits & OPTION_TIMESTAMPS) !== 0) i = writeStamps(b, i, form & 3, flow, now);
  if ((bits & OPTION_USER_TIMEOUT) !== 0) {
    b[i] = 28;
    b[i + 1] = 4;
    put16(b, i + 2, USER_TIMEOUTS[variant]!);
    i += 4;
  }
  if ((bits & OPTION_UNKNOWN) !== 0) {
    b[i] = 253;
    b[i + 1] = 4;
    put16(b, i + 2, 0x1234);
    i += 4;
  }
  if ((bits & OPTION_COOKIE) !== 0) i = writeCookie(b, i, end, variant, flow);
  if ((bits & OPTION_SACK) !== 0) i = writeSack(b, i, end, (form >> 2) & 7, flow);
  while ((i - at) % 4 !== 0) b[i++] = 1;
  return i;
}

function writeStamps(b: Uint8Array, at: number, form: number, flow: Flow, now: number): number {
  const clock = (flow.stampOffset + Math.floor(now)) | 0;
  b[at] = 8;
  b[at + 1] = 10;
  put32(b, at + 2, form === 1 ? clock - 100_000 : form === 2 ? clock + 0x40000000 : clock);
  put32(b, at + 6, form === 3 ? 0 : flow.stampSeen);
  return at + 10;
}

function writeCookie(b: Uint8Array, at: number, end: number, variant: number, flow: Flow): number {
  const what = COOKIES[variant]!;
  const given = flow.cookie;
  const extra = what === "given" ? 0 : 1;
  const length = typeof what === "number" ? what : given.length + (given.length > 0 ? extra : 0);
  if (at + 2 + length > end) return at;
  b[at] = 34;
  b[at + 1] = 2 + length;
  for (let k = 0; k < length; k++) {
    b[at + 2 + k] = typeof what === "string" && k < given.length ? given[k]! : 0xa5 + k;
  }
  return at + 2 + length;
}

/** Pairs of edges, each counted from SND.UNA (first letter u) or SND.NXT (n) of the stack. */
const BLOCKS: readonly (readonly (readonly [base: "u" | "n", offset: number])[])[] = [
  [
    ["n", -1000],
    ["n", 0],
  ],
  [
    ["u", 1460],
    ["n", 0],
  ],
  [
    ["u", 1000],
    ["u", 2000],
    ["u", 3000],
    ["n", 0],
  ],
  [
    ["u", -100],
    ["u", 0],
    ["u", 1460],
    ["n", 0],
  ],
  [
    ["n", 0],
    ["n", 1000],
  ],
  [
    ["n", 0],
    ["u", 1000],
  ],
  [
    ["u", 100],
    ["u", 200],
    ["u", 300],
    ["u", 400],
    ["u", 500],
    ["u", 600],
    ["u", 700],
    ["u", 800],
  ],
  [
    ["u", 1],
    ["u", -0x80000000],
  ],
];

function writeSack(b: Uint8Array, at: number, end: number, form: number, flow: Flow): number {
  const edges = BLOCKS[form]!;
  const count = Math.min(edges.length, ((end - at - 2) >> 3) * 2);
  if (count <= 0) return at;
  b[at] = 5;
  b[at + 1] = 2 + 4 * count;
  for (let k = 0; k < count; k++) {
    const [base, offset] = edges[k]!;
    put32(b, at + 2 + 4 * k, (base === "u" ? flow.una : flow.theirNext) + offset);
  }
  return at + 2 + 4 * count;
}
