/** From what a scenario file exports, and parameters, to a plan; throws a {@link ScenarioError} for the first mistake. */
import type { Settings } from "../tcp/config.ts";
import { checkMaker } from "../tcp/congestion/check.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import { KIND_NAMES } from "../tcp/congestion/kinds.ts";
import { checkSettings, isModulePath } from "../stack/sysctl.ts";
import { lineOf } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { FlowPlan, HostPlan, LinkPlan, Plan } from "./plan.ts";
import { readDumbbell, readLink } from "./read-links.ts";
import { readFlow } from "./read-flows.ts";
import { checkName, Reader, refuse, ScenarioError, shown } from "./reading.ts";
import type { Parameters, ParameterValue, ScenarioInput } from "./scenario.ts";

/** What a run says in the place of its scenario. */
export interface PlanOptions {
  /** In the place of those that the scenario has. */
  readonly parameters?: Parameters;
  /** Of all hosts, stronger than what the scenario says. */
  readonly settings?: Partial<Settings>;
  /** ms. */
  readonly duration?: number;
}

/** ms: a week of virtual time. */
const LONGEST = 604_800_000;

/** Reads what a scenario file exports. Throws a {@link ScenarioError} that names the field. */
export function readScenario(input: unknown, options: PlanOptions = {}): Plan {
  const parameters = readParameters(input, options.parameters ?? {});
  const r = new Reader("", withParameters(built(input, parameters), parameters));
  r.get("parameters");
  r.get("build");
  r.text("description");
  const name = r.name("name") ?? "scenario";
  const times = readTimes(r, options.duration);
  const routers = [...((r.list("routers") ?? []) as string[])];
  routers.forEach((router, i) => checkName(`routers[${i}]`, router));
  const links = (r.list("links") ?? []).flatMap((link, i) => readLink(`links[${i}]`, link));
  const dumbbell = r.get("dumbbell");
  if (dumbbell !== undefined) links.push(...readDumbbell("dumbbell", dumbbell, routers));
  if (links.length === 0) throw new ScenarioError("links: is missing, and there is no dumbbell");
  const controllers = readControllers(r.get("congestionControls") ?? {});
  const hosts = readHosts(r.get("hosts"), r.get("settings"), links, routers, options.settings);
  const marks = r.get("marks") ?? false;
  const flows = (r.list("flows") ?? []).map((flow, i) => readFlow(`flows[${i}]`, flow, i, marks));
  r.done();
  const modules = readModules(hosts, flows, controllers);
  const nodes = { hosts, routers, links, flows };
  const plan = { name, parameters, controllers, modules, ...times, ...nodes };
  checkPlan(plan, marks);
  return plan;
}

function readTimes(r: Reader, given?: number): { duration: number; sample: number } {
  const own = r.quantity("duration", "time") ?? 10_000;
  const duration = given ?? own;
  if (!(duration > 0 && duration <= LONGEST)) refuse("duration", duration, "at most a week");
  const sample = r.quantity("sample", "time") ?? 10;
  if (sample < 0.001) refuse("sample", sample, 'a time such as "10ms"');
  return { duration, sample };
}

/** What `build` returns takes the place of fields of the same name. */
function built(input: unknown, parameters: Parameters): unknown {
  const build = (input as ScenarioInput).build;
  if (build === undefined) return input;
  if (typeof build !== "function") refuse("build", build, "a function");
  let fields: unknown;
  try {
    fields = build(parameters);
  } catch (error) {
    throw new ScenarioError(`build: ${lineOf(error)}`);
  }
  const expected = "to return an object with fields of the scenario";
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    refuse("build", fields, expected);
  }
  if ("then" in fields) throw new ScenarioError(`build: expected ${expected}, found a promise`);
  return { ...(input as object), ...fields };
}

function readParameters(input: unknown, given: Parameters): Parameters {
  const declared = new Reader("", input).get("parameters") ?? {};
  const all: Record<string, ParameterValue> = {};
  new Reader("parameters", declared);
  for (const [name, value] of Object.entries(declared)) {
    checkName(`parameters.${name}`, name);
    if (!isValue(value)) refuse(`parameters.${name}`, value, "a number, a text, true or false");
    all[name] = value;
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(all, name)) {
      const names = Object.keys(all);
      const hint =
        names.length === 0
          ? "the scenario has none"
          : `did you mean ${shown(nearest(name, names))}?`;
      throw new ScenarioError(`parameters.${name}: is not known; ${hint}`);
    }
    all[name] = value;
  }
  return all;
}

function isValue(value: unknown): value is ParameterValue {
  return ["number", "string", "boolean"].includes(typeof value);
}

