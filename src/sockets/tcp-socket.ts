/**
 * A connection as users see it: a Duplex shaped like `net.Socket`, with back-pressure both ways. It turns
 * stream calls into calls of one {@link Endpoint} and the endpoint's events into stream events; it knows
 * nothing of packets. Its prototype descends from `net.Socket.prototype`, so that `instanceof` holds, but
 * only Duplex's constructor runs: a tenth of the time, and nothing waits for an operating system's handle.
 */
import { addAbortSignal } from "node:stream";

import type { Instant } from "../base/time.ts";
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
import type { Endpoint, EndpointOwner } from "../tcp/endpoint.ts";
import { parseIpv4 } from "../wire/address.ts";
import type { ConnectOptions, SocketOptions } from "./arguments.ts";
import { checkPort, connectArguments, ipv4OrNull, resolveHost, wayOf } from "./arguments.ts";
import { socketClosed, streamDestroyed, systemError } from "./errors.ts";
import type { Liveness } from "./host.ts";
import { isOnRead, OnRead } from "./onread.ts";
import {
  checkTimeout,
  codeOf,
  drainLate,
  emitClose,
  emitTimeout,
  failure,
  isOver,
  type KeepAliveOptions,
  openTo,
  positive,
  type QueuedChunk,
  refuseWrites,
  type StreamCallback,
  streamOptions,
} from "./socket-support.ts";
import { TunedSocket } from "./tuned-socket.ts";

// Wishes of the user that wait for the endpoint, and the life of the handle, as bits: one field, not eight.
const NO_DELAY = 1;
const KEEP_ALIVE = 2;
const BY_REFERENCE = 4;
/** `_read` was called and `push` has not refused since. */
const WANT_DATA = 8;
const END_PUSHED = 16;
const UNREF = 32;
/** This socket is counted in the host's liveness. */
const HELD = 64;
const RESET = 128;
/** What is written while the connection is opened goes to the endpoint at once, and so with the SYN where that may be. */
const FAST_OPEN = 256;

/** A connection, shaped like `net.Socket` and an instance of it; made by `connect` and by servers. */
export class TcpSocket extends TunedSocket implements EndpointOwner {
  override connecting: boolean = false;
  override timeout?: number = undefined as never;
  /** Read by `node:http` and `node:tls`: there is no handle of the operating system. */
  readonly _handle: null = null;
  /** Node's own code follows `_parent` until null, from a TLS socket down to this one. */
  readonly _parent: null = null;
  server: unknown = null;

  readonly #liveness: Liveness;
  #flags = 0;
  #bytesRead = 0;
  #bytesSent = 0;
  /** The chunk being handed over, from where, and those of the same `_writev` behind it. */
  #chunk: Uint8Array | null = null;
  #offset = 0;
  #rest: readonly QueuedChunk[] | null = null;
  #restAt = 0;
  #writeDone: StreamCallback | null = null;
  #finalDone: StreamCallback | null = null;
  #timer: NodeJS.Timeout | null = null;
  #keepAlive: KeepAliveOptions | null = null;
  /** Reading by callback instead of by stream. */
  readonly #onread: OnRead | null;
  #target: { host: string; port: number } | null = null;

  constructor(liveness: Liveness, options: SocketOptions = {}) {
    super({ ...streamOptions(options), autoDestroy: true, emitClose: false } as object);
    this.#liveness = liveness;
    this.#onread = isOnRead(options.onread) ? new OnRead(options.onread) : null;
    if (options.sendByReference === true) this.#flags |= BY_REFERENCE;
    if (options.noDelay === true) this.#flags |= NO_DELAY;
    if (options.keepAlive === true) this.setKeepAlive(true, options.keepAliveInitialDelay);
    if (options.signal !== undefined) addAbortSignal(options.signal, this);
  }

