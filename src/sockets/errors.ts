/**
 * Errors as `node:net` makes them: `code`, negative `errno`, `syscall`, `address`, `port` and the usual
 * message forms, so that a program which inspects them need not know whose socket it holds.
 */
import { constants } from "node:os";
import { getSystemErrorMap, inspect } from "node:util";

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
  error.errno = errnoOf(code);
  error.code = code;
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port !== undefined) error.port = port;
  return error;
}

/** `connect ECONNREFUSED 192.0.2.2:80`, or `read ECONNRESET` without an address. */
export function systemError(
  syscall: string,
  code: string,
  address?: string,
  port?: number,
  cause?: unknown,
): SystemError {
  const where = address === undefined ? "" : ` ${address}${port === undefined ? "" : `:${port}`}`;
  return decorate(`${syscall} ${code}${where}`, syscall, code, address, port, cause);
}

/** `listen EADDRINUSE: address already in use 192.0.2.1:80`: the form Node uses for servers. */
export function listenError(
  code: string,
  address: string,
  port: number,
  cause?: unknown,
): SystemError {
  const text = getSystemErrorMap().get(errnoOf(code))?.[1] ?? "unknown error";
  const message = `listen ${code}: ${text} ${address}:${port}`;
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
    return `Received an instance of ${value.constructor?.name ?? "Object"}`;
  }
  return `Received type ${typeof value} (${inspect(value)})`;
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

export function streamDestroyed(): Error {
  const message = "Cannot call write after a stream was destroyed";
  return coded(Error, "ERR_STREAM_DESTROYED", message);
}
