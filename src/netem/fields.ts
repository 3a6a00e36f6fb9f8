/**
 * The words that describe a link, each with its value as text (`--impair queue=64kb`) or as data (a scenario's
 * `queue: 64000`), and what is expected of it. One table for both, so that they cannot drift apart.
 */
import type { Bound, Cut, LinkSpec } from "./link-spec.ts";
import { CLEAN_LINK, NO_BOUND } from "./link-spec.ts";
import type { GilbertElliott, PacketRange } from "./loss.ts";
import { LEAST_MTU, MOST_MTU, type MtuStep } from "./mtu.ts";
import { EXAMPLE, type Kind, quantityOf } from "./quantity.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** A link while it is being described. */
export type LinkDraft = Mutable<Omit<LinkSpec, "queue">> & { queue: Mutable<LinkSpec["queue"]> };

export function linkDraft(limit: number): LinkDraft {
  return { ...CLEAN_LINK, queue: { ...CLEAN_LINK.queue }, limit };
}

interface Field {
  /** For messages. */
  readonly example: string;
  /** False: no such value. */
  set(link: LinkDraft, value: unknown): boolean;
}

function plain<T>(
  example: string,
  read: (value: unknown) => T | null,
  set: (link: LinkDraft, value: T) => void,
): Field {
  return {
    example,
    set(link, value) {
      const parsed = read(value);
      if (parsed !== null) set(link, parsed);
      return parsed !== null;
    },
  };
}

function number(kind: Kind, set: (link: LinkDraft, value: number) => void): Field {
  return plain(EXAMPLE[kind], (value) => quantityOf(value, kind), set);
}

function choice(
  words: Readonly<Record<string, boolean>>,
  set: (link: LinkDraft, value: boolean) => void,
): Field {
  const read = (value: unknown): boolean | null => {
    if (typeof value === "boolean" && "on" in words) return value;
    return typeof value === "string" && Object.hasOwn(words, value) ? words[value]! : null;
  };
  return plain(Object.keys(words).join(" or "), read, set);
}

const ON_OFF = { on: true, off: false };

const FIELDS: Readonly<Record<string, Field>> = {
  loss: number("share", (link, v) => void (link.loss = v)),
  burst: plain("1%/30%/100%/0%", readBurst, (link, v) => void (link.burst = v)),
  drop: plain("3/17/20-25", readRanges, (link, v) => void (link.drop = v)),
  reorder: number("share", (link, v) => void (link.reorder = v)),
  duplicate: number("share", (link, v) => void (link.duplicate = v)),
  corrupt: number("share", (link, v) => void (link.corrupt = v)),
  delay: number("time", (link, v) => void (link.delay = v)),
  jitter: number("time", (link, v) => void (link.jitter = v)),
  order: choice({ keep: false, free: true }, (link, v) => void (link.reorders = v)),
  rate: number("rate", (link, v) => void (link.rate = v)),
  limit: number("count", (link, v) => void (link.limit = v)),
  queue: plain("100 or 64kb", readBound, (link, v) => void Object.assign(link.queue, v)),
  aqm: choice({ codel: true, none: false }, (link, v) => void (link.queue.codel = v)),
  target: number("time", (link, v) => void (link.queue.target = v)),
  interval: number("time", (link, v) => void (link.queue.interval = v)),
  ecn: choice(ON_OFF, (link, v) => void (link.queue.ecn = v)),
  mark: plain("20 or 30kb", readBound, (link, v) => void (link.queue.mark = v)),
  cut: plain("2s-3s/8s-9s", readCuts, (link, v) => void (link.cuts = v)),
  mtu: plain(
    `1400 or 1500/3s:1280, ${LEAST_MTU} to ${MOST_MTU}, by time`,
    readMtu,
    (link, v) => void (link.mtu = v),
  ),
  blackhole: choice(ON_OFF, (link, v) => void (link.blackHole = v)),
};

export const LINK_FIELDS: readonly string[] = Object.keys(FIELDS);

