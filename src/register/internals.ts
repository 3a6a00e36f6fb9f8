/**
 * What of Node's inside the preload stands on, all in one place: the native stream that is driven from JavaScript (`node:tls`
 * and `node:http2` use it for streams that are no sockets), and how a socket takes another handle (it does so itself when
 * it tries one address after the other). A Node that lacks one of them is refused at the start.
 */
import net from "node:net";
import type { Failure } from "../base/errors.ts";
import { errnoOf, systemError } from "../sockets/errors.ts";

/** A request of Node's to write, to shut down or to connect; only handed back. */
export type Request = object;

/** The native class JSStream: calls `onwrite` and the like on itself, and is told of what arrives. */
export interface NativeStream {
  readonly bytesRead: number;
  finishWrite(request: Request, status: number): void;
  finishShutdown(request: Request, status: number): void;
  /** Copies the bytes to whoever reads. */
  readBuffer(bytes: Uint8Array): void;
  emitEOF(): void;
}

/** What `connect` of a handle is given. */
export interface ConnectRequest {
  oncomplete: (
    this: ConnectRequest,
    status: number,
    handle: object,
    request: ConnectRequest,
    readable: boolean,
    writable: boolean,
  ) => void;
}

/** What `net.Socket` and `net.Server` have beside what is documented. */
export interface InnerSocket extends net.Socket {
  _handle: object | null;
  _parent?: { connecting: boolean } | null;
  _peername: unknown;
  _sockname: unknown;
  _undestroy(): void;
  _reset(): void;
  encrypted?: boolean;
}

export interface InnerServer extends net.Server {
  _handle: object | null;
}

export type Normalized = [options: Record<string, unknown>, callback: unknown];

interface Internals {
  binding?: (name: string) => unknown;
}

function missing(what: string): Error {
  return new Error(
    `this Node (${process.version}) lacks ${what}, which tuntcp/register stands on: use Node 20 to 26`,
  );
}

function nativeStream(): new () => NativeStream {
  const found = (process as Internals).binding?.("js_stream") as
    { JSStream?: new () => NativeStream } | undefined;
  if (typeof found?.JSStream !== "function") throw missing("JSStream");
  return found.JSStream;
}

function symbolOf(holder: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(holder).find((symbol) => symbol.description === name);
}

export const NativeStream: new () => NativeStream = nativeStream();

const OWNER = "owner_symbol";
const REINITIALIZE = symbolOf(net.Socket.prototype, "kReinitializeHandle");

/** Gives the socket another handle, and closes the one it had. */
export function giveHandle(socket: InnerSocket, handle: object): void {
  const give = (socket as unknown as Record<symbol, (handle: object) => void>)[REINITIALIZE!];
  if (give === undefined) throw missing("kReinitializeHandle");
  give.call(socket, handle);
  // under TLS the socket's own handle is a wrap around this one
  const owner = symbolOf(socket._handle!, OWNER);
  if (owner !== undefined) (handle as Record<symbol, unknown>)[owner] = socket;
}

interface Referenced {
  hasRef(): boolean;
  unref(): void;
}

/** As {@link giveHandle}, for a socket that may have been written to or ended meanwhile: that stays. */
export function exchangeHandle(socket: InnerSocket, handle: Referenced): void {
  const old = socket._handle as Partial<Referenced> | null;
  if (old?.hasRef?.() === false) handle.unref();
  socket._undestroy = () => {};
  try {
    giveHandle(socket, handle);
  } finally {
    delete (socket as Partial<InnerSocket>)._undestroy;
  }
}

/** `(options, cb)`, `(port, host, cb)`, `(path, cb)` in one form; a list that has it stays as it is. */
export function normalized(args: unknown[]): Normalized {
  if (Array.isArray(args[0])) return args[0] as unknown as Normalized;
  const normalize = (net as unknown as { _normalizeArgs?: (args: unknown[]) => Normalized })
    ._normalizeArgs;
  if (normalize === undefined) throw missing("net._normalizeArgs");
  return normalize(args);
}

export function checkInternals(): void {
  if (REINITIALIZE === undefined) throw missing("kReinitializeHandle");
  normalized([]);
  if (typeof (net.Server.prototype as unknown as { _listen2?: unknown })._listen2 !== "function")
    throw missing("net.Server.prototype._listen2");
}

interface Destroyable {
  destroy(error: Error): unknown;
}

/** The socket whose handle it is. */
export function ownerOf(handle: object): Destroyable | null {
  const symbol = symbolOf(handle, OWNER);
  return symbol === undefined
    ? null
    : ((handle as Record<symbol, unknown>)[symbol] as Destroyable | null);
}

/** Negative, as libuv's calls return it. Throws what is no error of the network's. */
export function statusOf(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") throw error;
  return errnoOf(code);
}

export function readError(failure: Failure): Error {
  return systemError("read", failure.code, undefined, undefined, failure.message);
}
