/** A listening port: connections under way to ESTABLISHED are counted apart from those that wait to be accepted. */
import { type Instant, instantOf } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { type Endpoint, EVENT_ESTABLISHED } from "../tcp/endpoint.ts";
import type { Tuning } from "../tcp/tuning.ts";
import type { Settings } from "../tcp/config.ts";
import { FastOpenQueue } from "./fast-open-queue.ts";
import type { HeldSyns, SynOwner } from "./held-syns.ts";
import type { ListenOptions } from "./options.ts";

/** Bits of tcp_fastopen: the server's, and that every listener has it. */
const FAST_OPEN_ALWAYS = 0x402;

/** Who hears of connections. */
export interface ListenerOwner {
  /** From `poll`: at least one connection waits; call `accept` until it gives null. */
  onConnection(listener: Listener): void;
}

/** A port that takes connections. */
export interface Listener {
  readonly address: Ipv4Address;
  readonly port: number;
  /** Connections that wait to be accepted. */
  readonly waiting: number;
  /** The connection that has waited longest; null when none waits. */
  accept(): Endpoint | null;
  /** Stops listening; what was not accepted is reset. Idempotent. */
  close(): void;
  /** For connections from now on. */
  tune(tuning: Tuning, fastOpen?: number): void;
}

/** A port that takes connections. */
export class ListenerImpl implements Listener {
  readonly address: Ipv4Address;
  readonly port: number;
  readonly backlog: number;
  readonly owner: ListenerOwner;
  /** Who decides about each SYN before it is answered, instead of the accept queue; null: nobody needs to. */
  readonly synOwner: SynOwner | null;
  /** Null: as the settings say. */
  tuning: Tuning | null;
  /** Connections in SYN-RECEIVED; the SYN queue counts. */
  halfOpen = 0;
  /** When the last SYN cookie was sent: without one lately no ACK can hold one. */
  cookieSentAt: Instant = instantOf(-Infinity);
  readonly fastOpens: FastOpenQueue;
  readonly acceptQueue: TcpConnection[] = [];
  /** The owner is to be told. */
  fresh = false;
  closed = false;
  private readonly onClose: (listener: ListenerImpl) => void;
  private readonly onAccept: (connection: TcpConnection) => void;

  constructor(
    address: Ipv4Address,
    port: number,
    options: ListenOptions,
    settings: Settings,
    onClose: (listener: ListenerImpl) => void,
    onAccept: (connection: TcpConnection) => void,
  ) {
    this.address = address;
    this.port = port;
    this.backlog = Math.max(0, Math.min(options.backlog ?? 511, settings.somaxconn));
    const always = (settings.tcp_fastopen & FAST_OPEN_ALWAYS) === FAST_OPEN_ALWAYS;
    this.fastOpens = new FastOpenQueue(options.fastOpen ?? (always ? this.backlog : 0));
    this.tuning = options.tuning ?? null;
    this.owner = options.owner;
    this.synOwner = options.synOwner ?? null;
    this.onClose = onClose;
    this.onAccept = onAccept;
  }

  get waiting(): number {
    return this.acceptQueue.length;
  }

  /** As in Linux, one more than the backlog fits. */
  get isFull(): boolean {
    return this.acceptQueue.length > this.backlog;
  }

  /**
   * Puts a connection that became ESTABLISHED into the accept queue, and drops one that died before it was
   * accepted. True when the owner is to be told and was not yet.
   */
  settle(c: TcpConnection): boolean {
    if ((c.events & EVENT_ESTABLISHED) !== 0) {
      c.events &= ~EVENT_ESTABLISHED;
      this.acceptQueue.push(c);
    }
    if (c.dead) {
      const at = this.acceptQueue.indexOf(c);
      if (at >= 0) this.acceptQueue.splice(at, 1);
      c.listener = null;
    }
    if (this.fresh || this.acceptQueue.length === 0) return false;
    this.fresh = true;
    return true;
  }

  accept(): Endpoint | null {
    const connection = this.acceptQueue.shift();
    if (connection === undefined) return null;
    connection.listener = null;
    this.onAccept(connection);
    return connection;
  }

  tune(tuning: Tuning, fastOpen?: number): void {
    this.tuning = { ...this.tuning, ...tuning };
    if (fastOpen !== undefined) this.fastOpens.limit = fastOpen;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose(this);
  }
}

/** The listeners whose owners are to be told that a connection waits, or what became of a SYN. */
export class FreshListeners {
  private readonly waiting: ListenerImpl[] = [];
  private readonly held: HeldSyns;

  constructor(held: HeldSyns) {
    this.held = held;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.held.isIdle;
  }

  /** Looks at a connection that may have become ESTABLISHED, or have died, before it was accepted. */
  settle(c: TcpConnection): void {
    const listener = c.listener as ListenerImpl | null;
    if (listener !== null && listener.settle(c)) this.waiting.push(listener);
  }

  tell(now: Instant): void {
    if (!this.held.isIdle) this.held.turn(now);
    while (this.waiting.length > 0) {
      const listener = this.waiting.shift()!;
      listener.fresh = false;
      if (!listener.closed && listener.waiting > 0) listener.owner.onConnection(listener);
    }
  }
}
