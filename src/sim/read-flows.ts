/** The flows of a scenario. */
import { nearest } from "../base/nearest.ts";
import type { FlowPlan } from "./plan.ts";
import { Reader, refuse, ScenarioError, shown } from "./reading.ts";
import type { UserFunction } from "./scenario.ts";

const KINDS = ["bulk", "request", "on-off", "user"] as const;
const MOST = Number.MAX_SAFE_INTEGER;
/** Port of the first flow; each has its own. */
const FIRST_PORT = 5001;

/** `marks`: of the scenario, true for all flows or a list of names. */
export function readFlow(path: string, value: unknown, index: number, marks: unknown): FlowPlan {
  const r = new Reader(path, value);
  if (typeof marks !== "boolean" && !Array.isArray(marks)) {
    refuse("marks", marks, "true, false or a list of flows' names");
  }
  const kind = r.text("kind") ?? "bulk";
  const name = r.name("name") ?? `flow${index + 1}`;
  const stop = r.quantity("stop", "time") ?? Infinity;
  const common = {
    name,
    from: r.needed("from", r.name("from")),
    to: r.needed("to", r.name("to")),
    start: r.quantity("start", "time") ?? 0,
    spread: r.quantity("spread", "time") ?? 0,
    stop,
    port: r.whole("port", 1, 65_535) ?? FIRST_PORT + index,
    congestionControl: r.text("congestionControl") ?? "",
    marks: Array.isArray(marks) ? marks.includes(name) : (marks as boolean),
  };
  if (stop <= common.start + common.spread) {
    throw new ScenarioError(`${path}.stop: must be later than start and spread`);
  }
  const flow = byKind(r, kind, common);
  r.done();
  return flow;
}

function byKind(r: Reader, kind: string, common: Omit<FlowPlan, "kind">): FlowPlan {
  switch (kind) {
    case "bulk":
      return {
        ...common,
        kind,
        bytes: r.whole("bytes", 1, MOST, "size") ?? Infinity,
        verify: r.flag("verify", false),
      };
    case "request":
      return {
        ...common,
        kind,
        request: r.whole("request", 1, MOST, "size") ?? 100,
        response: r.whole("response", 1, MOST, "size") ?? 10_000,
        count: r.whole("count", 1, MOST) ?? Infinity,
        think: r.quantity("think", "time") ?? 0,
        random: r.flag("random", false),
        noDelay: r.flag("noDelay", true),
      };
    case "on-off":
      return {
        ...common,
        kind,
        on: positive(r, "on"),
        off: positive(r, "off"),
        rate: r.quantity("rate", "rate") ?? 0,
        random: r.flag("random", false),
      };
    case "user": {
      const run = r.needed("run", r.get("run"));
      if (typeof run !== "function")
        refuse(r.field("run"), run, "a function, so a .ts or .js file");
      return { ...common, kind, run: run as UserFunction };
    }
    default:
      throw new ScenarioError(
        `${r.field("kind")}: ${shown(kind)} is not known; did you mean ${shown(nearest(kind, KINDS))}? (${KINDS.join(", ")})`,
      );
  }
}

function positive(r: Reader, name: string): number {
  const value = r.needed(name, r.quantity(name, "time"));
  return value > 0 ? value : refuse(r.field(name), value, "a time above 0");
}
