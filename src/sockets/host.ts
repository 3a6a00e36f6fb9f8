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

export type RefusalLike = "reset" | "silence" | "host-unreachable" | "net-unreachable";

export interface HeldSynLike {
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  readonly ended: string | null;
  accept(): void;
  refuse(how: RefusalLike): void;
}

export interface SynOwnerLike {
  onSyn(syn: HeldSynLike): void;
  onSynOver(syn: HeldSynLike, endpoint: Endpoint | null): void;
}

export interface ListenRequest {
  address?: Ipv4Address;
  port: number;
  anyPort?: boolean;
  backlog?: number;
  fastOpen?: number;
  synOwner?: SynOwnerLike;
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
