/**
 * What sockets need of the layers below, as interfaces: a stack that listens and connects, and something
 * that keeps the process alive. The runtime's driver is one such host; tests bring their own.
 */
import type { Instant } from "../base/time.ts";
import type { Endpoint, EndpointOwner } from "../tcp/endpoint.ts";
import type { Ipv4Address } from "../wire/address.ts";

export interface ListenerLike {
  readonly address: Ipv4Address;
  readonly port: number;
  accept(): Endpoint | null;
  close(): void;
}

export interface ListenerOwnerLike {
  onConnection(listener: ListenerLike): void;
}

export interface ListenRequest {
  address?: Ipv4Address;
  port: number;
  backlog?: number;
  fastOpen?: number;
  owner: ListenerOwnerLike;
}

export interface ConnectRequest {
  remoteAddress: Ipv4Address;
  remotePort: number;
  localAddress?: Ipv4Address;
  localPort?: number;
  sourceRoute?: readonly Ipv4Address[];
  fastOpen?: boolean;
  owner: EndpointOwner | null;
}

export interface StackLike {
  listen(request: ListenRequest): ListenerLike;
  /** `now`: by default the time of the stack's last event. */
  connect(request: ConnectRequest, now?: Instant): Endpoint;
}

export interface SocketHost {
  readonly stack: StackLike;
  /** Keeps the process alive from now on. */
  ref(): void;
  unref(): void;
  /** For what asks how long ago something was, and for opens after a long silence. */
  time?(): Instant;
}

/** Counts the handles that keep the process alive, so that the host hears of the first and the last only. */
export class Liveness {
  readonly #host: SocketHost;
  #held = 0;

  constructor(host: SocketHost) {
    this.#host = host;
  }

  get stack(): StackLike {
    return this.#host.stack;
  }

  now(): Instant | undefined {
    return this.#host.time?.();
  }

  hold(): void {
    if (this.#held++ === 0) this.#host.ref();
  }

  release(): void {
    if (--this.#held === 0) this.#host.unref();
  }
}
