/** The many forms in which `node:net` takes arguments, brought to one form each, checked as Node does. */
import { lookup as dnsLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { isIP, isIPv4 } from "node:net";

import type { Ipv4Address } from "../wire/address.ts";
import { parseIpv4 } from "../wire/address.ts";
import { badPort, invalidArgType, invalidArgValue, missingArgs } from "./errors.ts";
import type { OnReadOptions } from "./onread.ts";

/** Options of a socket, whether it is made by the user, by `connect` or by a server. */
export interface SocketOptions {
  /** False (the default): our side ends when the peer's does. */
  allowHalfOpen?: boolean | undefined;
  signal?: AbortSignal | undefined;
  highWaterMark?: number | undefined;
  readableHighWaterMark?: number | undefined;
  writableHighWaterMark?: number | undefined;
  noDelay?: boolean | undefined;
  keepAlive?: boolean | undefined;
  /** ms of silence before the first probe. */
  keepAliveInitialDelay?: number | undefined;
  /** Bytes go to the stack without a copy; they must not change until the peer acknowledged them. */
  sendByReference?: boolean | undefined;
  /** What arrives goes to a callback and not to the stream. */
  onread?: OnReadOptions | undefined;
}

/** As of `net.connect`, for TCP over IPv4. */
export interface ConnectOptions extends SocketOptions {
  port: number | string;
  host?: string | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
  /** IPv4 addresses that the packets are to go through, in order, 1 to 9. */
  sourceRoute?: readonly string[] | undefined;
  /** What is written before `connect` may go with the SYN (TCP_FASTOPEN_CONNECT, RFC 7413). */
  fastOpen?: boolean | undefined;
  /** ms without traffic after which `timeout` is emitted. */
  timeout?: number | undefined;
  lookup?: LookupFunction | undefined;
}

export interface ListenOptions {
  port?: number | string | undefined;
  host?: string | undefined;
  backlog?: number | undefined;
  /** Connections at most that may begin with data and are not yet established (TCP_FASTOPEN); 0: Fast Open is off. */
  fastOpen?: number | undefined;
  /** Every port that no other server has; `port` is without meaning then. */
  anyPort?: boolean | undefined;
  signal?: AbortSignal | undefined;
  lookup?: LookupFunction | undefined;
}

export type Callback = (...args: never[]) => void;

function isPortLike(value: unknown): value is number | string {
  return typeof value === "number" || (typeof value === "string" && /^\s*\d/.test(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A port in 0..65535 from a number or a numeric text; throws ERR_SOCKET_BAD_PORT. */
export function checkPort(value: unknown, name: string): number {
  const isText = typeof value === "string" && value.trim() !== "";
  const port = typeof value === "number" || isText ? Number(value) : -1;
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw badPort(name, value);
  return port;
}

function lastCallback(args: readonly unknown[]): Callback | null {
  const last = args.at(-1);
  return typeof last === "function" ? (last as Callback) : null;
}

function rejectUnsupported(options: Record<string, unknown>): void {
  if (typeof options["path"] === "string") {
    throw invalidArgValue("options.path", options["path"], "is not supported: no local sockets");
  }
  if (typeof options["fd"] === "number" && options["fd"] >= 0) {
    throw invalidArgValue("options.fd", options["fd"], "is not supported: no file descriptors");
  }
  if (options["ipv6Only"] === true || options["family"] === 6) {
    throw invalidArgValue("options.family", 6, "is not supported: IPv4 only");
  }
}

function checkRoute(route: unknown): void {
  if (route === undefined || (Array.isArray(route) && route.every(isIPv4))) return;
  throw invalidArgValue("options.sourceRoute", route, "must be a list of IPv4 addresses");
}

function checkFastOpen(on: unknown): void {
  if (on === undefined || typeof on === "boolean") return;
  throw invalidArgType("options.fastOpen", "of type boolean", on);
}

function checkFastOpenLimit(limit: unknown): void {
  if (limit === undefined || (Number.isInteger(limit) && (limit as number) >= 0)) return;
  throw invalidArgValue("options.fastOpen", limit, "must be a whole number, 0 or more");
}

/** `(options, cb)`, `(port, host, cb)`, `(port, cb)` as for `net.connect`. */
export function connectArguments(args: readonly unknown[]): [ConnectOptions, Callback | null] {
  const first = args[0];
  let options: Record<string, unknown>;
  if (isRecord(first)) {
    options = first;
  } else if (isPortLike(first)) {
    options = { port: first };
    if (typeof args[1] === "string") options["host"] = args[1];
  } else if (typeof first === "string") {
    options = { path: first };
  } else {
    throw missingArgs('"options" or "port" or "path"');
  }
  rejectUnsupported(options);
  const port = options["port"];
  if (port === undefined) throw missingArgs('"options" or "port" or "path"');
  if (typeof port !== "number" && typeof port !== "string") {
    throw invalidArgType("options.port", "one of type number or string", port);
  }
  checkPort(port, "Port");
  const lookup = options["lookup"];
  if (lookup !== undefined && typeof lookup !== "function") {
    throw invalidArgType("options.lookup", "of type function", lookup);
  }
  const local = options["localAddress"];
  if (local !== undefined && (typeof local !== "string" || isIP(local) === 0)) {
    throw invalidArgValue("options.localAddress", local, "must be an IP address");
  }
  checkRoute(options["sourceRoute"]);
  checkFastOpen(options["fastOpen"]);
  if (options["localPort"] !== undefined) checkPort(options["localPort"], "options.localPort");
  return [options as unknown as ConnectOptions, lastCallback(args)];
}

/** `(port, host, backlog, cb)` with any tail left out, `(options, cb)`, `(cb)`, `()`. */
export function listenArguments(args: readonly unknown[]): [ListenOptions, Callback | null] {
  const callback = lastCallback(args);
  const first = args[0];
  let options: Record<string, unknown>;
  if (isRecord(first)) {
    options = first;
    if (options["port"] === undefined && options["path"] === undefined) {
      throw invalidArgValue("options", first, 'must have the property "port"');
    }
  } else if (typeof first === "string" && !isPortLike(first)) {
    options = { path: first };
  } else {
    const hasPort = first !== undefined && first !== null && typeof first !== "function";
    options = { port: hasPort ? first : 0 };
    if (typeof args[1] === "string") options["host"] = args[1];
    const backlog = typeof args[1] === "number" ? args[1] : args[2];
    if (typeof backlog === "number") options["backlog"] = backlog;
  }
  rejectUnsupported(options);
  checkPort(options["port"] ?? 0, "options.port");
  checkFastOpenLimit(options["fastOpen"]);
  return [options as ListenOptions, callback];
}

export type Resolved = (error: Error | null, address: string, family: number) => void;

/** Calls back with one IPv4 address. A literal never comes here. `localhost` asks nobody. */
export function resolveHost(
  host: string,
  lookup: LookupFunction | undefined,
  done: Resolved,
): void {
  if (lookup === undefined) {
    if (host === "localhost") process.nextTick(done, null, "127.0.0.1", 4);
    else dnsLookup(host, { family: 4 }, done);
    return;
  }
  lookup(host, { family: 4, all: false }, (error, address, family) => {
    if (error !== null && error !== undefined) return done(error, "", 0);
    const one = Array.isArray(address) ? address[0] : { address, family: family ?? 4 };
    done(null, one?.address ?? "", one?.family ?? 0);
  });
}

/** `sourceRoute` and `fastOpen` as the stack takes them; the arguments were checked. */
export function wayOf(options: ConnectOptions): {
  sourceRoute?: Ipv4Address[];
  fastOpen?: boolean;
} {
  const { sourceRoute: route, fastOpen } = options;
  return {
    ...(route === undefined ? {} : { sourceRoute: route.map((hop) => parseIpv4(hop)!) }),
    ...(fastOpen === undefined ? {} : { fastOpen }),
  };
}

export function ipv4OrNull(text: string | undefined): Ipv4Address | null {
  return text === undefined ? null : parseIpv4(text);
}
