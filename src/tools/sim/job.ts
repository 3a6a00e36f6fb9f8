/** One run as a piece of work that any worker can do, and what comes of it: both plain JSON. */
import {
  type Parameters,
  type Plan,
  type RunOptions,
  type SimRun,
  Simulation,
} from "../../sim/index.ts";
import { users } from "../../sim/user-flow.ts";
import type { ControllerKind } from "../../tcp/congestion/controller.ts";
import type { Settings } from "../../tcp/config.ts";
import { asLoadError, loadControllers, planOf, type ScenarioFile } from "./scenario-file.ts";

export interface Job {
  /** Digests of the simulator's code and of the scenario: a worker that has others refuses. */
  readonly code: string;
  readonly scenario: string;
  readonly parameters: Parameters;
  readonly settings: Partial<Settings>;
  /** ms; null: the scenario's. */
  readonly duration: number | null;
  readonly replicate: number;
  readonly seed: number;
  /** Keep the series over time, which are most of a result. */
  readonly series: boolean;
}

/** Runs jobs of one scenario. */
export class JobRunner {
  readonly scenario: ScenarioFile;
  /** By the path that the plan writes; loaded once. */
  private readonly controllers = new Map<string, ControllerKind>();

  constructor(scenario: ScenarioFile) {
    this.scenario = scenario;
  }

  /** Throws a LoadError for a plan that is none. `extra`: a capture, a watcher. */
  async run(job: Job, extra: Pick<RunOptions, "onPacket" | "trace"> = {}): Promise<SimRun> {
    const plan = planOf(this.scenario, {
      parameters: job.parameters,
      settings: job.settings,
      ...(job.duration === null ? {} : { duration: job.duration }),
    });
    const missing = plan.modules.filter((path) => !this.controllers.has(path));
    for (const [path, kind] of await loadControllers(this.scenario, missing)) {
      this.controllers.set(path, kind);
    }
    const run = await this.simulate(plan, job, extra);
    return job.series ? run : withoutSeries(run);
  }

  private async simulate(
    plan: Plan,
    { seed, replicate }: Job,
    extra: Pick<RunOptions, "onPacket" | "trace">,
  ): Promise<SimRun> {
    const controllers = new Map(plan.modules.map((path) => [path, this.controllers.get(path)!]));
    const withUsers = plan.flows.some((flow) => flow.kind === "user");
    try {
      const simulation = new Simulation(plan, { seed, replicate, controllers, users, ...extra });
      return withUsers ? await simulation.runWithUsers() : simulation.run();
    } catch (error) {
      throw asLoadError(this.scenario, error);
    }
  }
}

function withoutSeries(run: SimRun): SimRun {
  const empty = (series: object): { t: number[] } =>
    Object.fromEntries(Object.keys(series).map((column) => [column, []])) as never;
  return {
    ...run,
    flows: run.flows.map((flow) => ({ ...flow, series: empty(flow.series), marks: null })),
    links: run.links.map((link) => ({ ...link, series: empty(link.series) })),
  };
}
