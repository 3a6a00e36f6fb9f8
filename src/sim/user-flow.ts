/**
 * A flow that is a function of the user's, on sockets like those of `node:net`. It runs in real time between two events of
 * virtual time: after each event that concerns it, the run waits until the program has nothing more to do.
 *
 * The only file of the simulator that needs Node, for its streams; it is loaded when a scenario has such a function.
 */
import { lineOf } from "../base/errors.ts";
import { namedRng, uniform } from "../base/rng.ts";
import { instantOf } from "../base/time.ts";
import type {
  ConnectRequest,
  ListenerLike,
  ListenRequest,
  SocketHost,
  StackLike,
} from "../sockets/host.ts";
import { createNet, type NetModule } from "../sockets/net.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import { formatIpv4 } from "../wire/address.ts";
import type { EventHandle } from "./event-queue.ts";
import type { FlowStats } from "./flow-stats.ts";
import type { FlowWorld } from "./flows/flow.ts";
import type { SimHost } from "./host.ts";
import type { UserPlan } from "./plan.ts";
import type { UserWorld } from "./scenario.ts";
import type { UserRun, UserSupport } from "./simulation.ts";

/** Turns of the event loop after which a program that waits for nothing real is quiet: what runs in one may begin another. */
const TURNS = 2;

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

class UserFlow implements UserRun {
  touched = false;
  private readonly plan: UserPlan;
  private readonly stats: FlowStats;
  private readonly world: FlowWorld;
  private readonly from: SimHost;
  private readonly to: SimHost;
  private readonly handle: EventHandle;
  private readonly sleepers: Sleeper[] = [];
  private readonly live = new Set<Endpoint>();
  /** Bytes that closed connections received. */
  private before = 0;

  constructor(plan: UserPlan, stats: FlowStats, world: FlowWorld) {
    this.plan = plan;
    this.stats = stats;
    this.world = world;
    this.from = world.host(plan.from);
    this.to = world.host(plan.to);
    const late = uniform(namedRng(world.seed, `${plan.name}/flow`)) * plan.spread;
    this.handle = world.events.add({ fire: (now) => this.wake(now) }, Infinity);
    this.sleepUntil(plan.start + late, () => this.begin());
    stats.counts = () => this.received();
  }

  private begin(): void {
    const { stats, world, plan } = this;
    const rng = namedRng(world.seed, `${plan.name}/user`);
    const user: UserWorld = {
      client: this.net(this.from, false),
      server: this.net(this.to, true),
      address: formatIpv4(this.to.address),
      port: plan.port,
      now: () => world.events.now,
      sleep: (ms) =>
        new Promise((wake) => this.sleepUntil(world.events.now + Math.max(0, ms), wake)),
      random: () => uniform(rng),
    };
    stats.started = world.events.now;
    const run = async (): Promise<void> => await plan.run(user);
    run().then(
      () => stats.ends("done", world.events.now),
      (error: unknown) => {
        stats.ends(`failed: ${lineOf(error)}`, world.events.now);
      },
    );
  }

  private sleepUntil(at: number, wake: () => void): void {
    let i = this.sleepers.length;
    while (i > 0 && this.sleepers[i - 1]!.at > at) i--;
    this.sleepers.splice(i, 0, { at, wake });
    this.world.events.moved(this.handle, this.sleepers[0]!.at);
  }

  private wake(now: number): void {
    this.touched = true;
    while (this.sleepers.length > 0 && this.sleepers[0]!.at <= now) this.sleepers.shift()!.wake();
    this.world.events.moved(this.handle, this.sleepers[0]?.at ?? Infinity);
  }

  async settle(): Promise<void> {
    // user calls act by the stack's last time
    this.from.turn(this.world.events.now);
    this.to.turn(this.world.events.now);
    // oxlint-disable-next-line no-restricted-globals -- the program's own turns, not the simulator's time
    for (let i = 0; i < TURNS; i++) await new Promise((resolve) => void setImmediate(resolve));
  }

  private net(host: SimHost, isServer: boolean): NetModule {
    const watched = (endpoint: Endpoint): Endpoint => {
      this.touched = true;
      this.live.add(endpoint);
      this.world.watch(endpoint, this.stats);
      const { congestionControl } = this.plan;
      if (congestionControl !== "") endpoint.setCongestionControl(congestionControl);
      if (isServer || this.stats.sender === null) this.stats.shows(endpoint);
      return endpoint;
    };
    const stack: StackLike = {
      connect: (request: ConnectRequest, now) => watched(host.stack.connect(request, now)),
      listen: (request: ListenRequest) => listen(host, request, watched),
    };
    const socketHost: SocketHost = {
      stack,
      ref() {},
      unref() {},
      time: () => instantOf(this.world.events.now),
    };
    return createNet(socketHost);
  }

  private received(): number {
    let sum = this.before;
    for (const endpoint of this.live) {
      sum += endpoint.bytesReceived;
      if (endpoint.state !== "CLOSED") continue;
      this.live.delete(endpoint);
      this.before += endpoint.bytesReceived;
    }
    return sum;
  }
}

/** A listener whose connections are watched from when they are accepted. */
function listen(
  host: SimHost,
  request: ListenRequest,
  watched: (endpoint: Endpoint) => Endpoint,
): ListenerLike {
  const wrap = (listener: ListenerLike): ListenerLike => ({
    address: listener.address,
    port: listener.port,
    accept: () => {
      const endpoint = listener.accept();
      return endpoint === null ? null : watched(endpoint);
    },
    close: () => listener.close(),
  });
  const owner = { onConnection: (l: ListenerLike) => request.owner.onConnection(wrap(l)) };
  return wrap(host.stack.listen({ ...request, owner }));
}

export const users: UserSupport = {
  start: (plan, stats, world) => new UserFlow(plan, stats, world),
};
