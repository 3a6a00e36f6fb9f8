/**
 * Errors as `node:net` makes them: `code`, negative `errno`, `syscall`, `address`, `port` and the usual
 * message forms, so that a program which inspects them need not know whose socket it holds.
 */
import { constants } from "node:os";
import { format, getSystemErrorMap, inspect } from "node:util";

export interface SystemError extends Error {
  code: string;
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

export function errnoOf(code: string): number {
  const table: Readonly<Record<string, number>> = constants.errno;
  return -(table[code] ?? constants.errno.EIO);
}

function decorate(
  message: string,
  syscall: string,
  code: string,
  address: string | undefined,
  port: number | undefined,
  cause: unknown,
): SystemError {
  // as Node's: what the network did has no place in the program, and finding one costs 10 us
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new Error(message, cause === undefined ? undefined : { cause }) as SystemError;
  Error.stackTraceLimit = limit;
  // in Node's order, as they are printed
  if (syscall === "listen") error.code = code;
  error.errno = errnoOf(code);
  error.code = code;
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port !== undefined && port !== 0) error.port = port;
  return error;
}

/** ` 192.0.2.2:80`; a port of 0 is none. */
function place(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return "";
  return port === undefined || port === 0 ? ` ${address}` : ` ${address}:${port}`;
}

/** `connect ECONNREFUSED 192.0.2.2:80`, or `read ECONNRESET` without an address. */
export function systemError(
  syscall: string,
  code: string,
  address?: string,
  port?: number,
  cause?: unknown,
): SystemError {
  const message = `${syscall} ${code}${place(address, port)}`;
  return decorate(message, syscall, code, address, port, cause);
}

/** `connect EADDRNOTAVAIL 192.0.2.2:80 - Local (192.0.2.1:4000)`: failed where the local end was known. */
export function localError(
  code: string,
  to: { host: string; port: number },
  local: string,
  cause?: unknown,
): SystemError {
  const message = `connect ${code}${place(to.host, to.port)} - Local (${local})`;
  return decorate(message, "connect", code, to.host, to.port, cause);
}

/** `listen EADDRINUSE: address already in use 192.0.2.1:80`: the form Node uses for servers. */
export function listenError(
  code: string,
  address: string,
  port: number,
  cause?: unknown,
): SystemError {
  const text = getSystemErrorMap().get(errnoOf(code))?.[1] ?? "unknown error";
  const message = `listen ${code}: ${text}${place(address, port)}`;
  return decorate(message, "listen", code, address, port, cause);
}

type ErrorClass = new (message: string) => Error;

function coded(kind: ErrorClass, code: string, message: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new kind(message);
  error.code = code;
  // The stack's first line reads `TypeError [CODE]: …` in Node, too.
  const name = error.name;
  error.name = `${name} [${code}]`;
  void error.stack;
  error.name = name;
  return error;
}

function received(value: unknown): string {
  if (value === null || value === undefined) return `Received ${String(value)}`;
  if (typeof value === "function") return `Received function ${value.name}`;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    if (name !== undefined && name !== "") return `Received an instance of ${name}`;
    return `Received ${inspect(value, { depth: -1 })}`;
  }
  let shown = inspect(value, { colors: false });
  if (shown.length > 28) shown = `${shown.slice(0, 25)}...`;
  return `Received type ${typeof value} (${shown})`;
}

export function invalidArgType(name: string, expected: string, value: unknown): Error {
  const what = name.includes(".") ? "property" : "argument";
  const message = `The "${name}" ${what} must be ${expected}. ${received(value)}`;
  return coded(TypeError, "ERR_INVALID_ARG_TYPE", message);
}

export function invalidArgValue(name: string, value: unknown, why: string): Error {
  const what = name.includes(".") ? "property" : "argument";
  const message = `The ${what} '${name}' ${why}. Received ${inspect(value)}`;
  return coded(TypeError, "ERR_INVALID_ARG_VALUE", message);
}

export function badPort(name: string, value: unknown): Error {
  const message = `${name} should be >= 0 and < 65536. ${received(value)}.`;
  return coded(RangeError, "ERR_SOCKET_BAD_PORT", message);
}

export function outOfRange(name: string, range: string, value: unknown): Error {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`;
  return coded(RangeError, "ERR_OUT_OF_RANGE", message);
}

export function missingArgs(what: string): Error {
  return coded(TypeError, "ERR_MISSING_ARGS", `The ${what} argument must be specified`);
}

export function socketClosed(): Error {
  return coded(Error, "ERR_SOCKET_CLOSED", "Socket is closed");
}

/** What a write is told that waited for a connection which never came. */
export function closedBeforeConnection(): Error {
  const message = "Socket closed before the connection was established";
  return coded(Error, "ERR_SOCKET_CLOSED_BEFORE_CONNECTION", message);
}

export function invalidIpAddress(text: unknown): Error {
  return coded(TypeError, "ERR_INVALID_IP_ADDRESS", format("Invalid IP address: %s", text));
}

export function invalidAddressFamily(family: unknown, host: unknown, port: unknown): Error {
  const message = `Invalid address family: ${String(family)} ${String(host)}:${String(port)}`;
  return Object.assign(coded(RangeError, "ERR_INVALID_ADDRESS_FAMILY", message), { host, port });
}

export function ipBlocked(address: string): Error {
  return coded(Error, "ERR_IP_BLOCKED", `IP(${address}) is blocked by net.BlockList`);
}

/** Of a host with several addresses, none of which answered. */
export function allFailed(errors: readonly Error[]): Error {
  const { code } = errors[0] as SystemError;
  return Object.assign(new AggregateError(errors), { code });
}

/** Fields that a foreign object cannot be given; before ES2015 classes were inherited from so. */
export function classNeeded(name: string): Error {
  const message = `net.${name} cannot be called upon an object: inherit with \`class … extends net.${name}\``;
  return coded(TypeError, "ERR_CONSTRUCT_CALL_REQUIRED", message);
}

export function serverAlreadyListening(): Error {
  const message = "Listen method has been called more than once without closing.";
  return coded(Error, "ERR_SERVER_ALREADY_LISTEN", message);
}

export function serverNotRunning(): Error {
  return coded(Error, "ERR_SERVER_NOT_RUNNING", "Server is not running.");
}

/** Node's answer to a write after the peer ended a connection that may not be half-open. */
export function endedByPeer(): Error {
  return coded(Error, "EPIPE", "This socket has been ended by the other party");
}
