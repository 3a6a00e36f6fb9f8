/**
 * What makes the program's sockets and servers ones of the stack: two methods of Node's own classes, which everything built on
 * them calls, whenever it took hold of `net`. The classes stay Node's; what changes is whose handle they
 * get. Unix sockets, IPv6 and descriptors keep Node's.
 */
import dns from "node:dns";
import net, { isIP, isIPv4 } from "node:net";
import { isLoopback, parseIpv4, UNSPECIFIED } from "../wire/address.ts";
import {
  exchangeHandle,
  giveHandle,
  type InnerServer,
  type InnerSocket,
  type Normalized,
  normalized,
} from "./internals.ts";
import type { Network } from "./network.ts";
import { ServerHandle } from "./server-handle.ts";
import { StreamHandle } from "./stream-handle.ts";

type Method<T> = (this: T, ...args: never[]) => unknown;
type Connect = (this: InnerSocket, ...args: unknown[]) => InnerSocket;
type Listen = (this: InnerServer, ...args: unknown[]) => InnerServer;
/** Of net.Server: makes the handle where there is none, and listens. */
type SetUp = (
  this: InnerServer,
  address: string | null,
  port: number,
  family: number,
  backlog: number,
  fd: number | undefined,
  flags?: number,
) => void;
type LookedUp = (error: Error | null, result: unknown, family?: number) => void;
type Lookup = (host: string, options: object, done: LookedUp) => void;

interface SocketMethods {
  connect: Connect;
  resetAndDestroy: (this: InnerSocket) => InnerSocket;
}

interface ServerMethods {
  listen: Listen;
  _listen2: SetUp;
}

export interface Traffic {
  readonly network: Network;
  /** A server was left to the kernel's loopback, as nobody beyond the TUN could reach it: worth a word. */
  readonly keptLocal: (address: string, port: number) => void;
}

/** UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;

export function socketMethods(): SocketMethods {
  return net.Socket.prototype as unknown as SocketMethods;
}

export function serverMethods(): ServerMethods {
  return net.Server.prototype as unknown as ServerMethods;
}

/** In the place of a method, with its name and its look. */
export function replace<T extends object, K extends keyof T>(holder: T, key: K, by: T[K]): void {
  const old = holder[key] as Method<unknown>;
  Object.defineProperty(by as object, "name", { value: old.name, configurable: true });
  Object.defineProperty(by as object, "length", { value: old.length, configurable: true });
  const { enumerable = true } = Object.getOwnPropertyDescriptor(holder, key) ?? {};
  Object.defineProperty(holder, key, { value: by, enumerable, writable: true, configurable: true });
}

export function patch(traffic: Traffic): void {
  patchConnect(traffic.network);
  patchReset();
  patchListen(traffic);
}

// ---- connect --------------------------------------------------------------------------------------

function patchConnect(network: Network): void {
  const sockets = socketMethods();
  const original = sockets.connect;
  replace(sockets, "connect", function connect(this: InnerSocket, ...args: unknown[]) {
    const list = normalized(args);
    if (mayBeOurs(this, list[0])) prepare(network, this, list);
    return original.call(this, list);
  });
}

/** False where it is Node's whatever the address will be: a path, IPv6, a handle that somebody gave the socket. */
function mayBeOurs(socket: InnerSocket, options: Record<string, unknown>): boolean {
  const { path, family, host, port } = options;
  if (Boolean(path) || family === 6 || family === "IPv6" || isIP(String(host)) === 6) return false;
  if (port === undefined || socket._parent?.connecting === true) return false;
  // a TLS socket has its wrap from the start, around a handle that is not yet connected
  if (socket._handle === null || socket.destroyed) return true;
  return socket.encrypted === true && !socket._parent;
}

function prepare(network: Network, socket: InnerSocket, list: Normalized): void {
  const options = list[0];
  const host = options["host"] || "localhost";
  const port = Number(options["port"]);
  if (typeof host !== "string") return;
  if (isIPv4(host)) {
    if (!isStacks(network, host, port)) return;
    if (socket.destroyed)
      Object.assign(socket, { _handle: null, _peername: null, _sockname: null });
    giveHandle(socket, new StreamHandle(network));
    return;
  }
  const given = options["lookup"];
  if (given !== undefined && given !== null && typeof given !== "function") return;
  // the options may be frozen, or have getters
  list[0] = Object.create(options, {
    lookup: {
      value: lookupFor(network, socket, port, given as Lookup | undefined),
      enumerable: true,
    },
  }) as Record<string, unknown>;
}

