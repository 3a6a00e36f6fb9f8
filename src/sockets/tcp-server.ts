/** Accepts connections: a listener of the stack shaped like `net.Server`. */
import { AsyncResource } from "node:async_hooks";
import { addAbortListener, EventEmitter } from "node:events";
import { getDefaultHighWaterMark } from "node:stream";
import { type AddressInfo, type BlockList, Server as NodeServer } from "node:net";

import type { Endpoint } from "../tcp/endpoint.ts";
import { formatIpv4, UNSPECIFIED } from "../wire/address.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { ListenOptions, SocketOptions } from "./arguments.ts";
import { ipv4OrNull, listenOptions, normalizeArguments } from "./arguments.ts";
import { invalidArgType, listenError, serverAlreadyListening, serverNotRunning } from "./errors.ts";
import type { ListenerLike, ListenerOwnerLike, Liveness } from "./host.ts";
import { resolveHost } from "./lookup.ts";
import { tellServerSocket } from "./node-channels.ts";
import { codeOf } from "./socket-support.ts";
import { type SynRequest, SynRequests } from "./syn-request.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { checkBlockList, checkKeepAliveDelay, checkNumber } from "./validate.ts";

export interface ServerOptions extends SocketOptions {
  /** Sockets of this server come paused. */
  pauseOnConnect?: boolean | undefined;
  /** Asked before a SYN is answered; until it accepts, or refuses, the client waits. */
  onSyn?: ((request: SynRequest) => void) | undefined;
}

/** What `drop` tells of a connection turned away for `maxConnections`. */
export interface DroppedConnection {
  localAddress: string;
  localPort: number;
  localFamily: string;
  remoteAddress: string;
  remotePort: number;
  remoteFamily: string;
}

export type ConnectionHandler = (socket: TcpSocket) => void;
/** In Node the listeners of accepted sockets run in no context of the program's: not in that of whoever sent the packet either. */
const ACCEPTED = new AsyncResource("TUNTCP_ACCEPTED");

/** Makes the sockets of accepted connections. */
export type SocketFactory = (options: SocketOptions) => TcpSocket;

/** A listener, shaped like `net.Server` and an instance of it; made by `createServer`. */
export class TcpServer extends EventEmitter implements ListenerOwnerLike {
  /** Above this many open sockets, connections are dropped at once. */
  // undefined at first, whatever Node's types say
  maxConnections!: number;
  // what its sockets will be made with, as Node's servers show it and let it be changed
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  /** Seconds, as Node keeps it. */
  keepAliveInitialDelay: number;
  highWaterMark: number;
  /** Whose connections are closed at once, as newer Node has it. */
  blockList?: BlockList;
  /** Not there, as in Node since 20, whose types still have it: without this, servers would be none to them. */
  declare readonly connections: number;
  /** @internal Open sockets. */
  _connections = 0;

  readonly #liveness: Liveness;
  readonly #makeSocket: SocketFactory;
  readonly #options: ServerOptions;
  /** Null: every SYN is answered at once. */
  readonly #syns: SynRequests | null;
  #listener: ListenerLike | null = null;
  /** Of `listen` and `close`: what a lookup finds for an earlier one is void. */
  #calls = 0;
  /** What `listen` was called in, where listeners of the server run. */
  #context: AsyncResource | null = null;
  #unref = false;
  #held = false;

