/** What a scenario may say, and how each mistake in one is told. */
import { describe, expect, test } from "vitest";
import { readScenario, type ScenarioInput, simulate } from "../../src/sim/index.ts";

const GOOD = {
  links: [{ from: "a", to: "b", rate: "10mbit", delay: "5ms" }],
  flows: [{ from: "a", to: "b" }],
};

test("what is not said has its default, and both directions of a link are made", () => {
  const plan = readScenario(GOOD);
  expect(plan).toMatchObject({ name: "scenario", duration: 10_000, sample: 10, routers: [] });
  expect(plan.hosts.map((h) => h.name)).toEqual(["a", "b"]);
  expect(plan.links.map((l) => `${l.from}>${l.to} ${l.spec.rate}`)).toEqual([
    "a>b 10000000",
    "b>a 10000000",
  ]);
  expect(plan.links[0]!.spec.queue.packets).toBe(100);
  expect(plan.flows[0]).toMatchObject({ name: "flow1", kind: "bulk", bytes: Infinity, start: 0 });
});

test("one direction of a link may differ", () => {
  const links = [
    { ...GOOD.links[0]!, loss: 0.01, back: { loss: 0, rate: "1mbit" }, there: { queue: "30kb" } },
  ];
  const [there, back] = readScenario({ links }).links;
  expect(there!.spec).toMatchObject({
    loss: 0.01,
    rate: 1e7,
    queue: { packets: Infinity, bytes: 30_000 },
  });
  expect(back!.spec).toMatchObject({
    loss: 0,
    rate: 1e6,
    queue: { packets: 100, bytes: Infinity },
  });
});

test("parameters stand where their names do, and build decides what a value cannot", () => {
  const input: ScenarioInput = {
    parameters: { rate: "1mbit", flows: 2, control: "reno" },
    links: [{ from: "a", to: "b", rate: "$rate" }],
    hosts: { a: { congestionControl: "$control" } },
    build: ({ flows }) => ({
      flows: Array.from({ length: Number(flows) }, () => ({ from: "a", to: "b" })),
    }),
  };
  expect(readScenario(input).links[0]!.spec.rate).toBe(1e6);
  const plan = readScenario(input, { parameters: { rate: 5e6, flows: 3 } });
  expect(plan.links[0]!.spec.rate).toBe(5e6);
  expect(plan.flows.map((f) => f.name)).toEqual(["flow1", "flow2", "flow3"]);
  expect(plan.hosts[0]!.settings).toEqual({ tcp_congestion_control: "reno" });
  expect(plan.parameters).toEqual({ rate: 5e6, flows: 3, control: "reno" });
});

test("a dumbbell is two routers, a bottleneck, and a link for each host", () => {
  const plan = readScenario({
    dumbbell: { left: 2, right: ["x"], bottleneck: { rate: "1mbit" }, access: { delay: 1 } },
  });
  expect(plan.routers).toEqual(["router1", "router2"]);
  expect(plan.hosts.map((h) => h.name)).toEqual(["left1", "left2", "x"]);
  expect(plan.links.map((l) => `${l.from}>${l.to} ${l.spec.rate}`)).toEqual([
    "router1>router2 1000000",
    "router2>router1 1000000",
    "left1>router1 0",
    "router1>left1 0",
    "left2>router1 0",
    "router1>left2 0",
    "router2>x 0",
    "x>router2 0",
  ]);
});