function isStacks(network: Network, host: string, port: number): boolean {
  try {
    return network.way(host, port) !== null;
  } catch {
    // that it is unreachable is the handle's to say, in its time
    return true;
  }
}

/** As the lookup that was asked for; where the stack reaches what it found, the socket gets a handle of the stack's. */
function lookupFor(
  network: Network,
  socket: InnerSocket,
  port: number,
  given: Lookup | undefined,
): Lookup {
  const ours = (address: unknown): boolean =>
    typeof address === "string" && isIPv4(address) && isStacks(network, address, port);
  return (host, options, done) => {
    const lookup = given ?? (dns.lookup as unknown as Lookup);
    lookup(host, options, (error, result, family) => {
      const all = Array.isArray(result) ? (result as { address?: unknown }[]) : null;
      const found = all?.find((one) => ours(one?.address));
      const take = found !== undefined || (all === null && ours(result));
      if ((error !== null && error !== undefined) || !take || !socket.connecting)
        return done(error, result, family);
      exchangeHandle(socket, new StreamHandle(network));
      done(error, all === null ? result : [found], family);
    });
  };
}

function patchReset(): void {
  const sockets = socketMethods();
  const original = sockets.resetAndDestroy;
  replace(sockets, "resetAndDestroy", function resetAndDestroy(this: InnerSocket) {
    if (!(this._handle instanceof StreamHandle)) return original.call(this);
    if (this.connecting) this.once("connect", () => this._reset());
    else this._reset();
    return this;
  });
}

// ---- listen ---------------------------------------------------------------------------------------

function patchListen(traffic: Traffic): void {
  const { network } = traffic;
  const servers = serverMethods();
  const setUp = servers._listen2;
  replace(
    servers,
    "_listen2",
    function setupListenHandle(this: InnerServer, address, port, family, backlog, fd, flags) {
      const host = this._handle === null ? listenAddress(address, port, family, fd, flags) : null;
      if (host === null || isOfCluster(this)) {
        return setUp.call(this, address, port, family, backlog, fd, flags);
      }
      if (!network.isolated && isLoopback(parseIpv4(host)!)) {
        traffic.keptLocal(host, port);
        return setUp.call(this, address, port, family, backlog, fd, flags);
      }
      this._handle = new ServerHandle(network, parseIpv4(host) ?? UNSPECIFIED, port);
      return setUp.call(this, host, port, 4, backlog, fd, flags);
    },
  );
  if (!network.isolated) return;
  const listen = servers.listen;
  // a name for the loopback that the kernel would look up, and find in IPv6 first
  replace(servers, "listen", function (this: InnerServer, ...args: unknown[]) {
    return listen.apply(this, args.map(localhostLiterally));
  });
}

/** Where it is to listen on the stack, or null: a path, a descriptor, IPv6. */
function listenAddress(
  address: string | null,
  port: number,
  family: number,
  fd: number | undefined,
  flags = 0,
): string | null {
  if (typeof fd === "number" || typeof port !== "number" || port < 0) return null;
  if ((flags & IPV6_ONLY) !== 0) return null;
  if (!address || (family === 6 && address === "::")) return "0.0.0.0";
  return family === 4 && isIPv4(address) ? address : null;
}

function localhostLiterally(argument: unknown, index: number): unknown {
  if (index === 1 && argument === "localhost") return "127.0.0.1";
  if (index !== 0 || typeof argument !== "object" || argument === null) return argument;
  if ((argument as { host?: unknown }).host !== "localhost") return argument;
  return Object.create(argument, { host: { value: "127.0.0.1", enumerable: true } }) as object;
}

/** Of the primary of a cluster, for its workers: connections go to them as descriptors, which a stack's have none. */
function isOfCluster(server: InnerServer): boolean {
  const [listener, another] = server.listeners("connection");
  return listener?.name === "fail" && another === undefined;
}
