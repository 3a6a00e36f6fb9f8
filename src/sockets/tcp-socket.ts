/**
 * A connection as users see it: a Duplex shaped like `net.Socket`, with back-pressure both ways. It turns
 * stream calls into calls of one {@link Endpoint} and the endpoint's events into stream events; it knows
 * nothing of packets. Its prototype descends from `net.Socket.prototype`, so that `instanceof` holds, but
 * only Duplex's constructor runs: a tenth of the time, and nothing waits for an operating system's handle.
 * Opening is `opening-socket.ts`'s, writing `sending-socket.ts`'s; here are events, reading, ending and options.
 */
import { addAbortSignal } from "node:stream";

import {
  EVENT_CLOSED,
  EVENT_ESTABLISHED,
  EVENT_FIN_ACKED,
  EVENT_PEER_FIN,
  EVENT_READABLE,
  EVENT_SOFT_ERROR,
  EVENT_URGENT,
  EVENT_WRITABLE,
} from "../tcp/endpoint.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { SocketOptions } from "./arguments.ts";
import { socketClosed, systemError } from "./errors.ts";
import type { Liveness } from "./host.ts";
import { isOnRead, OnRead } from "./onread.ts";
import { OpeningSocket } from "./opening-socket.ts";
import {
  abort,
  allowWrites,
  BY_REFERENCE,
  drainLate,
  emitClose,
  emitPlainClose,
  emitTimeout,
  END_PUSHED,
  endLate,
  FAST_OPEN,
  isOver,
  KEEP_ALIVE,
  type KeepAliveOptions,
  NO_DELAY,
  positive,
  refuseWrites,
  RESET,
  streamOptions,
  WANT_DATA,
} from "./socket-support.ts";
import { checkCallback, checkSocketOptions, checkTimeout } from "./validate.ts";

/** As much of a server as its sockets know: it counts them. */
interface CountingServer {
  _connections: number;
  _emitCloseIfDrained(): void;
}

/** A connection, shaped like `net.Socket` and an instance of it; made by `connect` and by servers. */
export class TcpSocket extends OpeningSocket {
  override timeout?: number = undefined as never;
  /** Read by `node:http` and `node:tls`: there is no handle of the operating system. */
  readonly _handle: null = null;
  /** Node's own code follows `_parent` until null, from a TLS socket down to this one. */
  readonly _parent: null = null;
  server: unknown = null;
  /** @internal */
  _server: CountingServer | null = null;

  #bytesRead = 0;
  #timer: NodeJS.Timeout | null = null;
  #keepAlive: KeepAliveOptions | null = null;
  /** Reading by callback instead of by stream. */
  readonly #onread: OnRead | null;

  constructor(liveness: Liveness, options: SocketOptions = {}) {
    checkSocketOptions(options as Record<string, unknown>);
    super(liveness, { ...streamOptions(options), autoDestroy: true, emitClose: false });
    this.#onread = isOnRead(options.onread) ? new OnRead(options.onread) : null;
    if (options.sendByReference === true) this._flags |= BY_REFERENCE;
    if (options.noDelay) this._flags |= NO_DELAY;
    if (options.keepAlive) this.setKeepAlive(true, options.keepAliveInitialDelay);
    if (options.blockList) this.blockList = options.blockList!;
    if (options.signal !== undefined) addAbortSignal(options.signal, this);
  }

  /** @internal A connection that a listener accepted. */
  _adopt(endpoint: Endpoint, paused: boolean): void {
    this._endpoint = endpoint;
    this._opened = true;
    endpoint.owner = this;
    this._hold();
    this._applyOptions();
    if (paused) this.pause();
    else this.read(0);
  }

