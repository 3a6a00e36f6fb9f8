/** What a stack, a listener and a connection are made from. */
import type { Rng } from "../base/rng.ts";
import type { Instant } from "../base/time.ts";
import type { Settings } from "../tcp/config.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { EndpointOwner } from "../tcp/endpoint.ts";
import type { Tuning } from "../tcp/tuning.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import type { Cidr, Ipv4Address } from "../wire/address.ts";
import type { SynOwner } from "./held-syns.ts";
import type { ListenerOwner } from "./listener.ts";
import type { StackSender } from "./packet-output.ts";

/** What a {@link Stack} is made from. */
export interface StackOptions {
  /** The stack's own addresses with their prefixes; the first is the default source. */
  readonly addresses: readonly Cidr[];
  /**
   * Every host's address beside them is the stack's, too: SYNs to it may find a listener, and connections may come from it. It
   * answers no ping for these, as it knows of no such host. Default: false.
   */
  readonly anyAddress?: boolean;
  readonly settings?: Partial<Settings>;
  readonly rng: Rng;
  readonly now: Instant;
  readonly sender: StackSender;
  readonly trace?: TcpTrace | null;
  /** Congestion controllers beside those that come with the stack; known by their names. */
  readonly congestionControls?: readonly ControllerKind[];
  /** Memory for payload; need not be cleared. Default: `new Uint8Array(size)`, which is. */
  readonly allocate?: (size: number) => Uint8Array;
  /** Told when a user call left work outside of `input` and `poll`. */
  readonly host?: PollHost | null;
}

/** Who runs a stack. */
export interface PollHost {
  /** {@link Stack.poll} is wanted soon. */
  requestPoll(): void;
}

/** What a listener is made from. */
export interface ListenOptions {
  /** 0.0.0.0 (the default): any of the stack's. */
  readonly address?: Ipv4Address;
  /** 0: an ephemeral one. */
  readonly port: number;
  /** Every port that no other listener has; `port` is without meaning then. */
  readonly anyPort?: boolean;
  readonly backlog?: number;
  /** Connections at most that were opened with data and are not yet established (TCP_FASTOPEN); 0 (the default): Fast Open is off. */
  readonly fastOpen?: number;
  /** Of its SYN-ACKs, and of the connections that come of them. */
  readonly tuning?: Tuning;
  /**
   * Decides about each SYN before it is answered, and is given the connections; `owner` hears of none then. At most
   * tcp_max_syn_backlog of them are under way; without SYN cookies and Fast Open, which would answer at once.
   */
  readonly synOwner?: SynOwner;
  readonly owner: ListenerOwner;
}

/** What a connection is opened with. */
export interface ConnectOptions {
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  readonly localAddress?: Ipv4Address;
  readonly localPort?: number;
  /** Hosts that the packets are to go through, in order, 1 to 9 (RFC 9293 §3.9.2.1): a loose source route. */
  readonly sourceRoute?: readonly Ipv4Address[];
  /** Data written before the connection is established may go with the SYN (TCP_FASTOPEN_CONNECT); "with-data": with a cookie the SYN waits for it, however long. */
  readonly fastOpen?: boolean | "with-data";
  readonly tuning?: Tuning;
  readonly owner: EndpointOwner | null;
}
