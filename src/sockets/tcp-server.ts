/** Accepts connections: a listener of the stack shaped like `net.Server`. */
import { EventEmitter } from "node:events";
import { getDefaultHighWaterMark } from "node:stream";
import { type AddressInfo, Server as NodeServer } from "node:net";

import type { Endpoint } from "../tcp/endpoint.ts";
import { formatIpv4, UNSPECIFIED } from "../wire/address.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { Callback, ListenOptions, SocketOptions } from "./arguments.ts";
import { checkPort, ipv4OrNull, listenArguments, resolveHost } from "./arguments.ts";
import { invalidArgType, listenError, serverAlreadyListening, serverNotRunning } from "./errors.ts";
import type { ListenerLike, ListenerOwnerLike, Liveness } from "./host.ts";
import { tellServerSocket } from "./node-channels.ts";
import { type SynRequest, SynRequests } from "./syn-request.ts";
import type { TcpSocket } from "./tcp-socket.ts";

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

/** Makes the sockets of accepted connections. */
export type SocketFactory = (options: SocketOptions) => TcpSocket;

/** A listener, shaped like `net.Server` and an instance of it; made by `createServer`. */
export class TcpServer extends EventEmitter implements ListenerOwnerLike {
  /** Above this many open sockets, connections are dropped at once. */
  // undefined at first, whatever Node's types say
  maxConnections!: number;
  // as Node's servers show what they were made with
  readonly allowHalfOpen: boolean;
  readonly pauseOnConnect: boolean;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  /** Seconds, as Node keeps it. */
  readonly keepAliveInitialDelay: number;
  readonly highWaterMark: number;
  /** Not there, as in Node since 20, whose types still have it: without this, servers would be none to them. */
  declare readonly connections: number;

  readonly #liveness: Liveness;
  readonly #makeSocket: SocketFactory;
  readonly #options: ServerOptions;
  readonly #sockets: Set<TcpSocket> = new Set();
  /** Null: every SYN is answered at once. */
  readonly #syns: SynRequests | null;
  #listener: ListenerLike | null = null;
  /** Between `listen` with a name and its address. */
  #resolving = false;
  #closing = false;
  #unref = false;
  #held = false;

  constructor(
    liveness: Liveness,
    makeSocket: SocketFactory,
    options: ServerOptions,
    onConnection: ((socket: TcpSocket) => void) | undefined,
  ) {
    super();
    this.#liveness = liveness;
    this.#makeSocket = makeSocket;
    this.#options = options;
    this.allowHalfOpen = options.allowHalfOpen === true;
    this.pauseOnConnect = options.pauseOnConnect === true;
    this.noDelay = options.noDelay === true;
    this.keepAlive = options.keepAlive === true;
    this.keepAliveInitialDelay = Math.floor((options.keepAliveInitialDelay ?? 0) / 1000);
    this.highWaterMark = options.highWaterMark ?? getDefaultHighWaterMark(false);
    const { onSyn } = options;
    if (onSyn !== undefined && typeof onSyn !== "function")
      throw invalidArgType("options.onSyn", "of type function", onSyn);
    this.#syns =
      onSyn === undefined
        ? null
        : new SynRequests(onSyn, (endpoint, onSocket) => this.#take(endpoint, onSocket));
    if (onConnection !== undefined) this.on("connection", onConnection);
  }

  get listening(): boolean {
    return this.#listener !== null;
  }

  listen(...args: unknown[]): this {
    const [options, callback] = listenArguments(args);
    if (this.#listener !== null || this.#resolving) throw serverAlreadyListening();
    if (callback !== null) this.once("listening", callback as () => void);
    this.#closing = false;
    const host = options.host ?? "0.0.0.0";
    this.#watch(options.signal);
    const address = ipv4OrNull(host);
    if (address !== null) {
      this.#listen(address, options);
      return this;
    }
    this.#resolving = true;
    resolveHost(host, options.lookup, (error, text) => {
      if (!this.#resolving) return;
      this.#resolving = false;
      const found = ipv4OrNull(text);
      if (error !== null) this.emit("error", error);
      else if (found === null) this.#fail("EAFNOSUPPORT", text, options);
      else this.#listen(found, options);
    });
    return this;
  }

  #watch(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    if (!(signal instanceof AbortSignal)) {
      throw invalidArgType("options.signal", "an instance of AbortSignal", signal);
    }
    const stop = (): void => void this.close();
    if (signal.aborted) {
      process.nextTick(stop);
      return;
    }
    signal.addEventListener("abort", stop, { once: true });
    this.once("close", () => signal.removeEventListener("abort", stop));
  }

  #listen(address: Ipv4Address, options: ListenOptions): void {
    const port = checkPort(options.port ?? 0, "options.port");
    try {
      this.#listener = this.#liveness.stack.listen({
        ...(address === UNSPECIFIED ? {} : { address }),
        port,
        ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
        ...(options.fastOpen === undefined ? {} : { fastOpen: options.fastOpen }),
        ...(options.anyPort === true ? { anyPort: true } : {}),
        ...(this.#syns === null ? {} : { synOwner: this.#syns }),
        owner: this,
      });
    } catch (cause) {
      const code = (cause as { code?: unknown }).code;
      if (typeof code !== "string") throw cause;
      this.#fail(code, formatIpv4(address), options, cause);
      return;
    }
    if (!this.#unref) this.#hold();
    process.nextTick(emitListening, this);
  }