  protected override _applyOptions(): void {
    const endpoint = this._endpoint;
    if (endpoint === null) return;
    this._tune(endpoint);
    if (this.#onread !== null) endpoint.lends = true;
    if ((this._flags & NO_DELAY) !== 0) endpoint.setNoDelay(true);
    if ((this._flags & KEEP_ALIVE) !== 0) {
      const k = this.#keepAlive;
      endpoint.setKeepAlive(true, positive(k?.initialDelay), positive(k?.interval), k?.count);
    }
  }

  protected override _renew(): void {
    allowWrites(this);
    (this as unknown as { _undestroy(): void })._undestroy();
    this._endpoint = null;
    this._opened = false;
    this._flags &= ~(END_PUSHED | RESET | FAST_OPEN);
    this.#bytesRead = 0;
    this._forgetSent();
    if (this.#onread !== null) this.#onread.rest = null;
  }

  // ---- events of the endpoint -------------------------------------------------------------------

  /** @internal */
  override _happens(endpoint: Endpoint, events: number): void {
    if (endpoint !== this._endpoint) return;
    if (this.destroyed) {
      if ((events & (EVENT_CLOSED | EVENT_FIN_ACKED)) !== 0) this._release();
      return;
    }
    if ((events & EVENT_ESTABLISHED) !== 0 && this.connecting) this._established();
    if ((events & (EVENT_URGENT | EVENT_SOFT_ERROR)) !== 0) this._notice(endpoint, events);
    if ((events & (EVENT_WRITABLE | EVENT_CLOSED)) === EVENT_WRITABLE) this._pump();
    if ((events & (EVENT_READABLE | EVENT_PEER_FIN)) !== 0) this.#drain();
    if ((events & EVENT_CLOSED) !== 0) this.#closed(endpoint);
  }

  /** @internal */
  _established(): void {
    this.connecting = false;
    this._opened = true;
    this._attemptsOver();
    this._unrefTimer();
    this.emit("connect");
    this.emit("ready");
    if (this.destroyed) return;
    this._pump();
    if (!this.isPaused()) this.read(0);
  }

  #closed(endpoint: Endpoint): void {
    const cause = endpoint.error;
    if (cause === null) {
      this.#drain();
      this._release();
    } else if (this.connecting) {
      this._attemptFailed(cause);
    } else if (this._writing) {
      this._writeFailed(systemError("write", cause.code, undefined, undefined, cause.message));
    } else {
      this.destroy(systemError("read", cause.code, undefined, undefined, cause.message));
    }
  }

  // ---- reading ----------------------------------------------------------------------------------
  /** The stream's, called by it. */
  override _read(): void {
    this._flags |= WANT_DATA;
    if (!this.connecting) this.#drainInside();
  }

  /** As if something had come: whoever asked, listeners run where they always do. */
  #drainInside(): void {
    const endpoint = this._endpoint;
    if (endpoint !== null) this.onEvents(endpoint, EVENT_READABLE);
  }