  constructor(
    liveness: Liveness,
    makeSocket: SocketFactory,
    given: ServerOptions | ConnectionHandler | undefined,
    listener: ConnectionHandler | undefined,
  ) {
    const options = checkedOptions(given);
    super();
    this.#liveness = liveness;
    this.#makeSocket = makeSocket;
    this.#options = options;
    this.allowHalfOpen = Boolean(options.allowHalfOpen);
    this.pauseOnConnect = Boolean(options.pauseOnConnect);
    this.noDelay = Boolean(options.noDelay);
    this.keepAlive = Boolean(options.keepAlive);
    this.keepAliveInitialDelay = Math.trunc(Math.max(0, options.keepAliveInitialDelay ?? 0) / 1000);
    const mark = options.highWaterMark;
    this.highWaterMark = mark === undefined || mark < 0 ? getDefaultHighWaterMark(false) : mark;
    if (options.blockList) this.blockList = options.blockList!;
    const { onSyn } = options;
    this.#syns =
      onSyn === undefined
        ? null
        : new SynRequests(onSyn, (endpoint, onSocket) => this.#take(endpoint, onSocket));
    const handler = typeof given === "function" ? given : listener;
    if (typeof handler === "function") this.on("connection", handler);
  }

  get listening(): boolean {
    return this.#listener !== null;
  }

  /** As of `net.Server`: port, host, backlog and callback, or options; port 0 or none takes a free one. EADDRINUSE and EADDRNOTAVAIL come as `error`. */
  listen(...args: unknown[]): this {
    const [given, callback] = normalizeArguments(args);
    if (this.#listener !== null) throw serverAlreadyListening();
    if (callback !== null) this.once("listening", callback);
    const options = listenOptions(args, given);
    const call = ++this.#calls;
    this.#context = new AsyncResource("TUNTCP_SERVER");
    this.#watch(options.signal);
    if (!options.host) {
      this.#listen(UNSPECIFIED, options);
      return this;
    }
    resolveHost(options.host!, options.lookup, (error, text) => {
      if (call !== this.#calls) return;
      const found = ipv4OrNull(text);
      if (error !== null) this.emit("error", error);
      else if (found === null) this.#fail("EAFNOSUPPORT", text, options);
      else this.#listen(found, options);
    });
    return this;
  }

  #watch(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const stop = (): void => void this.close();
    if (signal.aborted) {
      process.nextTick(stop);
      return;
    }
    const watch = addAbortListener(signal, stop);
    this.once("close", () => watch[Symbol.dispose]());
  }

  #listen(address: Ipv4Address, options: ListenOptions): void {
    if (this.#listener !== null) return;
    try {
      this.#listener = this.#liveness.stack.listen({
        ...(address === UNSPECIFIED ? {} : { address }),
        port: Number(options.port),
        ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
        ...(options.fastOpen === undefined ? {} : { fastOpen: options.fastOpen }),
        ...(options.anyPort === true ? { anyPort: true } : {}),
        ...(this.#syns === null ? {} : { synOwner: this.#syns }),
        owner: this,
      });
    } catch (cause) {
      this.#fail(codeOf(cause), formatIpv4(address), options, cause);
      return;
    }
    if (!this.#unref) this.#hold();
    process.nextTick(emitListening, this);
  }

  #fail(code: string, address: string, options: ListenOptions, cause?: unknown): void {
    const error = listenError(code, address, Number(options.port), cause);
    process.nextTick(() => this.emit("error", error));
  }

  /** @internal Called by the stack's poll. */
  onConnection(listener: ListenerLike): void {
    if (this.#context === null) this.#takeAll(listener);
    else this.#context.runInAsyncScope(() => this.#takeAll(listener));
  }

  #takeAll(listener: ListenerLike): void {
    for (;;) {
      const endpoint = listener.accept();
      if (endpoint === null) return;
      this.#take(endpoint, null);
    }
  }

  #take(endpoint: Endpoint, onSocket: ((socket: TcpSocket) => void) | null): void {
    if (this.blockList?.check(formatIpv4(endpoint.remoteAddress), "ipv4") === true) {
      endpoint.close();
      return;
    }
    if (Boolean(this.maxConnections) && this._connections >= this.maxConnections) {
      this.emit("drop", describe(endpoint));
      endpoint.close();
      return;
    }
    const socket = this.#makeSocket(this.#socketOptions());
    this._connections++;
    socket.server = this;
    socket._server = this;
    socket._context = ACCEPTED;
    socket._adopt(endpoint, this.pauseOnConnect);
    onSocket?.(socket);
    this.emit("connection", socket);
    tellServerSocket(socket);
  }

