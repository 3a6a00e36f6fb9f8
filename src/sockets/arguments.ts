/** The many forms in which `node:net` takes arguments, brought to one form each, checked as Node does. */
import type { BlockList, LookupFunction } from "node:net";

import type { Ipv4Address } from "../wire/address.ts";
import { parseIpv4 } from "../wire/address.ts";
import { invalidArgValue } from "./errors.ts";
import type { OnReadOptions } from "./onread.ts";
import { checkFastOpenLimit, checkPort, checkSignal, rejectUnsupported } from "./validate.ts";

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
  /** Addresses that are not connected to, as newer Node has it. */
  blockList?: BlockList | undefined;
}

/** As of `net.connect`, for TCP over IPv4. */
export interface ConnectOptions extends SocketOptions {
  port: number | string;
  host?: string | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
  /** For the lookup of `host`: 4, 6 or 0 for both; connections are IPv4 in any case. */
  family?: number | "IPv4" | "IPv6" | undefined;
  hints?: number | undefined;
  /** Every address of `host` is tried in turn. Default: `getDefaultAutoSelectFamily()`. */
  autoSelectFamily?: boolean | undefined;
  /** ms for each address but the last. Default: `getDefaultAutoSelectFamilyAttemptTimeout()`. */
  autoSelectFamilyAttemptTimeout?: number | undefined;
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
  /** Taken and without effect: a listener is never shared between processes here. */
  exclusive?: boolean | undefined;
}

export type Callback = () => void;
export type Options = Record<string, unknown>;

function toNumber(text: unknown): number | false {
  const n = Number(text);
  return n >= 0 && n;
}

/** Node's rule: a text that is no number of 0 or more is a path. */
function isPath(value: unknown): value is string {
  return typeof value === "string" && toNumber(value) === false;
}

/** `(options, …, cb)`, `(path, …, cb)`, `(port, host, …, cb)`; what stands between is passed over. */
export function normalizeArguments(args: readonly unknown[]): [Options, Callback | null] {
  const first = args[0];
  const last = args.at(-1);
  const callback = typeof last === "function" ? (last as Callback) : null;
  if (typeof first === "object" && first !== null) return [first as Options, callback];
  if (isPath(first)) return [{ path: first }, callback];
  const options: Options = args.length === 0 ? {} : { port: first };
  if (typeof args[1] === "string") options["host"] = args[1];
  return [options, callback];
}

/** `(handle, backlog)`, `(port, backlog)` or `(port, host, backlog)`. */
function backlogOf(args: readonly unknown[]): number | undefined {
  const second = args.length > 1 && toNumber(args[1]);
  return second || (args.length > 2 && toNumber(args[2])) || undefined;
}

/** No port was given, or none in particular: one is drawn. */
function isDrawn(args: readonly unknown[], options: Options): boolean {
  if (args.length === 0 || typeof args[0] === "function") return true;
  return options["port"] === null || ("port" in options && options["port"] === undefined);
}

/** `(port, host, backlog)` with any tail left out, `(options)`, `()`. */
export function listenOptions(args: readonly unknown[], given: Options): ListenOptions {
  const options = { ...given };
  if (options["signal"] !== undefined) checkSignal(options["signal"], "options.signal");
  rejectUnsupported({ fd: options["fd"] });
  const port = isDrawn(args, options) ? 0 : options["port"];
  if (typeof port === "number" || typeof port === "string") {
    const checked = checkPort(port, "options.port");
    if (options["ipv6Only"] === true)
      throw invalidArgValue("options.ipv6Only", true, "is not supported: IPv4 only");
    checkFastOpenLimit(options["fastOpen"]);
    const backlog = (options["backlog"] as number) || backlogOf(args);
    return { ...options, port: checked, backlog };
  }
  rejectUnsupported(options);
  const why = "port" in options || "path" in options ? "is invalid" : NO_PORT;
  throw invalidArgValue("options", given, why);
}

const NO_PORT = 'must have the property "port" or "path"';

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