/** A copy in which each text "$name" is the parameter's value. */
function withParameters(value: unknown, parameters: Parameters, path = ""): unknown {
  if (typeof value === "string" && value.startsWith("$")) {
    const name = value.slice(1);
    if (Object.hasOwn(parameters, name)) return parameters[name];
    refuse(path, value, `one of the parameters (${Object.keys(parameters).join(", ") || "none"})`);
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => withParameters(item, parameters, `${path}[${i}]`));
  }
  if (typeof value !== "object" || value === null || path === "parameters") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      withParameters(item, parameters, path === "" ? key : `${path}.${key}`),
    ]),
  );
}

function readHosts(
  hosts: unknown,
  common: unknown,
  links: readonly LinkPlan[],
  routers: readonly string[],
  stronger: Partial<Settings> | undefined,
): HostPlan[] {
  const special = (hosts ?? {}) as Readonly<Record<string, unknown>>;
  new Reader("hosts", special);
  const named = links.flatMap((link) => [link.from, link.to]);
  const names = [...new Set(named)].filter((name) => !routers.includes(name));
  for (const name of Object.keys(special)) {
    if (names.includes(name)) continue;
    const why = routers.includes(name) ? "is a router" : "has no link";
    throw new ScenarioError(`hosts.${name}: ${why}; hosts are ${names.join(", ")}`);
  }
  const shared = readSettings("settings", common);
  return names.map((name) => {
    const r = new Reader(`hosts.${name}`, special[name] ?? {});
    const own = readSettings(r.field("settings"), r.get("settings"));
    const control = r.text("congestionControl");
    const mtu = r.whole("mtu", 68, 65_535) ?? 1500;
    r.done();
    const chosen = control === undefined ? {} : { tcp_congestion_control: control };
    return { name, mtu, settings: { ...shared, ...own, ...chosen, ...stronger } };
  });
}

function readControllers(value: unknown): ControllerKind[] {
  new Reader("congestionControls", value);
  return Object.entries(value as object).map(([name, create]: [string, unknown]) => {
    const field = `congestionControls.${name}`;
    checkName(field, name);
    if (typeof create !== "function") refuse(field, create, "a function that makes one");
    const kind = { name, create: create as ControllerKind["create"] };
    const checked = checkMaker(kind.create);
    if ("wrong" in checked) throw new ScenarioError(`${field}: ${checked.wrong}`);
    return kind;
  });
}

/** The paths among the names of congestion controls that are in use; other names must be known. */
function readModules(
  hosts: readonly HostPlan[],
  flows: readonly FlowPlan[],
  own: readonly ControllerKind[],
): string[] {
  const known = [...KIND_NAMES, ...own.map((kind) => kind.name)];
  const paths = new Set<string>();
  const check = (field: string, name: string | undefined): void => {
    if (name === undefined || name === "" || known.includes(name)) return;
    if (isModulePath(name)) paths.add(name);
    else refuse(field, name, `one of ${known.join(", ")}, or a module's path such as ./mine.ts`);
  };
  for (const host of hosts) {
    check(`hosts.${host.name}.congestionControl`, host.settings.tcp_congestion_control);
  }
  flows.forEach((flow, i) => check(`flows[${i}].congestionControl`, flow.congestionControl));
  return [...paths];
}

function readSettings(field: string, value: unknown): Partial<Settings> {
  if (value === undefined) return {};
  new Reader(field, value);
  const wrong = checkSettings(value as Partial<Settings>);
  if (wrong !== null) throw new ScenarioError(`${field}: ${wrong}`);
  return value as Partial<Settings>;
}

function checkPlan(plan: Plan, marks: unknown): void {
  const hosts = plan.hosts.map((h) => h.name);
  for (const [i, router] of plan.routers.entries()) {
    if (plan.links.some((l) => l.from === router || l.to === router)) continue;
    throw new ScenarioError(`routers[${i}]: ${shown(router)} has no link`);
  }
  const ends = new Set<string>();
  for (const { from, to } of plan.links) {
    const name = `${from}>${to}`;
    if (ends.has(name)) throw new ScenarioError(`links: there are two of ${name}`);
    ends.add(name);
  }
  const names = new Set<string>();
  for (const [i, flow] of plan.flows.entries()) {
    for (const [end, name] of [
      ["from", flow.from],
      ["to", flow.to],
    ] as const) {
      if (hosts.includes(name)) continue;
      throw new ScenarioError(
        `flows[${i}].${end}: there is no host ${shown(name)}; did you mean ${shown(nearest(name, hosts))}?`,
      );
    }
    if (flow.from === flow.to) throw new ScenarioError(`flows[${i}].to: is the same as from`);
    if (names.has(flow.name)) {
      throw new ScenarioError(`flows[${i}].name: there are two of ${shown(flow.name)}`);
    }
    names.add(flow.name);
  }
  if (Array.isArray(marks)) {
    for (const [i, name] of marks.entries()) {
      if (!names.has(name as string)) {
        refuse(`marks[${i}]`, name, `a flow's name (${[...names].join(", ")})`);
      }
    }
  }
}
