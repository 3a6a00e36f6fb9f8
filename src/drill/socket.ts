/**
 * A socket as BSD's calls know it, over one listener or endpoint of the stack. Errors are the names that `errno` has; a call that
 * cannot end yet is BLOCKED, and is tried again when something has happened.
 */
import type { Instant } from "../base/time.ts";
import { StackError } from "../base/errors.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { Listener } from "../stack/listener.ts";
import type { Stack } from "../stack/stack.ts";
import {
  type Endpoint,
  type EndpointOwner,
  EVENT_CLOSED,
  EVENT_ESTABLISHED,
  EVENT_PEER_FIN,
} from "../tcp/endpoint.ts";
import { POLL } from "./constants.ts";
import type { OptionName, SocketOptions } from "./socket-options.ts";

/** What a call ends with: a number, or the name of an error; BLOCKED while it would wait. */
export type Outcome = number | string;
export const BLOCKED = "BLOCKED";

export interface SocketAddress {
  readonly address: Ipv4Address;
  readonly port: number;
}

export class DrillSocket implements EndpointOwner {
  readonly stack: Stack;
  readonly options: SocketOptions;
  nonBlocking = false;
  endpoint: Endpoint | null = null;
  listener: Listener | null = null;
  /** As `bind` said. */
  bound: SocketAddress | null = null;
  /** Counts what happened, for edge-triggered waiting. */
  activity = 0;
  /** `connect` was called and nobody was told of its end yet. */
  connecting = false;
  closed = false;
  /** The first write sends the SYN. */
  deferred = false;
  private established = false;
  /** The endpoint has ended; `pending` holds why until somebody was told. */
  private ended = false;
  private pending: string | null = null;
  private readShut = false;
  private writeShut = false;
  private peerEnded = false;

  constructor(stack: Stack, options: SocketOptions) {
    this.stack = stack;
    this.options = options;
  }

  // --- what the stack tells -------------------------------------------------------------------------

  onEvents(endpoint: Endpoint, events: number): void {
    this.activity++;
    if ((events & EVENT_ESTABLISHED) !== 0) this.established = true;
    if ((events & EVENT_PEER_FIN) !== 0) this.peerEnded = true;
    if ((events & EVENT_CLOSED) !== 0) {
      this.ended = true;
      // as Linux: behind the peer's end a reset is a broken pipe
      const isReset = endpoint.error?.code === "ECONNRESET";
      this.pending = isReset && this.peerEnded ? "EPIPE" : (endpoint.error?.code ?? null);
    }
  }

  /** The child that `accept` hands out. */
  adopt(endpoint: Endpoint): void {
    this.endpoint = endpoint;
    this.established = true;
    endpoint.owner = this;
    this.options.apply(endpoint);
  }

  get alive(): boolean {
    return this.endpoint !== null && !this.ended;
  }

  /** Bytes written and not acknowledged, a FIN counted; or those of them that were never sent. */
  queued(unsentOnly: boolean): number {
    if (this.endpoint === null || this.ended) return 0;
    const info = this.endpoint.info();
    return unsentOnly ? info.notSent : info.sendQueued;
  }

  /** What TCP_INQ tells with `recvmsg`: what is left, and 1 more at the peer's end. */
  get inq(): number {
    return this.readable === 0 && this.peerEnded ? 1 : this.readable;
  }

  /** An option was set that not only the endpoint looks at. */
  optionChanged(name: OptionName): void {
    if (name === "SO_REUSEADDR") return;
    this.listener?.tune(
      this.options.tuning(),
      this.options.isSet("TCP_FASTOPEN") ? this.options.get("TCP_FASTOPEN") : undefined,
    );
  }

  get isListening(): boolean {
    return this.listener !== null;
  }

  /** SO_ERROR: told once. */
  takeError(): string | null {
    const error = this.pending;
    this.pending = null;
    return error;
  }

  // --- opening --------------------------------------------------------------------------------------

  listen(backlog: number): Outcome {
    if (this.endpoint !== null && !this.ended) return "EINVAL";
    if (this.listener !== null) return 0;
    try {
      this.listener = this.stack.listen({
        port: this.bound?.port ?? 0,
        backlog,
        ...(this.options.isSet("TCP_FASTOPEN")
          ? { fastOpen: this.options.get("TCP_FASTOPEN") }
          : {}),
        tuning: this.options.tuning(),
        ...(this.bound === null ? {} : { address: this.bound.address }),
        owner: {
          onConnection: () => {
            this.activity++;
          },
        },
      });
      return 0;
    } catch (error) {
      return codeOf(error);
    }
  }

