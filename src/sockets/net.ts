/** `node:net` over one stack: the same names, bound to a {@link SocketHost}. */
import * as node from "node:net";

import type { ConnectOptions, SocketOptions } from "./arguments.ts";
import { normalizeArguments } from "./arguments.ts";
import type { SocketHost } from "./host.ts";
import { classNeeded } from "./errors.ts";
import { Liveness } from "./host.ts";
import { tellClientSocket } from "./node-channels.ts";
import type { ServerOptions } from "./tcp-server.ts";
import { TcpServer } from "./tcp-server.ts";
import { TcpSocket } from "./tcp-socket.ts";

/** Hears of each connection that a server has accepted. */
export type ConnectionListener = (socket: TcpSocket) => void;

/** `net.connect`: without a path, as there are no Unix sockets here. */
export interface ConnectFunction {
  (options: ConnectOptions, listener?: () => void): TcpSocket;
  (port: number | string, host?: string, listener?: () => void): TcpSocket;
  (port: number | string, listener?: () => void): TcpSocket;
}

/** `net.createServer`. */
export interface CreateServerFunction {
  (listener?: ConnectionListener): TcpServer;
  (options?: ServerOptions, listener?: ConnectionListener): TcpServer;
}

/** What `node:net` has, on one stack; docs/sockets.md tells what differs. */
export interface NetModule {
  readonly Socket: new (options?: SocketOptions) => TcpSocket;
  readonly Stream: new (options?: SocketOptions) => TcpSocket;
  readonly Server: new (
    options?: ServerOptions | ConnectionListener,
    listener?: ConnectionListener,
  ) => TcpServer;
  readonly connect: ConnectFunction;
  readonly createConnection: ConnectFunction;
  readonly createServer: CreateServerFunction;
  /** Node's own, as are the next two: 4, 6 or 0. */
  readonly isIP: (input: string) => number;
  /** True for an IPv4 address. */
  readonly isIPv4: (input: string) => boolean;
  /** True for an IPv6 address. */
  readonly isIPv6: (input: string) => boolean;
  readonly BlockList: typeof node.BlockList;
  readonly SocketAddress: typeof node.SocketAddress;
  // of no effect here, where there is one family; Node's own
  /** Without effect on a stack, where there is one family. */
  readonly getDefaultAutoSelectFamily: typeof node.getDefaultAutoSelectFamily;
  /** Without effect on a stack. */
  readonly setDefaultAutoSelectFamily: typeof node.setDefaultAutoSelectFamily;
  /** Without effect on a stack; ms. */
  readonly getDefaultAutoSelectFamilyAttemptTimeout: () => number;
  /** Without effect on a stack. */
  readonly setDefaultAutoSelectFamilyAttemptTimeout: (ms: number) => void;
}

type Class = new (...args: never[]) => object;

/** Node's classes are functions of old, which may be called without `new`. */
function callable<T extends Class>(kind: T): T {
  const proxy = new Proxy(kind, {
    apply: (target, self, args) => {
      if (!(self instanceof target)) return Reflect.construct(target, args) as object;
      throw classNeeded(kind.name);
    },
  });
  Object.defineProperty(kind.prototype, "constructor", { value: proxy });
  return proxy;
}

/** A module shaped like `node:net` whose sockets live on `host`'s stack. */
export function createNet(host: SocketHost): NetModule {
  const liveness = new Liveness(host);

  class Socket extends TcpSocket {
    constructor(options?: SocketOptions | null) {
      super(liveness, options ?? undefined);
    }
  }
  const makeSocket = (options: SocketOptions): TcpSocket => new Socket(options);

  class Server extends TcpServer {
    constructor(options?: ServerOptions | ConnectionListener, listener?: ConnectionListener) {
      super(liveness, makeSocket, options, listener);
    }
  }

  const connect = ((...args: unknown[]): TcpSocket => {
    const [options, callback] = normalizeArguments(args);
    const socket = new Socket(options as SocketOptions);
    tellClientSocket(socket);
    if (options["timeout"]) socket.setTimeout(options["timeout"] as number);
    return callback === null ? socket.connect(options) : socket.connect(options, callback);
  }) as ConnectFunction;

  const createServer = ((
    options?: ServerOptions | ConnectionListener,
    listener?: ConnectionListener,
  ): TcpServer => new Server(options, listener)) as CreateServerFunction;

  const SocketClass = callable(Socket);
  return {
    Socket: SocketClass,
    Stream: SocketClass,
    Server: callable(Server),
    connect,
    createConnection: connect,
    createServer,
    isIP: node.isIP,
    isIPv4: node.isIPv4,
    isIPv6: node.isIPv6,
    BlockList: node.BlockList,
    SocketAddress: node.SocketAddress,
    getDefaultAutoSelectFamily: node.getDefaultAutoSelectFamily,
    setDefaultAutoSelectFamily: node.setDefaultAutoSelectFamily,
    getDefaultAutoSelectFamilyAttemptTimeout: node.getDefaultAutoSelectFamilyAttemptTimeout,
    setDefaultAutoSelectFamilyAttemptTimeout: node.setDefaultAutoSelectFamilyAttemptTimeout,
  };
}