/** Sets one word of a link. What is expected, when the value is none; null when all is well. The word is one of {@link LINK_FIELDS}. */
export function setLinkField(link: LinkDraft, name: string, value: unknown): string | null {
  const field = FIELDS[name]!;
  return field.set(link, value) ? null : `a value such as ${field.example}`;
}

/** What does not go together, in one line; null when all does. */
export function checkLink(link: LinkSpec): string | null {
  if (link.reorder > 0 && link.delay === 0) {
    return "reorder: needs a delay, which reordered packets skip";
  }
  const { queue } = link;
  if (link.rate === 0) {
    if (queue.packets < Infinity || queue.bytes < Infinity) return needsRate("queue");
    if (queue.codel) return needsRate("aqm");
    if (queue.mark.packets < Infinity || queue.mark.bytes < Infinity) return needsRate("mark");
  }
  if (queue.ecn && !queue.codel) return "ecn: needs aqm=codel, which then marks; see also mark";
  if (link.blackHole && link.mtu.length === 0)
    return "blackhole: needs an mtu, above which packets vanish";
  if (link.reorders && link.jitter === 0) return "order: needs a jitter, which may then reorder";
  return null;
}

function needsRate(word: string): string {
  return `${word}: needs a rate, as without one nothing waits`;
}

/** A list out of `a/b/c`, one value or an array; null when an item is none. */
function list<T>(value: unknown, read: (item: unknown) => T | null): T[] | null {
  const items: unknown[] =
    typeof value === "string" ? value.split("/") : Array.isArray(value) ? value : [value];
  const all = items.map(read);
  return all.every((item) => item !== null) ? (all as T[]) : null;
}

function readBurst(value: unknown): GilbertElliott | null {
  const shares = list(value, (item) => quantityOf(item, "share"));
  if (shares === null || shares.length < 2 || shares.length > 4) return null;
  const [toBad, toGood, lossBad, lossGood] = shares as [number, number, number?, number?];
  return { toBad, toGood, lossBad: lossBad ?? 1, lossGood: lossGood ?? 0 };
}

/** `a-b`, or a pair. */
function pair(item: unknown): readonly [unknown, unknown] | null {
  const parts = typeof item === "string" ? item.split("-") : item;
  return Array.isArray(parts) && parts.length === 2 ? (parts as [unknown, unknown]) : null;
}

function readRanges(value: unknown): PacketRange[] | null {
  return list(value, (item): PacketRange | null => {
    const ends = pair(item) ?? ([item, item] as const);
    const [first, last] = [quantityOf(ends[0], "count"), quantityOf(ends[1], "count")];
    return first !== null && last !== null && first <= last ? [first, last] : null;
  });
}

function readCuts(value: unknown): Cut[] | null {
  return list(value, (item): Cut | null => {
    const ends = pair(item);
    if (ends === null) return null;
    const [from, to] = [quantityOf(ends[0], "time"), quantityOf(ends[1], "time")];
    return from !== null && to !== null && from < to ? [from, to] : null;
  });
}

/** A size alone holds from the beginning; `time:size`, or a pair, from that time on. */
function readMtu(value: unknown): MtuStep[] | null {
  const steps = list(value, (item): MtuStep | null => {
    const parts = typeof item === "string" && item.includes(":") ? item.split(":") : item;
    const [time, size] = Array.isArray(parts) && parts.length === 2 ? parts : [0, parts];
    const [from, bytes] = [quantityOf(time, "time"), quantityOf(size, "count")];
    if (from === null || bytes === null || bytes < LEAST_MTU || bytes > MOST_MTU) return null;
    return [from, bytes];
  });
  const inOrder = steps?.every(([from], i) => i === 0 || from > steps[i - 1]![0]) === true;
  return inOrder ? steps! : null;
}

/** A number is of packets; bytes have a unit. */
function readBound(value: unknown): Bound | null {
  const packets = quantityOf(value, "count");
  if (packets !== null) return { ...NO_BOUND, packets };
  const bytes = typeof value === "string" ? quantityOf(value, "size") : null;
  return bytes === null || bytes < 1 ? null : { ...NO_BOUND, bytes };
}