  accept(): Endpoint | Outcome {
    if (this.listener === null) return "EINVAL";
    return this.listener.accept() ?? (this.nonBlocking ? "EAGAIN" : BLOCKED);
  }

  /** Begins; whether it has ended tells {@link connected}. `now`: the time is not to be guessed after a silence. */
  connect(to: SocketAddress, fastOpen: boolean, now: Instant): Outcome {
    if (this.listener !== null) return "EISCONN";
    if (this.endpoint !== null && !this.ended) {
      if (this.connecting) return this.established ? this.connectEnds() : "EALREADY";
      return "EISCONN";
    }
    if (this.connecting) return this.connectEnds();
    try {
      this.readShut = false;
      this.writeShut = false;
      this.ended = false;
      this.established = false;
      this.peerEnded = false;
      this.endpoint = this.stack.connect(
        {
          remoteAddress: to.address,
          remotePort: to.port,
          ...(this.bound === null
            ? {}
            : { localAddress: this.bound.address, localPort: this.bound.port }),
          tuning: this.options.tuning(),
          fastOpen: fastOpen ? "with-data" : false,
          owner: this,
        },
        now,
      );
      this.options.apply(this.endpoint);
      this.connecting = true;
      return "EINPROGRESS";
    } catch (error) {
      return codeOf(error);
    }
  }

  /** The end of a `connect` that began. */
  connectEnds(): Outcome {
    if (this.ended) {
      this.connecting = false;
      return this.takeError() ?? "ECONNABORTED";
    }
    if (!this.established) return BLOCKED;
    this.connecting = false;
    return 0;
  }

  /** `connect` with AF_UNSPEC: the socket is as new, bound as it was. */
  disconnect(): Outcome {
    this.endpoint?.abort();
    this.listener?.close();
    this.forget();
    return 0;
  }

  private forget(): void {
    if (this.endpoint !== null) this.endpoint.owner = null;
    this.endpoint = null;
    this.listener = null;
    this.ended = false;
    this.established = false;
    this.peerEnded = false;
    this.connecting = false;
    this.pending = null;
    this.readShut = false;
    this.writeShut = false;
  }

  // --- Fast Open ------------------------------------------------------------------------------------

  /** The SYN waits for the first write, as a cookie is known. */
  get sendsWithSyn(): boolean {
    return this.endpoint !== null && this.endpoint.holdsSyn;
  }

  /** TCP_FASTOPEN_CONNECT: `connect` is done, and the first write connects. */
  connectsLater(): Outcome {
    this.deferred = true;
    this.connecting = false;
    return 0;
  }

  /** What goes with the SYN; what does not fit waits for the connection. */
  writeEarly(n: number): Outcome {
    this.deferred = false;
    if (!this.sendsWithSyn) return BLOCKED;
    const size = Math.min(n, this.endpoint!.sendSpace);
    this.endpoint!.sendCopy(new Uint8Array(size));
    return size;
  }

  // --- data -----------------------------------------------------------------------------------------

  get readable(): number {
    return this.endpoint?.receiveQueued ?? 0;
  }

  /** In Linux's order: data, the peer's end, an error, our own end. */
  read(n: number, peek: boolean, waitAll: boolean, wait: boolean): Outcome {
    if (this.listener !== null) return "ENOTCONN";
    if (n === 0) return 0;
    const there = this.readable;
    const over = this.readsNoMore;
    if (there > 0 && (there >= n || !waitAll || over)) return this.take(Math.min(n, there), peek);
    if (over) return this.readEnd();
    if (wait) return BLOCKED;
    return there > 0 ? this.take(there, peek) : "EAGAIN";
  }

  private get readsNoMore(): boolean {
    return this.endpoint === null || this.ended || this.peerEnded || this.readShut;
  }

  private readEnd(): Outcome {
    if (this.peerEnded) return 0;
    const error = this.takeError();
    if (error !== null) return error;
    return this.readShut || (this.ended && this.established) ? 0 : "ENOTCONN";
  }

  private take(n: number, peek: boolean): number {
    if (peek) return n;
    for (let left = n; left > 0;) left -= this.endpoint!.receive(left)!.length;
    return n;
  }