  #fail(code: string, address: string, options: ListenOptions, cause?: unknown): void {
    const error = listenError(code, address, Number(options.port ?? 0), cause);
    process.nextTick(() => this.emit("error", error));
  }

  /** @internal Called by the stack's poll. */
  onConnection(listener: ListenerLike): void {
    for (;;) {
      const endpoint = listener.accept();
      if (endpoint === null) return;
      this.#take(endpoint, null);
    }
  }

  #take(endpoint: Endpoint, onSocket: ((socket: TcpSocket) => void) | null): void {
    if (this.maxConnections !== undefined && this.#sockets.size >= this.maxConnections) {
      endpoint.close();
      this.emit("drop", describe(endpoint));
      return;
    }
    const socket = this.#makeSocket(this.#options);
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#closeIfDrained();
    });
    socket.server = this;
    socket._adopt(endpoint, this.#options.pauseOnConnect === true);
    onSocket?.(socket);
    this.emit("connection", socket);
    tellServerSocket(socket);
  }

  address(): AddressInfo | null {
    const listener = this.#listener;
    if (listener === null) return null;
    const port = Math.max(0, listener.port); // any port is shown as 0
    return { address: formatIpv4(listener.address), family: "IPv4", port };
  }

  /** Stops listening; `close` comes when the last connection has ended. */
  close(callback?: (error?: Error) => void): this {
    const running = this.#listener !== null || this.#resolving;
    if (typeof callback === "function") {
      if (running) this.once("close", callback);
      else this.once("close", () => callback(serverNotRunning()));
    }
    this.#resolving = false;
    this.#listener?.close();
    this.#listener = null;
    this.#release();
    this.#closing = true;
    this.#closeIfDrained();
    return this;
  }

  #closeIfDrained(): void {
    if (!this.#closing || this.#sockets.size > 0) return;
    this.#closing = false;
    process.nextTick(() => this.emit("close"));
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this.#sockets.size);
    return this;
  }

  ref(): this {
    this.#unref = false;
    if (this.#listener !== null) this.#hold();
    return this;
  }

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
    const onSocket: Callback = ((socket: TcpSocket) => {
      queue.push(socket);
      wake?.();
    }) as Callback;
    const onClose = (): void => {
      closed = true;
      wake?.();
    };
    this.on("connection", onSocket as () => void);
    this.on("close", onClose);
    try {
      for (;;) {
        const next = queue.shift();
        if (next !== undefined) yield next;
        else if (closed) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.off("connection", onSocket as () => void);
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

function describe(endpoint: Endpoint): DroppedConnection {
  return {
    localAddress: formatIpv4(endpoint.localAddress),
    localPort: endpoint.localPort,
    localFamily: "IPv4",
    remoteAddress: formatIpv4(endpoint.remoteAddress),
    remotePort: endpoint.remotePort,
    remoteFamily: "IPv4",
  };
}
