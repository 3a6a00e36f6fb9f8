/** Exceptions are for a caller's mistake or a broken invariant of ours; what a peer does is a value. */

/** Codes are Node's (`errno` names), so that a program written for `node:net` handles ours as it is. */
export type ErrorCode =
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ECONNABORTED"
  | "ETIMEDOUT"
  | "EPIPE"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EHOSTUNREACH"
  | "ENETUNREACH"
  | "ENETDOWN"
  | "EMSGSIZE"
  | "ENOBUFS"
  | "EISCONN"
  | "ENOTCONN"
  | "EINVAL"
  | "EACCES";

/** How a connection failed: what a peer or the network did, so a value; an Error with its trace would cost 10 us. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A caller's mistake. */
export class StackError extends Error implements Failure {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.name = "StackError";
    this.code = code;
  }
}

/** One line for an error that nobody foresaw: its message, without a stack trace. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0]!;
}

/** Makes a `switch` over a union fail to compile when a member is added. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${String(value)}`);
}

/** A broken invariant is our fault, never the peer's. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${what}`);
}
