/** A flow at work: when it starts and stops, its listener and its connection. What it sends is in the files beside this one. */
import { StackError } from "../../base/errors.ts";
import { namedRng, type Rng, exponential, uniform } from "../../base/rng.ts";
import type { ListenerOwner } from "../../stack/listener.ts";
import type { Endpoint, EndpointOwner } from "../../tcp/endpoint.ts";
import { EVENT_CLOSED } from "../../tcp/endpoint.ts";
import type { EventHandle, EventQueue, EventSource } from "../event-queue.ts";
import type { FlowStats } from "../flow-stats.ts";
import type { SimHost } from "../host.ts";
import type { FlowPlan } from "../plan.ts";
import { ScenarioError } from "../reading.ts";

export interface FlowWorld {
  readonly events: EventQueue;
  readonly seed: number;
  host(name: string): SimHost;
  /** From now on the connection's segments count for the flow. */
  watch(endpoint: Endpoint, stats: FlowStats): void;
}

/** What an end of a connection does with its events. */
export abstract class Flow implements EventSource {
  readonly stats: FlowStats;
  protected readonly world: FlowWorld;
  protected readonly from: SimHost;
  protected readonly to: SimHost;
  protected readonly rng: Rng;
  protected client: Endpoint | null = null;
  protected server: Endpoint | null = null;
  protected stopped = false;
  private readonly handle: EventHandle;
  private readonly base: FlowPlan;
  private begun = false;
  private wakeAt: number;

  constructor(stats: FlowStats, world: FlowWorld) {
    const { plan } = stats;
    this.stats = stats;
    this.base = plan;
    this.world = world;
    this.from = world.host(plan.from);
    this.to = world.host(plan.to);
    this.rng = namedRng(world.seed, `${plan.name}/flow`);
    const late = plan.spread > 0 ? uniform(this.rng) * plan.spread : 0;
    this.wakeAt = plan.start + late;
    this.handle = world.events.add(this, this.wakeAt);
  }

  protected get now(): number {
    return this.world.events.now;
  }

  fire(now: number): void {
    // the hosts' clocks are brought here first: user calls act by the stack's last time
    this.from.turn(now);
    this.to.turn(now);
    const due = this.wakeAt <= now;
    if (due) this.wakeAt = Infinity;
    if (!this.begun) {
      this.begun = true;
      this.stats.started = now;
      this.begin();
    } else if (now >= this.base.stop && !this.stopped) {
      this.stopped = true;
      this.stop();
    } else if (due) {
      this.wake();
    }
    this.from.turn(now);
    this.to.turn(now);
    this.arm();
  }

  /** `wake` is called then, and not before. */
  protected wakeIn(ms: number): void {
    this.wakeAt = this.now + ms;
    this.arm();
  }

  private arm(): void {
    const stop = this.begun && !this.stopped ? this.base.stop : Infinity;
    this.world.events.moved(this.handle, Math.min(this.wakeAt, stop));
  }

  /** Opens the connection, after the listener. */
  protected begin(): void {
    const { port, name } = this.base;
    const server: EndpointOwner = { onEvents: (e, events) => this.events(e, events, true) };
    const client: EndpointOwner = { onEvents: (e, events) => this.events(e, events, false) };
    const owner: ListenerOwner = {
      onConnection: (listener) => {
        const endpoint = listener.accept();
        if (endpoint === null) return;
        listener.close();
        this.server = endpoint;
        endpoint.owner = server;
        endpoint.lends = true;
        this.takes(endpoint);
        this.world.watch(endpoint, this.stats);
        this.events(endpoint, 0, true);
      },
    };
    try {
      this.to.stack.listen({ port, owner });
    } catch (error) {
      // another flow waits there
      throw error instanceof StackError
        ? new ScenarioError(`flow ${name}: ${error.message}`)
        : error;
    }
    const remoteAddress = this.to.address;
    this.client = this.from.stack.connect({ remoteAddress, remotePort: port, owner: client });
    this.client.lends = true;
    this.takes(this.client);
    this.world.watch(this.client, this.stats);
    this.opened();
  }

  private takes(endpoint: Endpoint): void {
    const { congestionControl } = this.base;
    if (congestionControl !== "") endpoint.setCongestionControl(congestionControl);
  }

  private events(endpoint: Endpoint, events: number, isServer: boolean): void {
    if (isServer) this.onServer(endpoint);
    else this.onClient(endpoint);
    if ((events & EVENT_CLOSED) !== 0 && endpoint.error !== null) {
      this.stats.ends(endpoint.error.code, this.now);
    }
  }

  protected span(mean: number, random: boolean): number {
    return random ? mean * exponential(this.rng) : mean;
  }

  /** The client's endpoint is there. */
  protected abstract opened(): void;
  protected abstract onClient(endpoint: Endpoint): void;
  protected abstract onServer(endpoint: Endpoint): void;
  protected abstract wake(): void;
  protected abstract stop(): void;
}