describe("the first mistake is told in one line, with the field, what is expected and what may be meant", () => {
  const link = GOOD.links[0]!;
  const flow = GOOD.flows[0]!;
  test.each<[string, unknown]>([
    ['linkz: is not known; did you mean "links"?', { ...GOOD, linkz: [] }],
    ["links: is missing, and there is no dumbbell", {}],
    ['links[0].dely: is not known; did you mean "delay"?', { links: [{ ...link, dely: 1 }] }],
    [
      'links[0].rate: expected a value such as 10mbit, found "fast"',
      { links: [{ ...link, rate: "fast" }] },
    ],
    ["links[0].to: is missing", { links: [{ from: "a" }] }],
    ["links[0].to: is the same as from", { links: [{ from: "a", to: "a" }] }],
    ["links: there are two of b>a", { links: [link, { from: "b", to: "a" }] }],
    ["links[0] (a>b): reorder: needs a delay", { links: [{ from: "a", to: "b", reorder: 0.1 }] }],
    [
      'links[0].mtu: expected a value such as 1400 or 1500/3s:1280, 68 to 65535, by time, found "huge"',
      { ...GOOD, links: [{ ...link, mtu: "huge" }] },
    ],
    [
      "links[0] (a>b): blackhole: needs an mtu, above which packets vanish",
      { ...GOOD, links: [{ ...link, blackhole: true }] },
    ],
    ['duration: expected a value such as "20ms", found "soon"', { ...GOOD, duration: "soon" }],
    ["duration: expected at most a week, found 0", { ...GOOD, duration: 0 }],
    [
      'flows[0].to: there is no host "c"; did you mean "a"?',
      { ...GOOD, flows: [{ from: "a", to: "c" }] },
    ],
    [
      'flows[0].kind: "bulck" is not known; did you mean "bulk"?',
      { ...GOOD, flows: [{ ...flow, kind: "bulck" }] },
    ],
    ["flows[0].bytes: expected a whole number from 1", { ...GOOD, flows: [{ ...flow, bytes: 0 }] }],
    ["flows[0].run: is missing", { ...GOOD, flows: [{ ...flow, kind: "user" }] }],
    [
      'flows[0].run: expected a function, so a .ts or .js file, found "x"',
      { ...GOOD, flows: [{ ...flow, kind: "user", run: "x" }] },
    ],
    ["flows[0].on: is missing", { ...GOOD, flows: [{ ...flow, kind: "on-off", off: 1 }] }],
    [
      "flows[0].stop: must be later than start",
      { ...GOOD, flows: [{ ...flow, stop: "1s", start: "2s" }] },
    ],
    [
      'flows[1].name: there are two of "x"',
      {
        ...GOOD,
        flows: [
          { ...flow, name: "x" },
          { ...flow, name: "x" },
        ],
      },
    ],
    [
      "flows[0].congestionControl: expected one of",
      { ...GOOD, flows: [{ ...flow, congestionControl: "vegas" }] },
    ],
    [
      "hosts.a.congestionControl: expected one of",
      { ...GOOD, hosts: { a: { congestionControl: "vegas" } } },
    ],
    [
      'hosts.a.settings: no setting "tcp_sak"; did you mean tcp_sack?',
      { ...GOOD, hosts: { a: { settings: { tcp_sak: 1 } } } },
    ],
    ["hosts.c: has no link; hosts are a, b", { ...GOOD, hosts: { c: {} } }],
    [
      "hosts.a.mtu: expected a whole number from 68 to 65535, found 20",
      { ...GOOD, hosts: { a: { mtu: 20 } } },
    ],
    ["settings: tcp_sack is a whole number from 0 to 1", { ...GOOD, settings: { tcp_sack: 2 } }],
    ['routers[0]: "r" has no link', { ...GOOD, routers: ["r"] }],
    ['marks[0]: expected a flow\'s name (flow1), found "x"', { ...GOOD, marks: ["x"] }],
    ["parameters.p: expected a number, a text, true or false", { ...GOOD, parameters: { p: [] } }],
    [
      'links[0].loss: expected one of the parameters (p), found "$q"',
      { parameters: { p: 1 }, links: [{ ...link, loss: "$q" }] },
    ],
    [
      "dumbbell.left: expected names, or a whole number",
      { dumbbell: { left: 0, right: 1, bottleneck: {} } },
    ],
    ["name: expected a name of letters", { ...GOOD, name: "a b" }],
    ["expected an object, found []", []],
    ["build: expected to return an object with fields", { ...GOOD, build: () => 5 }],
    [
      "build: expected to return an object with fields of the scenario, found a promise",
      { ...GOOD, build: async () => GOOD },
    ],
    [
      "congestionControls.bold: the controller lacks its name",
      { ...GOOD, congestionControls: { bold: () => ({}) } },
    ],
  ])("%s", (line, input) => {
    let told = "";
    try {
      readScenario(input);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told.slice(0, line.length)).toBe(line);
    expect(told).not.toContain("\n");
  });

  test.each(["bulk", "request"] as const)("a %s flow for which no time would pass", (kind) => {
    const links = [{ from: "a", to: "b" }];
    const flow = { from: "a", to: "b", kind };
    expect(() => simulate({ links, flows: [flow] })).toThrow(
      "flows[0]: no link on its way has a rate or a delay",
    );
    const { flows } = simulate({
      links: [{ ...links[0]!, back: { delay: 1 } }],
      flows: [flow],
      duration: 20,
    });
    expect(flows[0]!.bytes).toBeGreaterThan(0);
  });

  test("a parameter that the scenario does not have", () => {
    const wrong = (): unknown =>
      simulate({ ...GOOD, parameters: { loss: 0 } }, { parameters: { los: 1 } });
    expect(wrong).toThrow('parameters.los: is not known; did you mean "loss"?');
    expect(() => simulate(GOOD, { parameters: { los: 1 } })).toThrow("the scenario has none");
  });
});
