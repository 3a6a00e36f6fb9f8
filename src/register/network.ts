/**
 * Which address is whose: the stack's behind the device, the program's own, or the kernel's. What the program says to itself
 * (127.0.0.1 or its own address, where it listens) would leave through a TUN and be refused by the kernel as
 * coming from nowhere; it goes through a second stack, within the process, that is made when first needed.
 */
import { StackError } from "../base/errors.ts";
import { loopback } from "../devices/loopback.ts";
import { createStack, type UserStack } from "../sockets/create-stack.ts";
import { Liveness, type SocketHost } from "../sockets/host.ts";
import type { Stack } from "../stack/stack.ts";
import { inPrefix, type Ipv4Address, isLoopback, parseIpv4, UNSPECIFIED } from "../wire/address.ts";
import type { ServerHandle } from "./server-handle.ts";
import type { StreamHandle } from "./stream-handle.ts";

export const LOOPBACK: Ipv4Address = parseIpv4("127.0.0.1")!;
/** ms that what a closed socket still owes its peer keeps the process alive; a kernel would go on without us. */
const LINGER_MS = 3000;

/** A stack and how its sockets keep the process alive. */
export interface Home {
  readonly stack: UserStack;
  readonly core: Stack;
  readonly liveness: Liveness;
}

/** How an address is reached. */
export interface Way {
  readonly home: Home;
  readonly remote: Ipv4Address;
}

function homeOf(stack: UserStack): Home {
  return { stack, core: stack.core, liveness: new Liveness(waiting(stack.host)) };
}

/** setTimeout takes no more than this. */
const FOR_EVER = 0x7fffffff;

/** A loopback device with nothing under way would not keep the process, though a server waits at it. */
function waiting(host: SocketHost): SocketHost {
  let timer: NodeJS.Timeout | null = null;
  return {
    stack: host.stack,
    time: () => host.time!(),
    ref() {
      host.ref();
      timer = setInterval(() => {}, FOR_EVER);
    },
    unref() {
      host.unref();
      if (timer !== null) clearInterval(timer);
    },
  };
}

export class Network {
  readonly outer: Home;
  /** The device leads nowhere else: in-process. */
  readonly isolated: boolean;
  /** Connections that are open, or still owe something. */
  readonly handles: Set<StreamHandle> = new Set();
  /** Closed by the program, with the time of it; in that order. */
  readonly lingering: Map<StreamHandle, number> = new Map();
  readonly servers: Set<ServerHandle> = new Set();
  #inner: Home | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(stack: UserStack, isolated: boolean) {
    this.outer = homeOf(stack);
    this.isolated = isolated;
  }

  /** Null: Node's own implementation, the kernel. Throws a StackError for what cannot be reached. */
  way(address: string, port: number): Way | null {
    const asked = parseIpv4(address);
    if (asked === null) return null;
    // as in Linux
    const remote = asked === UNSPECIFIED ? LOOPBACK : asked;
    const { outer } = this;
    if (this.isolated) {
      if (this.owns(remote) || this.#near(remote)) return { home: outer, remote };
      throw new StackError("ENETUNREACH", `${address}: the loopback device leads nowhere`);
    }
    const own = this.owns(remote);
    if (!own && !isLoopback(remote)) return { home: outer, remote };
    const servers = this.#serversAt(remote, port);
    if (!own && (remote !== LOOPBACK || servers.length === 0)) return null;
    return { home: this.#within(servers), remote: LOOPBACK };
  }

  owns(address: Ipv4Address): boolean {
    return this.outer.core.addresses.own(address) !== null;
  }

  /** On the device's net, but not in 127.0.0.0/8, of which 127.0.0.1 alone answers. */
  #near(address: Ipv4Address): boolean {
    return (
      !isLoopback(address) && this.outer.core.addresses.all.some((own) => inPrefix(address, own))
    );
  }

  #serversAt(address: Ipv4Address, port: number): ServerHandle[] {
    return [...this.servers].filter(
      (server) =>
        server.port === port && (server.address === UNSPECIFIED || server.address === address),
    );
  }

  /** The stack for what the program says to itself, where those who listen there are told. */
  #within(servers: readonly ServerHandle[]): Home {
    this.#inner ??= homeOf(
      createStack({ device: loopback({ name: "inner" }), address: "127.0.0.1/8" }),
    );
    for (const server of servers) server.alsoOn(this.#inner);
    return this.#inner;
  }

  // ---- the end of connections -----------------------------------------------------------------------

  /** Keeps the process until the peer has everything, for a while. */
  linger(handle: StreamHandle): void {
    this.lingering.set(handle, performance.now());
    handle.holdToTheEnd();
    if (this.#timer === null) this.#arm(LINGER_MS);
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => this.#expire(), ms).unref();
  }

  #expire(): void {
    this.#timer = null;
    const now = performance.now();
    for (const [handle, since] of this.lingering) {
      const left = since + LINGER_MS - now;
      if (left > 0) {
        this.#arm(left);
        return;
      }
      // it goes on while the process does
      handle.forgo();
    }
  }

  /** At once, as the process ends: whoever is still connected is told. */
  leave(): void {
    const { core, stack } = this.outer;
    const now = this.outer.liveness.now()!;
    core.poll(now);
    for (const handle of this.handles) handle.leave();
    core.poll(now);
    stack.device.flush();
  }
}