  /** Why nothing can be written now: an error, BLOCKED while the connection is being made; null when it can. */
  private writeError(wait: boolean): Outcome | null {
    if (this.listener !== null) return "EPIPE";
    const error = this.takeError();
    if (error !== null) return error;
    if (this.endpoint === null || this.ended || this.writeShut) return "EPIPE";
    if (!this.canSend()) return wait ? BLOCKED : "EAGAIN";
    return null;
  }

  /** Not in SYN-SENT; a connection that Fast Open made may answer early. */
  private canSend(): boolean {
    const { state } = this.endpoint!;
    return this.established || (state !== "SYN-SENT" && state !== "SYN-RECEIVED");
  }

  /**
   * As many of `n` bytes, of which `done` are queued already, as there is room for. What waits gives BLOCKED, and `onProgress` hears
   * how many went.
   */
  write(
    n: number,
    flags: { readonly urgent: boolean; readonly more: boolean },
    wait: boolean,
    progress: { done: number },
  ): Outcome {
    const why = this.writeError(wait);
    if (why !== null) return why === BLOCKED || progress.done === 0 ? why : progress.done;
    const e = this.endpoint!;
    if (n > progress.done) e.setCork(flags.more || this.options.get("TCP_CORK") !== 0);
    while (progress.done < n) {
      const size = Math.min(n - progress.done, e.sendSpace);
      if (size <= 0) break;
      const last = progress.done + size === n;
      if (flags.urgent && last) e.sendUrgent(new Uint8Array(size));
      else e.sendCopy(new Uint8Array(size));
      progress.done += size;
    }
    if (progress.done === n) return n;
    if (wait) return BLOCKED;
    return progress.done > 0 ? progress.done : "EAGAIN";
  }

  // --- ending ---------------------------------------------------------------------------------------

  shutdown(how: number): Outcome {
    if (how < 0 || how > 2) return "EINVAL";
    if (this.listener !== null) {
      if (how === 1) return 0;
      this.listener.close();
      this.listener = null;
      return 0;
    }
    if (this.endpoint === null || this.ended) return "ENOTCONN";
    if (!this.established && this.endpoint.state === "SYN-SENT") {
      this.endpoint.abort();
      return 0;
    }
    if (how !== 1) this.readShut = true;
    if (how !== 0) {
      this.writeShut = true;
      this.endpoint.shutdown();
    }
    this.activity++;
    return 0;
  }

  /** BLOCKED while SO_LINGER waits. */
  close(wait: boolean): Outcome {
    if (!this.closed) {
      this.closed = true;
      this.listener?.close();
      if (this.endpoint === null) return 0;
      const { linger } = this.options;
      if (linger.on && linger.seconds === 0) this.endpoint.abort();
      else this.endpoint.close();
    }
    if (!wait || !this.options.linger.on || this.options.linger.seconds === 0) return 0;
    return this.endpoint === null || this.ended || this.finAcked ? 0 : BLOCKED;
  }

  private get finAcked(): boolean {
    const { state } = this.endpoint!;
    return state === "FIN-WAIT-2" || state === "TIME-WAIT" || state === "CLOSED";
  }

  // --- readiness ------------------------------------------------------------------------------------

  /** What Linux's `tcp_poll` says. */
  poll(): number {
    if (this.listener !== null) return this.listener.waiting > 0 ? POLL.IN | POLL.RDNORM : 0;
    const e = this.endpoint;
    const mask = this.endMask();
    if (e !== null && !this.ended && !this.canSend()) return mask;
    const writable = e === null || this.writeShut || this.ended || this.hasRoom(e);
    return mask | (writable ? POLL.OUT | POLL.WRNORM : 0) | this.waitingMask(e);
  }

  private endMask(): number {
    const readEnd = this.peerEnded || this.readShut || this.ended;
    const both = (readEnd && this.writeShut) || this.ended || this.endpoint === null;
    let mask = this.ended && this.pending !== null ? POLL.ERR : 0;
    if (both) mask |= POLL.HUP;
    return readEnd ? mask | POLL.IN | POLL.RDNORM | POLL.RDHUP : mask;
  }

  private waitingMask(e: Endpoint | null): number {
    const urgent = e !== null && e.urgentAhead > 0 ? POLL.PRI : 0;
    return this.readable > 0 ? urgent | POLL.IN | POLL.RDNORM : urgent;
  }

  /** As Linux: a third of the buffer at least, so that waking up is worth it. */
  private hasRoom(e: Endpoint): boolean {
    const space = e.sendSpace;
    return space > 0 && 2 * space >= e.sendQueued;
  }
}

export function codeOf(error: unknown): string {
  if (error instanceof StackError) return error.code;
  throw error;
}
