/**
 * A run: a plan, a seed and virtual time. Nothing here knows a clock, so a run is as fast as the machine is, and the same
 * seed gives the same packets at the same times everywhere.
 */
import { invariant } from "../base/errors.ts";
import type { DropReason } from "../netem/link.ts";
import type { NetemPacket } from "../netem/packet.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { Tcb } from "../tcp/tcb.ts";
import { joinTraces, type TcpTrace } from "../tcp/trace.ts";
import { EventQueue } from "./event-queue.ts";
import { FlowStats } from "./flow-stats.ts";
import { BulkFlow } from "./flows/bulk.ts";
import type { FlowWorld } from "./flows/flow.ts";
import { OnOffFlow } from "./flows/on-off.ts";
import { RequestFlow } from "./flows/request.ts";
import type { SimHost } from "./host.ts";
import { LinkSampler } from "./link-sampler.ts";
import { PacketMarks } from "./packet-marks.ts";
import { Network, type NetworkWatcher, type SimLink } from "./network.ts";
import { PacketLog } from "./packet-log.ts";
import type { FlowPlan, Plan } from "./plan.ts";
import { ScenarioError, shown } from "./reading.ts";
import type { SimRun } from "./record.ts";

/** What one run is given beside its plan. */
export interface RunOptions {
  /** A whole number from 0 on, below 2^53. */
  readonly seed: number;
  /** Of several runs that differ in their seed only; for the record. */
  readonly replicate?: number;
  /** Each packet that a link delivers, as it is then: time in ms, link, packet. For captures. */
  readonly onPacket?: (now: number, link: SimLink, p: NetemPacket) => void;
  /** Hears of the connections of all hosts. */
  readonly trace?: TcpTrace;
  /** Congestion controls that the plan names by the path of a module, loaded. */
  readonly controllers?: ReadonlyMap<string, ControllerKind>;
  /** Runs flows with a user function; without it there may be none. */
  readonly users?: UserSupport;
}

/** What a run needs for functions of the user's: {@link ./user-flow.ts} has it. */
export interface UserSupport {
  start(plan: FlowPlan & { kind: "user" }, stats: FlowStats, world: FlowWorld): UserRun;
}

export interface UserRun {
  /** Something happened to a connection of the function's. */
  touched: boolean;
  /** Lets the program go on until it waits for the network or for virtual time. */
  settle(): Promise<void>;
}

/** One run of a plan: hosts, links and flows in virtual time. */
export class Simulation {
  readonly plan: Plan;
  readonly network: Network;
  private readonly options: RunOptions;
  private readonly events = new EventQueue();
  private readonly log = new PacketLog();
  private readonly flows: readonly FlowStats[];
  private readonly flowOf = new Map<Endpoint, FlowStats>();
  private readonly userRuns = new Map<FlowStats, UserRun>();
  private readonly samplers: readonly LinkSampler[];
  private readonly asked = new Set<SimHost>();

  /** Throws a ScenarioError for a flow that its links cannot serve. */
  constructor(plan: Plan, options: RunOptions) {
    this.options = options;
    this.plan = withControllers(plan, options.controllers ?? new Map());
    this.flows = this.plan.flows.map((flow) => new FlowStats(flow));
    const { events, log } = this;
    this.network = new Network(
      this.plan,
      options.seed,
      events,
      log,
      joinTraces(options.trace === undefined ? [this.trace()] : [this.trace(), options.trace]),
      this.watcher(),
      (h) => this.asked.add(h),
    );
    this.plan.flows.forEach((flow, i) => checkWay(this.network, flow, `flows[${i}]`));
    const world: FlowWorld = {
      events,
      seed: options.seed,
      host: (name) => this.network.host(name),
      watch: (endpoint, stats) => void this.flowOf.set(endpoint, stats),
    };
    for (const stats of this.flows) this.startFlow(stats, world);
    this.samplers = this.network.links.map((link) => new LinkSampler(link));
    const sampler = events.add(
      {
        fire: (now) => {
          for (const flow of this.flows) flow.sample(now);
          for (const link of this.samplers) link.sample(now);
          events.moved(sampler, now + plan.sample);
        },
      },
      plan.sample,
    );
  }

  /** Packets that links delivered or dropped so far. */
  get packets(): number {
    return this.log.count;
  }

  private startFlow(stats: FlowStats, world: FlowWorld): void {
    const { plan } = stats;
    if (plan.kind === "bulk") new BulkFlow(plan, stats, world);
    else if (plan.kind === "request") new RequestFlow(plan, stats, world);
    else if (plan.kind === "on-off") new OnOffFlow(plan, stats, world);
    else {
      const { users } = this.options;
      invariant(users !== undefined, "a run with user functions is given support for them");
      this.userRuns.set(stats, users.start(plan, stats, world));
    }
  }