  // ---- opening ----------------------------------------------------------------------------------
  override connect(...args: unknown[]): this {
    const [options, callback] = connectArguments(args);
    if (callback !== null) this.once("connect", callback as () => void);
    if (this.destroyed || this.connecting || this._endpoint !== null) {
      const code = this.destroyed ? null : "EISCONN";
      this.destroy(code === null ? socketClosed() : systemError("connect", code));
      return this;
    }
    this.connecting = true;
    this.#hold();
    if (options.timeout !== undefined) this.setTimeout(options.timeout);
    if (options.noDelay === true) this.#flags |= NO_DELAY;
    if (options.keepAlive === true) this.setKeepAlive(true, options.keepAliveInitialDelay);
    const host = options.host ?? "localhost";
    if (parseIpv4(host) !== null) {
      process.nextTick(openTo, this, host, options);
      return this;
    }
    resolveHost(host, options.lookup, (error, address, family) => {
      this.emit("lookup", error, address, family, host);
      if (!this.connecting) return;
      if (error !== null) this.destroy(error);
      else this._open(address, options);
    });
    return this;
  }

  /** @internal The address is known. */
  _open(host: string, options: ConnectOptions): void {
    if (!this.connecting) return;
    const port = checkPort(options.port, "Port");
    const remoteAddress = parseIpv4(host);
    const localAddress = ipv4OrNull(options.localAddress);
    this.#target = { host, port };
    this.emit("connectionAttempt", host, port, 4);
    if (!this.connecting) return;
    if (remoteAddress === null || (options.localAddress !== undefined && localAddress === null)) {
      this.destroy(systemError("connect", "EAFNOSUPPORT", host, port));
      return;
    }
    try {
      const request = {
        remoteAddress,
        remotePort: port,
        ...(localAddress === null ? {} : { localAddress }),
        ...(options.localPort === undefined ? {} : { localPort: options.localPort }),
        ...wayOf(options),
        owner: this,
      };
      this._endpoint = this.#liveness.stack.connect(request, this._now());
      this.#applyOptions();
    } catch (cause) {
      this.destroy(systemError("connect", codeOf(cause), host, port, cause));
      return;
    }
    if (options.fastOpen === true) {
      this.#flags |= FAST_OPEN;
      this.#pump();
    }
  }

  /** @internal A connection that a listener accepted. */
  _adopt(endpoint: Endpoint, paused: boolean): void {
    this._endpoint = endpoint;
    this._opened = true;
    endpoint.owner = this;
    this.#hold();
    this.#applyOptions();
    if (paused) this.pause();
    else this.read(0);
  }

