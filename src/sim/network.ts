/** Nodes and links at work: hosts with their stacks, routers that pass packets on, and which way leads where. */
import { RX_CHECKSUM_GOOD } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import { type DropReason, type LinkSink, NetemLink } from "../netem/link.ts";
import { mtuAt } from "../netem/mtu.ts";
import { type NetemPacket, PacketPool } from "../netem/packet.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { ipv4 } from "../wire/address.ts";
import { readI32 } from "../base/bytes.ts";
import { TOO_BIG_MOST, writeTooBig } from "../wire/too-big.ts";
import { completeChecksum } from "./checksums.ts";
import type { EventHandle, EventQueue, EventSource } from "./event-queue.ts";
import { SimHost } from "./host.ts";
import type { PacketLog } from "./packet-log.ts";
import type { LinkPlan, Plan } from "./plan.ts";

/** Hosts are numbered from 10.0.0.1 on, in the order of the scenario. */
const FIRST_ADDRESS = 0x0a000001;

export interface NetworkWatcher {
  /** A link dropped a packet; called before the packet's memory is used again. */
  dropped(p: NetemPacket, why: DropReason, now: number): void;
  /** A link delivered it, to a router or a host. */
  delivered(link: SimLink, p: NetemPacket, now: number): void;
}

export class SimLink implements EventSource, LinkSink {
  readonly name: string;
  readonly number: number;
  readonly model: NetemLink;
  private readonly network: Network;
  /** Nodes at its ends. */
  readonly from: number;
  readonly to: number;
  private readonly handle: EventHandle;

  /** It ends at a host, not at a router. */
  get toHost(): boolean {
    return this.to < this.network.hosts.length;
  }

  constructor(network: Network, plan: LinkPlan, number: number, seed: number) {
    this.network = network;
    this.name = `${plan.from}>${plan.to}`;
    this.number = number;
    this.from = network.nodeOf(plan.from);
    this.to = network.nodeOf(plan.to);
    this.model = new NetemLink(plan.spec, seed, this.name, network.pool, this);
    this.handle = network.events.add(this, Infinity);
  }

  offer(p: NetemPacket, now: number): void {
    this.model.offer(p, now);
    this.network.events.moved(this.handle, this.model.due);
  }

  fire(now: number): void {
    this.model.run(now);
    this.network.events.moved(this.handle, this.model.due);
  }

  deliver(p: NetemPacket, now: number): void {
    this.network.log.record(this.number, "delivered", p, now);
    this.network.watcher?.delivered(this, p, now);
    this.network.arrive(this.to, p, now);
  }

  dropped(p: NetemPacket, why: DropReason, now: number): void {
    this.network.log.record(this.number, why, p, now);
    this.network.watcher?.dropped(p, why, now);
    if (why === "mtu" && !this.model.spec.blackHole) this.network.tellTooBig(this, p, now);
    this.network.pool.give(p);
  }

  beforeChange(p: NetemPacket): void {
    if ((p.flags & RX_CHECKSUM_GOOD) === 0) return;
    completeChecksum(p.buffer, p.length);
    p.flags &= ~RX_CHECKSUM_GOOD;
  }
}

export class Network {
  readonly hosts: readonly SimHost[];
  readonly links: readonly SimLink[];
  readonly events: EventQueue;
  readonly log: PacketLog;
  readonly watcher: NetworkWatcher | null;
  readonly pool: PacketPool = new PacketPool();
  private readonly names: readonly string[];
  /** Of each node: the link to take towards each host. */
  private readonly routes: readonly (SimLink | null)[][];

  constructor(
    plan: Plan,
    seed: number,
    events: EventQueue,
    log: PacketLog,
    trace: TcpTrace | null,
    watcher: NetworkWatcher | null,
    asked: (host: SimHost) => void,
  ) {
    this.events = events;
    this.log = log;
    this.watcher = watcher;
    this.names = [...plan.hosts.map((h) => h.name), ...plan.routers];
    this.links = plan.links.map((link, i) => new SimLink(this, link, i, seed));
    this.routes = routesOf(plan, this.names, this.links);
    this.hosts = plan.hosts.map((host, i): SimHost => {
      const own = new SimHost({
        ...host,
        controllers: plan.controllers,
        address: ipv4(FIRST_ADDRESS + i),
        seed,
        events,
        pool: this.pool,
        trace,
        send: (p, now) => this.forward(i, p, now),
        asked: () => asked(own),
      });
      return own;
    });
  }

  nodeOf(name: string): number {
    return this.names.indexOf(name);
  }

  host(name: string): SimHost {
    const host = this.hosts[this.nodeOf(name)];
    invariant(host !== undefined, "a plan names hosts that it has");
    return host;
  }

  /** Links, and routers between them, lead there. */
  hasWay(from: string, to: string): boolean {
    return this.routes[this.nodeOf(from)]![this.nodeOf(to)] !== null;
  }

  /** False: all links on the way there pass everything on at once. */
  takesTime(from: string, to: string): boolean {
    const target = this.nodeOf(to);
    for (let node = this.nodeOf(from); node !== target;) {
      const link = this.routes[node]![target]!;
      if (link.model.spec.rate > 0 || link.model.spec.delay > 0) return true;
      node = link.to;
    }
    return false;
  }

  arrive(node: number, p: NetemPacket, now: number): void {
    if (node < this.hosts.length) this.hosts[node]!.receive(p, now);
    else this.forward(node, p, now);
  }

  /**
   * The router before a link tells the sender of a packet that it is too large for it. Between two hosts there is one on the way,
   * whose message takes the link back.
   */
  tellTooBig(link: SimLink, p: NetemPacket, now: number): void {
    const message = this.pool.take(TOO_BIG_MOST);
    message.length = writeTooBig(message.buffer, p.buffer, mtuAt(link.model.spec.mtu, now));
    if (link.from >= this.hosts.length) return this.forward(link.from, message, now);
    const back = this.links.find((other) => other.from === link.to && other.to === link.from);
    invariant(back !== undefined, "each link has one for the way back");
    back.offer(message, now);
  }

  /** Routers decide by the destination's address alone, and lower no TTL: routes have no loops. */
  private forward(node: number, p: NetemPacket, now: number): void {
    const link = this.routes[node]![readI32(p.buffer, 16) - FIRST_ADDRESS] ?? null;
    if (link === null) this.pool.give(p);
    else link.offer(p, now);
  }
}

/** The fewest links to each host; of equal ways the one whose links stand first in the scenario. */
function routesOf(
  plan: Plan,
  names: readonly string[],
  links: readonly SimLink[],
): (SimLink | null)[][] {
  const into = names.map((): number[] => []);
  plan.links.forEach((link, i) => into[names.indexOf(link.to)]!.push(i));
  const routes = names.map(() => plan.hosts.map((): SimLink | null => null));
  plan.hosts.forEach((_, target) => {
    const seen = new Set([target]);
    for (let round = [target]; round.length > 0;) {
      const next: number[] = [];
      for (const node of round) {
        for (const i of into[node]!) {
          const from = names.indexOf(plan.links[i]!.from);
          if (seen.has(from)) continue;
          seen.add(from);
          routes[from]![target] = links[i]!;
          // a host passes nothing on
          if (from >= plan.hosts.length) next.push(from);
        }
      }
      round = next;
    }
  });
  return routes;
}