  /** Moves chunks up while the stream takes them; what stays below closes the window. */
  #drain(): void {
    const endpoint = this._endpoint;
    if (endpoint === null) return;
    const got = this.#onread === null ? this.#fill(endpoint) : this.#hand(endpoint, this.#onread);
    if (this.destroyed) return;
    if (got) this._unrefTimer();
    const rest = this.#onread?.rest ?? null;
    if (!endpoint.atEnd || rest !== null || (this._flags & END_PUSHED) !== 0) return;
    this._flags |= END_PUSHED;
    // in a turn of its own, as in Node: who awaited the data is then there to hear of the end
    setImmediate(endLate, this);
  }

  /** @internal */
  _pushEnd(): void {
    // another connection may have begun
    if (this.destroyed || (this._flags & END_PUSHED) === 0) return;
    if (!this.allowHalfOpen) this.once("end", refuseWrites);
    this.push(null);
    // Without a reader an empty stream would never say that it ended.
    if (this.readableLength === 0) this.read(0);
  }

  /** To the stream, while it takes more. True if there was something. */
  #fill(endpoint: Endpoint): boolean {
    let got = false;
    while ((this._flags & WANT_DATA) !== 0) {
      const chunk = endpoint.receive();
      if (chunk === null) break;
      got = true;
      this.#bytesRead += chunk.length;
      // Cleared first: `push` may call `_read` within itself.
      this._flags &= ~WANT_DATA;
      if (this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))) {
        this._flags |= WANT_DATA;
      }
      if (this.destroyed) break;
    }
    return got;
  }

  /** To the callback, until it says stop. */
  #hand(endpoint: Endpoint, onread: OnRead): boolean {
    let got = false;
    while (!onread.stopped && !this.destroyed) {
      const { rest } = onread;
      onread.rest = null;
      const chunk = rest ?? endpoint.receive();
      if (chunk === null) break;
      got = true;
      if (rest === null) this.#bytesRead += chunk.length;
      onread.deliver(this, Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    }
    return got;
  }

  override pause(): this {
    if (this.#onread !== null) this.#onread.stopped = true;
    return super.pause();
  }

  override resume(): this {
    if (this.#onread?.stopped === true) {
      this.#onread.stopped = false;
      process.nextTick(drainLate, this);
    }
    return super.resume();
  }

  /** @internal */
  _drain(): void {
    if (!this.connecting && !this.destroyed) this.#drainInside();
  }

  // ---- ending -----------------------------------------------------------------------------------
  /** The stream's, called by it. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const handle = this.connecting || this._endpoint !== null;
    this.connecting = false;
    this._attemptsOver();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const endpoint = this._endpoint;
    if (endpoint === null) {
      this._release();
    } else {
      const over = isOver(endpoint);
      // behind what was written, and behind the ACK that opened the connection
      if ((this._flags & RESET) !== 0) process.nextTick(abort, endpoint);
      else endpoint.close();
      // What is still owed to the peer keeps the process alive: no kernel would finish it for us.
      if (over) this._release();
    }
    callback(error);
    // where Node closes its handle: after what is due in this turn, so that a listener may still be added
    if (handle) setImmediate(emitClose, this, error !== null, this._takeWrite());
    else process.nextTick(emitPlainClose, this);
    const server = this._server;
    if (server === null) return;
    this._server = null;
    server._connections--;
    server._emitCloseIfDrained();
  }

  override resetAndDestroy(): this {
    if (!this._live) return this.destroy(socketClosed());
    if (this.connecting) this.once("connect", () => this._reset());
    else this._reset();
    return this;
  }

  /** Node's name for a reset without delay. */
  _reset(): this {
    this._flags |= RESET;
    return this.destroy();
  }

  // ---- options ----------------------------------------------------------------------------------

  override setNoDelay(enable: boolean = true): this {
    this._flags = enable ? this._flags | NO_DELAY : this._flags & ~NO_DELAY;
    this._endpoint?.setNoDelay(Boolean(enable));
    return this;
  }

  /** Both of Node's forms: `(enable, initialDelay, interval, count)` and `({ enable, … })`. */
  override setKeepAlive(
    enable: boolean | KeepAliveOptions = false,
    initialDelay?: number,
    interval?: number,
    count?: number,
  ): this {
    const given =
      typeof enable === "object" && (enable as object | null) !== null
        ? enable
        : { enable: Boolean(enable), initialDelay, interval, count };
    const on = Boolean(given.enable);
    this.#keepAlive = given;
    this._flags = on ? this._flags | KEEP_ALIVE : this._flags & ~KEEP_ALIVE;
    if (on) this._applyOptions();
    else this._endpoint?.setKeepAlive(false);
    return this;
  }

  override setTimeout(msecs: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = msecs;
    const ms = checkTimeout(msecs);
    if (callback !== undefined) checkCallback(callback);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (ms === 0) {
      if (callback !== undefined) this.removeListener("timeout", callback);
      return this;
    }
    this.#timer = setTimeout(emitTimeout, ms, this).unref();
    if (callback !== undefined) this.once("timeout", callback);
    return this;
  }

  /** Traffic: the idle time begins anew. Named as in Node, where `node:tls` and `node:http` call it. */
  override _unrefTimer(): void {
    this.#timer?.refresh();
  }

  // ---- what there is to know --------------------------------------------------------------------

  override get bytesRead(): number {
    return this.#bytesRead;
  }
}
