/** Checks of arguments that fail with the codes and messages of `node:net`. */
import { BlockList, isIP, isIPv4 } from "node:net";

import {
  badPort,
  invalidArgType,
  invalidArgValue,
  invalidIpAddress,
  missingArgs,
  outOfRange,
} from "./errors.ts";

/** A port in 0..65535 from a number or a numeric text; throws ERR_SOCKET_BAD_PORT. */
export function checkPort(value: unknown, name: string): number {
  const isText = typeof value === "string" && value.trim() !== "";
  const port = typeof value === "number" || isText ? Number(value) : -1;
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw badPort(name, value);
  return port;
}

export function checkNumber(value: unknown, name: string): void {
  if (typeof value !== "number") throw invalidArgType(name, "of type number", value);
}

function checkFunction(value: unknown, name: string): void {
  if (typeof value !== "function") throw invalidArgType(name, "of type function", value);
}

export function checkBoolean(value: unknown, name: string): void {
  if (typeof value !== "boolean") throw invalidArgType(name, "of type boolean", value);
}

export function checkSignal(value: unknown, name: string): asserts value is AbortSignal {
  if (!(typeof value === "object" && value !== null && "aborted" in value))
    throw invalidArgType(name, "an instance of AbortSignal", value);
}

/** ms of `setTimeout`; what the timer does not take is its longest, with Node's warning. */
export function checkTimeout(ms: unknown): number {
  checkNumber(ms, "msecs");
  const time = ms as number;
  if (!(time >= 0 && time < Infinity))
    throw outOfRange("msecs", "a non-negative finite number", time);
  if (time <= 0x7fffffff) return time;
  process.emitWarning(
    `${time} does not fit into a 32-bit signed integer.\nTimer duration was truncated to 2147483647.`,
    "TimeoutOverflowWarning",
  );
  return 0x7fffffff;
}

export function checkCallback(callback: unknown): asserts callback is () => void {
  checkFunction(callback, "callback");
}

/** Of a socket and of a server. */
export function checkKeepAliveDelay(value: unknown): void {
  if (value !== undefined) checkNumber(value, "options.keepAliveInitialDelay");
}

export function checkBlockList(list: unknown): void {
  if (list === undefined || list === null || list instanceof BlockList) return;
  throw invalidArgType("options.blockList", "an instance of net.BlockList", list);
}

/** What a socket's constructor refuses. */
export function checkSocketOptions(options: Readonly<Record<string, unknown>>): void {
  for (const name of ["objectMode", "readableObjectMode", "writableObjectMode"]) {
    const value = options[name];
    if (value) throw invalidArgValue(`options.${name}`, value, "is not supported");
  }
  checkKeepAliveDelay(options["keepAliveInitialDelay"]);
  checkBlockList(options["blockList"]);
}

export function rejectUnsupported(options: Readonly<Record<string, unknown>>): void {
  const { path, fd } = options;
  if (typeof path === "string" && path !== "")
    throw invalidArgValue("options.path", path, "is not supported: no local sockets");
  if (typeof fd === "number" && fd >= 0)
    throw invalidArgValue("options.fd", fd, "is not supported: no file descriptors");
}

function checkAttemptTimeout(ms: unknown): void {
  const name = "options.autoSelectFamilyAttemptTimeout";
  checkNumber(ms, name);
  if (!Number.isInteger(ms)) throw outOfRange(name, "an integer", ms);
  if (!((ms as number) >= 1 && (ms as number) <= 0x7fffffff))
    throw outOfRange(name, ">= 1 && <= 2147483647", ms);
}

function checkRoute(route: unknown): void {
  if (route === undefined || (Array.isArray(route) && route.every(isIPv4))) return;
  throw invalidArgValue("options.sourceRoute", route, "must be a list of IPv4 addresses");
}

/** There is a target: what Node asks before anything else. */
export function checkTarget(options: Readonly<Record<string, unknown>>): void {
  if (options["port"] === undefined && (options["path"] ?? null) === null)
    throw missingArgs('"options" or "port" or "path"');
  rejectUnsupported(options);
}

/** Options of `connect`, in Node's order. */
export function checkConnect(options: Readonly<Record<string, unknown>>): void {
  const { localAddress, localPort, port, autoSelectFamily, lookup, host, fastOpen } = options;
  if (Boolean(localAddress) && isIP(localAddress as string) === 0)
    throw invalidIpAddress(localAddress);
  if (localPort) {
    checkNumber(localPort, "options.localPort");
    checkPort(localPort, "options.localPort");
  }
  if (typeof port !== "number" && typeof port !== "string")
    throw invalidArgType("options.port", "one of type number or string", port);
  checkPort(port, "Port");
  if ((autoSelectFamily ?? null) !== null)
    checkBoolean(autoSelectFamily, "options.autoSelectFamily");
  const attemptTimeout = options["autoSelectFamilyAttemptTimeout"];
  if ((attemptTimeout ?? null) !== null) checkAttemptTimeout(attemptTimeout);
  if ((lookup ?? null) !== null && isIP(String(host)) === 0)
    checkFunction(lookup, "options.lookup");
  checkRoute(options["sourceRoute"]);
  if (fastOpen !== undefined) checkBoolean(fastOpen, "options.fastOpen");
}

export function checkFastOpenLimit(limit: unknown): void {
  if (limit === undefined || (Number.isInteger(limit) && (limit as number) >= 0)) return;
  throw invalidArgValue("options.fastOpen", limit, "must be a whole number, 0 or more");
}
