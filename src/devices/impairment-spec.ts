/** The language of a bad network: `loss=1%,delay=20ms,out.rate=10mbit`, for each direction, and what is wrong with a text in it. */
import { nearest } from "../base/nearest.ts";
import { checkLink, LINK_FIELDS, linkDraft, setLinkField } from "../netem/fields.ts";
import type { LinkSpec } from "../netem/link-spec.ts";

export interface ImpairmentSpec {
  readonly in: LinkSpec;
  readonly out: LinkSpec;
  readonly seed: number;
}

/** Packets under way at most, where nothing is said of it. */
const LIMIT = 1000;

/** For --help: every word with a value. */
export const IMPAIRMENT_WORDS =
  "loss=1%, burst=1%/30%/100%/0% (Gilbert-Elliott: to bad, to good, loss in bad, in good), drop=3/17/20-25 (packets by number), delay=20ms, jitter=2ms, order=free (jitter may reorder), reorder=0.5%, duplicate=0.1%, corrupt=0.01%, rate=10mbit, queue=100 or 64kb, aqm=codel, target=5ms, interval=100ms, ecn=on (CoDel marks), mark=20 or 30kb (CE above), cut=2s-3s/8s-9s, mtu=1400 or 1500/3s:1280 (from 3 s on), blackhole=on (who sends more is not told), limit=100 (under way at most), seed=7";

/** The specification, or one line that says what is wrong with it. */
export function parseImpairment(spec: string): ImpairmentSpec | string {
  const links = { in: linkDraft(LIMIT), out: linkDraft(LIMIT) };
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
    if (!LINK_FIELDS.includes(name)) {
      if (name === "seed") return `impairment ${side}.seed: the seed is one for both ways`;
      return `impairment "${name}" is not known; did you mean "${nearest(name, [...LINK_FIELDS, "seed"])}"?`;
    }
    for (const link of side === undefined ? [links.in, links.out] : [links[side]]) {
      const expected = setLinkField(link, name, value);
      if (expected !== null) return `impairment ${name}=${value}: expected ${expected}`;
    }
  }
  for (const link of [links.in, links.out]) {
    const wrong = checkLink(link);
    if (wrong !== null) return `impairment ${wrong}`;
  }
  return { ...links, seed };
}
