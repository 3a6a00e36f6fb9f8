/**
 * The public names of the simulator: `import … from "tuntcp/sim"`.
 *
 * @module tuntcp/sim
 */
import { readScenario, type PlanOptions } from "./read-scenario.ts";
import type { SimRun } from "./record.ts";
import { type RunOptions, Simulation } from "./simulation.ts";
import type { ScenarioInput } from "./scenario.ts";

export * from "./record.ts";
export * from "./scenario.ts";
export { readScenario, type PlanOptions } from "./read-scenario.ts";
export { ScenarioError } from "./reading.ts";
export { Simulation, type RunOptions } from "./simulation.ts";
export type {
  BulkPlan,
  FlowPlan,
  HostPlan,
  LinkPlan,
  OnOffPlan,
  Plan,
  RequestPlan,
  UserPlan,
} from "./plan.ts";

/** One run of a scenario without user functions; throws a ScenarioError. */
export function simulate(
  input: ScenarioInput,
  options: Partial<RunOptions> & PlanOptions = {},
): SimRun {
  return new Simulation(readScenario(input, options), {
    ...options,
    seed: options.seed ?? 1,
  }).run();
}

/** As {@link simulate}, and user functions may be among the flows (on Node only). */
export async function simulateWithUsers(
  input: ScenarioInput,
  options: Partial<RunOptions> & PlanOptions = {},
): Promise<SimRun> {
  const plan = readScenario(input, options);
  const { users } = await import("./user-flow.ts");
  return await new Simulation(plan, {
    ...options,
    users,
    seed: options.seed ?? 1,
  }).runWithUsers();
}