  #applyOptions(): void {
    const endpoint = this._endpoint;
    if (endpoint === null) return;
    this._tune(endpoint);
    if (this.#onread !== null) endpoint.lends = true;
    if ((this.#flags & NO_DELAY) !== 0) endpoint.setNoDelay(true);
    if ((this.#flags & KEEP_ALIVE) !== 0) {
      const k = this.#keepAlive;
      endpoint.setKeepAlive(true, positive(k?.initialDelay), positive(k?.interval), k?.count);
    }
  }

  // ---- events of the endpoint -------------------------------------------------------------------

  /** @internal */
  onEvents(endpoint: Endpoint, events: number): void {
    if (endpoint !== this._endpoint) return;
    if (this.destroyed) {
      if ((events & (EVENT_CLOSED | EVENT_FIN_ACKED)) !== 0) this.#release();
      return;
    }
    if ((events & EVENT_ESTABLISHED) !== 0 && this.connecting) this.#opened();
    if ((events & (EVENT_URGENT | EVENT_SOFT_ERROR)) !== 0) this._notice(endpoint, events);
    if ((events & EVENT_WRITABLE) !== 0) this.#pump();
    if ((events & (EVENT_READABLE | EVENT_PEER_FIN)) !== 0) this.#drain();
    if ((events & EVENT_CLOSED) !== 0) this.#closed(endpoint);
  }

  #opened(): void {
    this.connecting = false;
    this._opened = true;
    this._unrefTimer();
    this.emit("connect");
    this.emit("ready");
    if (this.destroyed) return;
    this.#pump();
    const final = this.#finalDone;
    if (final !== null) {
      this.#finalDone = null;
      this._final(final);
    }
    if (!this.isPaused()) this.read(0);
  }

  #closed(endpoint: Endpoint): void {
    const cause = endpoint.error;
    if (cause !== null) {
      const to = this.#target;
      const syscall = this.connecting ? "connect" : this.#chunk === null ? "read" : "write";
      const error = failure(syscall, cause, to);
      if (this.connecting) this.emit("connectionAttemptFailed", to?.host, to?.port, 4, error);
      this.destroy(error);
      return;
    }
    this.#drain();
    this.#release();
  }

  // ---- reading ----------------------------------------------------------------------------------
  override _read(): void {
    this.#flags |= WANT_DATA;
    if (!this.connecting) this.#drain();
  }

  /** Moves chunks up while the stream takes them; what stays below closes the window. */
  #drain(): void {
    const endpoint = this._endpoint;
    if (endpoint === null) return;
    const got = this.#onread === null ? this.#fill(endpoint) : this.#hand(endpoint, this.#onread);
    if (this.destroyed) return;
    if (got) this._unrefTimer();
    const rest = this.#onread?.rest ?? null;
    if (endpoint.atEnd && rest === null && (this.#flags & END_PUSHED) === 0) {
      this.#flags |= END_PUSHED;
      if (!this.allowHalfOpen) this.once("end", refuseWrites);
      this.push(null);
      // Without a reader an empty stream would never say that it ended.
      if (this.readableLength === 0) this.read(0);
    }
  }

  /** To the stream, while it takes more. True if there was something. */
  #fill(endpoint: Endpoint): boolean {
    let got = false;
    while ((this.#flags & WANT_DATA) !== 0) {
      const chunk = endpoint.receive();
      if (chunk === null) break;
      got = true;
      this.#bytesRead += chunk.length;
      // Cleared first: `push` may call `_read` within itself.
      this.#flags &= ~WANT_DATA;
      if (this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))) {
        this.#flags |= WANT_DATA;
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
    if (!this.connecting && !this.destroyed) this.#drain();
  }

  // ---- writing ----------------------------------------------------------------------------------
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: StreamCallback): void {
    this.#chunk = chunk;
    this.#offset = 0;
    this.#writeDone = callback;
    this.#pump();
  }

  override _writev(chunks: readonly QueuedChunk[], callback: StreamCallback): void {
    this.#rest = chunks;
    this.#restAt = 1;
    this._write(chunks[0]!.chunk, "binary", callback);
  }