  #socketOptions(): SocketOptions {
    const { allowHalfOpen, noDelay, keepAlive, highWaterMark } = this;
    const { keepAliveInitialDelay, onread, sendByReference } = this.#options;
    const marks = { readableHighWaterMark: highWaterMark, writableHighWaterMark: highWaterMark };
    const own = { keepAliveInitialDelay, onread, sendByReference };
    return { allowHalfOpen, noDelay, keepAlive, ...marks, ...own };
  }

  /** Where it listens; null before and after. */
  address(): AddressInfo | null {
    const listener = this.#listener;
    if (listener === null) return null;
    const port = Math.max(0, listener.port); // any port is shown as 0
    return { address: formatIpv4(listener.address), family: "IPv4", port };
  }

  /** Stops listening; `close` comes when the last connection has ended. */
  close(callback?: (error?: Error) => void): this {
    this.#calls++;
    const listener = this.#listener;
    if (typeof callback === "function") {
      if (listener !== null) this.once("close", callback);
      else this.once("close", () => callback(serverNotRunning()));
    }
    listener?.close();
    this.#listener = null;
    this.#release();
    this._emitCloseIfDrained();
    return this;
  }

  /** @internal A socket has ended, too. */
  _emitCloseIfDrained(): void {
    if (this.#listener === null && this._connections === 0) process.nextTick(emitClosed, this);
  }

  /** How many sockets are open. */
  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this._connections);
    return this;
  }

  /** The process goes on while it listens: so it is at first. */
  ref(): this {
    this.#unref = false;
    if (this.#listener !== null) this.#hold();
    return this;
  }

  /** It holds up no process that has nothing else to do. */
  unref(): this {
    this.#unref = true;
    this.#release();
    return this;
  }

  #hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#liveness.hold();
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#liveness.release();
  }

  /** `close`, awaited; one that does not listen is closed already. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.listening) return;
    await new Promise<void>((resolve, reject) => {
      this.close((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** The connections as they come, until the server closes. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TcpSocket, void, undefined> {
    const queue: TcpSocket[] = [];
    let wake: (() => void) | null = null;
    let closed = false;
    const onSocket = (socket: TcpSocket): void => {
      queue.push(socket);
      wake?.();
    };
    const onClose = (): void => {
      closed = true;
      wake?.();
    };
    this.on("connection", onSocket);
    this.on("close", onClose);
    try {
      for (;;) {
        const next = queue.shift();
        if (next !== undefined) yield next;
        else if (closed) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.off("connection", onSocket);
      this.off("close", onClose);
    }
  }
}

// `instanceof net.Server` holds, and its handling of captured rejections; `new` still runs EventEmitter's constructor only
Object.setPrototypeOf(TcpServer.prototype, NodeServer.prototype);

function emitListening(server: TcpServer): void {
  // `close` may have come in the same tick.
  if (server.listening) server.emit("listening");
}

function emitClosed(server: TcpServer): void {
  server.emit("close");
}

function checkedOptions(given: unknown): ServerOptions {
  if (typeof given === "function" || given === undefined || given === null) return {};
  if (typeof given !== "object") throw invalidArgType("options", "of type object", given);
  const options = given as ServerOptions;
  checkKeepAliveDelay(options.keepAliveInitialDelay);
  if (options.highWaterMark !== undefined)
    checkNumber(options.highWaterMark, "options.highWaterMark");
  checkBlockList(options.blockList);
  const { onSyn } = options;
  if (onSyn !== undefined && typeof onSyn !== "function")
    throw invalidArgType("options.onSyn", "of type function", onSyn);
  return { ...options };
}

function describe(endpoint: Endpoint): DroppedConnection {
  return {
    __proto__: null,
    localAddress: formatIpv4(endpoint.localAddress),
    localPort: endpoint.localPort,
    localFamily: "IPv4",
    remoteAddress: formatIpv4(endpoint.remoteAddress),
    remotePort: endpoint.remotePort,
    remoteFamily: "IPv4",
  } as DroppedConnection;
}
