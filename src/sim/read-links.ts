/** The links of a scenario, both directions of each, and the dumbbell as links. */
import {
  checkLink,
  LINK_FIELDS,
  type LinkDraft,
  linkDraft,
  setLinkField,
} from "../netem/fields.ts";
import type { LinkPlan } from "./plan.ts";
import { checkName, Reader, refuse, ScenarioError } from "./reading.ts";

/** Packets that wait for a rate at most, where nothing is said of it. */
const QUEUE = 100;
/** Hosts at one side of a dumbbell. */
const MOST = 10_000;

export function readLink(path: string, value: unknown): LinkPlan[] {
  const r = new Reader(path, value);
  const from = r.needed("from", r.name("from"));
  const to = r.needed("to", r.name("to"));
  if (from === to) throw new ScenarioError(`${path}.to: is the same as from`);
  return bothWays(r, from, to);
}

/** The words in `r` hold for both directions, those in `there` and `back` for one. */
function bothWays(r: Reader, from: string, to: string): LinkPlan[] {
  const plans = [
    { from, to, special: "there" },
    { from: to, to: from, special: "back" },
  ].map(({ from: a, to: b, special }) => {
    const link = linkDraft(Infinity);
    readWords(r, link);
    const value = r.get(special);
    if (value !== undefined) {
      const own = new Reader(r.field(special), value);
      readWords(own, link);
      own.done();
    }
    const { queue } = link;
    if (link.rate > 0 && queue.packets === Infinity && queue.bytes === Infinity) {
      queue.packets = QUEUE;
    }
    const wrong = checkLink(link);
    if (wrong !== null) throw new ScenarioError(`${r.path} (${a}>${b}): ${wrong}`);
    return { from: a, to: b, spec: link };
  });
  r.done();
  return plans;
}

function readWords(r: Reader, link: LinkDraft): void {
  for (const word of LINK_FIELDS) {
    const value = r.get(word);
    if (value === undefined) continue;
    const expected = setLinkField(link, word, value);
    if (expected !== null) refuse(r.field(word), value, expected);
  }
}

/** Many hosts at each side of one link between two routers, `router1` and `router2`, which are added to `routers`. */
export function readDumbbell(path: string, value: unknown, routers: string[]): LinkPlan[] {
  const r = new Reader(path, value);
  const left = side(r, "left");
  const right = side(r, "right");
  const bottleneck = r.needed("bottleneck", r.get("bottleneck"));
  const access = r.get("access") ?? {};
  r.done();
  const [one, two] = ["router1", "router2"] as const;
  routers.push(one, two);
  return [
    ...bothWays(new Reader(`${path}.bottleneck`, bottleneck), one, two),
    ...left.flatMap((host) => bothWays(new Reader(`${path}.access`, access), host, one)),
    ...right.flatMap((host) => bothWays(new Reader(`${path}.access`, access), two, host)),
  ];
}

function side(r: Reader, name: "left" | "right"): string[] {
  const value = r.needed(name, r.get(name));
  if (typeof value === "number") {
    if (Number.isInteger(value) && value >= 1 && value <= MOST) {
      return Array.from({ length: value }, (_, i) => `${name}${i + 1}`);
    }
    return refuse(r.field(name), value, `names, or a whole number from 1 to ${MOST}`);
  }
  if (!Array.isArray(value)) return refuse(r.field(name), value, "names, or how many");
  return value.map((host, i) => {
    const field = `${r.field(name)}[${i}]`;
    if (typeof host !== "string") return refuse(field, host, "a name");
    checkName(field, host);
    return host;
  });
}