  /** Hands over what fits. The callback comes when all of the write is in the connection's memory. */
  #pump(): void {
    const endpoint = this._endpoint;
    const early = this.connecting && (this.#flags & FAST_OPEN) === 0;
    if (this.#chunk === null || endpoint === null || early) return;
    try {
      while (this.#chunk !== null) {
        const space = endpoint.sendSpace;
        if (space <= 0) return;
        this.#handOver(endpoint, this.#chunk, space);
      }
    } catch (cause) {
      this.#writeFailed(cause);
      return;
    }
    this._unrefTimer();
    const done = this.#writeDone;
    this.#writeDone = null;
    done?.();
  }

  #handOver(endpoint: Endpoint, chunk: Uint8Array, space: number): void {
    const left = chunk.length - this.#offset;
    const urgent = chunk === this._urgentChunk;
    let taken = left;
    if (urgent && left <= space) {
      endpoint.sendUrgent(this.#offset === 0 ? chunk : chunk.subarray(this.#offset));
      this._urgentChunk = null;
    } else if (!urgent && (this.#flags & BY_REFERENCE) !== 0) {
      if (left > 0) endpoint.send(chunk);
    } else {
      // In pieces: a copy of the whole of a large write would double the memory.
      taken = Math.min(left, space);
      const whole = taken === chunk.length;
      if (taken > 0) {
        endpoint.sendCopy(whole ? chunk : chunk.subarray(this.#offset, this.#offset + taken));
      }
    }
    this.#offset += taken;
    if (this.#offset < chunk.length) return;
    this.#bytesSent += chunk.length;
    this.#offset = 0;
    this.#chunk = this.#rest?.[this.#restAt++]?.chunk ?? null;
    if (this.#chunk === null) this.#rest = null;
  }

  #writeFailed(cause: unknown): void {
    const error = systemError("write", codeOf(cause), undefined, undefined, cause);
    this.#chunk = null;
    this.#rest = null;
    const done = this.#writeDone;
    this.#writeDone = null;
    if (done === null) this.destroy(error);
    else done(error);
  }

  override _final(callback: StreamCallback): void {
    if (this.connecting) {
      this.#finalDone = callback;
      return;
    }
    this._endpoint?.shutdown();
    callback();
  }

  // ---- ending -----------------------------------------------------------------------------------
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.connecting = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const endpoint = this._endpoint;
    if (endpoint === null) {
      this.#release();
    } else {
      const over = isOver(endpoint);
      if ((this.#flags & RESET) !== 0) endpoint.abort();
      else endpoint.close();
      // What is still owed to the peer keeps the process alive: no kernel would finish it for us.
      if (over) this.#release();
    }
    const done = this.#writeDone;
    this.#writeDone = null;
    this.#chunk = null;
    this.#rest = null;
    callback(error);
    done?.(error ?? streamDestroyed());
    process.nextTick(emitClose, this, error !== null);
  }

  override resetAndDestroy(): this {
    if (this._endpoint === null && !this.connecting) return this.destroy(socketClosed());
    this.#flags |= RESET;
    return this.destroy();
  }

  // ---- options ----------------------------------------------------------------------------------

  override setNoDelay(enable: boolean = true): this {
    this.#flags = enable ? this.#flags | NO_DELAY : this.#flags & ~NO_DELAY;
    this._endpoint?.setNoDelay(enable);
    return this;
  }

  /** Both of Node's forms: `(enable, initialDelay, interval, count)` and `({ enable, … })`. */
  override setKeepAlive(
    enable: boolean | KeepAliveOptions = true,
    initialDelay?: number,
    interval?: number,
    count?: number,
  ): this {
    const given = typeof enable === "object" ? enable : { enable, initialDelay, interval, count };
    const on = given.enable ?? false;
    this.#keepAlive = given;
    this.#flags = on ? this.#flags | KEEP_ALIVE : this.#flags & ~KEEP_ALIVE;
    if (on) this.#applyOptions();
    else this._endpoint?.setKeepAlive(false);
    return this;
  }

  override setTimeout(ms: number, callback?: () => void): this {
    checkTimeout(ms, callback);
    if (this.destroyed) return this;
    this.timeout = ms;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (ms === 0) {
      if (callback !== undefined) this.removeListener("timeout", callback);
      return this;
    }
    this.#timer = setTimeout(emitTimeout, Math.min(ms, 0x7fffffff), this).unref();
    if (callback !== undefined) this.once("timeout", callback);
    return this;
  }

  /** Traffic: the idle time begins anew. Named as in Node, where `node:tls` and `node:http` call it. */
  _unrefTimer(): void {
    this.#timer?.refresh();
  }

  override ref(): this {
    this.#flags &= ~UNREF;
    if (this._endpoint !== null || this.connecting) this.#hold();
    return this;
  }

  override unref(): this {
    this.#flags |= UNREF;
    this.#release();
    return this;
  }

  #hold(): void {
    if (this.destroyed || (this.#flags & (HELD | UNREF)) !== 0) return;
    this.#flags |= HELD;
    this.#liveness.hold();
  }

  #release(): void {
    if ((this.#flags & HELD) === 0) return;
    this.#flags &= ~HELD;
    this.#liveness.release();
  }

  protected override _now(): Instant | undefined {
    return this.#liveness.now();
  }

  // ---- what there is to know --------------------------------------------------------------------

  override get bytesRead(): number {
    return this.#bytesRead;
  }

  override get bytesWritten(): number {
    return this.#bytesSent + this.writableLength;
  }
}