  private trace(): TcpTrace {
    const touch = (stats: FlowStats): void => {
      const user = this.userRuns.get(stats);
      if (user !== undefined) user.touched = true;
    };
    return {
      stateChange: (endpoint, _from, to) => {
        const stats = this.flowOf.get(endpoint);
        if (stats === undefined) return;
        if (stats.plan.kind === "user") touch(stats);
        if (to === "CLOSED") this.flowOf.delete(endpoint);
      },
      segmentReceived: (endpoint, segment, now) => {
        const stats = this.flowOf.get(endpoint);
        if (stats === undefined) return;
        if (stats.plan.kind === "user") touch(stats);
        stats.segmentReceived(endpoint as unknown as Tcb, segment, now);
      },
      segmentSent: (endpoint, segment, remark, now) => {
        const stats = this.flowOf.get(endpoint);
        if (stats === undefined) return;
        stats.segmentSent(endpoint as unknown as Tcb, segment, remark, now);
      },
    };
  }

  /** Marks of dropped and CE-marked packets need a look at each packet; without them and a capture there is no watcher. */
  private watcher(): NetworkWatcher | null {
    const { onPacket } = this.options;
    const marks = this.flows.some((f) => f.plan.marks) ? new PacketMarks(this.flows) : null;
    if (marks === null && onPacket === undefined) return null;
    return {
      dropped: (p: NetemPacket, _why: DropReason, now: number) => marks?.dropped(p, now),
      delivered: (link, p, now) => {
        marks?.delivered(p, now);
        onPacket?.(now, link, p);
      },
    };
  }

  /** Until the end of the plan's duration, in one go. Not for plans with user functions. */
  run(): SimRun {
    invariant(this.userRuns.size === 0, "user functions want runWithUsers");
    const { events } = this;
    const { duration } = this.plan;
    while (events.next <= duration) events.fire();
    return this.result();
  }

  /** As {@link run}; after each event that concerns a user function the program goes on until it is quiet. */
  async runWithUsers(): Promise<SimRun> {
    const { events } = this;
    const { duration } = this.plan;
    while (events.next <= duration) {
      events.fire();
      await this.settle();
    }
    return this.result();
  }

  private async settle(): Promise<void> {
    for (let busy = true; busy;) {
      busy = false;
      for (const user of this.userRuns.values()) {
        if (!user.touched) continue;
        busy = true;
        user.touched = false;
        await user.settle();
      }
      if (this.asked.size > 0) {
        const hosts = [...this.asked];
        this.asked.clear();
        for (const host of hosts) host.turn(this.events.now);
        busy = true;
      }
    }
  }

  private result(): SimRun {
    const { plan, options } = this;
    return {
      scenario: plan.name,
      seed: options.seed,
      parameters: plan.parameters,
      replicate: options.replicate ?? 0,
      duration: plan.duration,
      flows: this.flows.map((flow) => flow.result(plan.duration)),
      links: this.samplers.map((link) => link.result()),
      digest: this.log.digest(),
    };
  }
}

function checkWay(network: Network, flow: FlowPlan, field: string): void {
  const { from, to } = flow;
  if (!network.hasWay(from, to)) {
    throw new ScenarioError(
      `${field}.to: no way leads from ${shown(from)} to ${shown(to)}; only what routers names passes packets on`,
    );
  }
  if (isEndless(flow) && !network.takesTime(from, to) && !network.takesTime(to, from)) {
    throw new ScenarioError(
      `${field}: no link on its way has a rate or a delay, so that it would send without end before any time passes`,
    );
  }
}

/** It is not done after some bytes, nor does it wait. */
function isEndless(flow: FlowPlan): boolean {
  if (flow.kind === "bulk") return flow.bytes === Infinity;
  if (flow.kind === "request") return flow.count === Infinity && flow.think === 0;
  return flow.kind === "on-off" && flow.rate === 0;
}

/** Paths of modules become the names of what they hold, and hosts know these. */
function withControllers(plan: Plan, loaded: ReadonlyMap<string, ControllerKind>): Plan {
  const controllers = [...plan.controllers, ...loaded.values()];
  const named = (name: string): string => loaded.get(name)?.name ?? name;
  return {
    ...plan,
    controllers,
    hosts: plan.hosts.map((host) => {
      const name = host.settings.tcp_congestion_control;
      if (name === undefined) return host;
      return { ...host, settings: { ...host.settings, tcp_congestion_control: named(name) } };
    }),
    flows: plan.flows.map((flow) => ({
      ...flow,
      congestionControl: named(flow.congestionControl),
    })),
  };
}
