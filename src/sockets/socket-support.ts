/** What the socket class stands on: its base, and functions shared by all sockets instead of closures for each. */
import type { Socket as NodeSocket } from "node:net";
import { Duplex } from "node:stream";

import type { Failure } from "../base/errors.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { ConnectOptions, SocketOptions } from "./arguments.ts";
import { endedByPeer, invalidArgType, outOfRange, systemError } from "./errors.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** As of `setKeepAlive` of newer Nodes; times in ms. */
export interface KeepAliveOptions {
  enable?: boolean | undefined;
  /** ms, as in Node. */
  initialDelay?: number | undefined;
  interval?: number | undefined;
  count?: number | undefined;
}

export type StreamCallback = (error?: Error | null) => void;
export interface QueuedChunk {
  readonly chunk: Uint8Array;
}

/** Said again in an interface, since only an interface's property may become an accessor below. */
export interface NetSocket extends NodeSocket {
  readonly pending: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly localFamily?: string;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
}

export const Base: new (options: object) => NetSocket = Duplex as unknown as new (
  options: object,
) => NetSocket;

export function streamOptions(options: SocketOptions): object {
  const { allowHalfOpen, highWaterMark, readableHighWaterMark, writableHighWaterMark } = options;
  const marks = { highWaterMark, readableHighWaterMark, writableHighWaterMark };
  return { allowHalfOpen: allowHalfOpen === true, ...marks };
}

export function positive(ms: number | undefined): number | undefined {
  return ms !== undefined && ms > 0 ? ms : undefined;
}

export function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  if (typeof code !== "string") throw cause;
  return code;
}

/** Nothing of ours is under way any more: the peer has it, or nobody will. */
export function isOver(endpoint: Endpoint): boolean {
  const { state } = endpoint;
  return state === "CLOSED" || state === "TIME-WAIT" || state === "FIN-WAIT-2";
}

// Shared functions instead of closures per socket.
export function openTo(socket: TcpSocket, host: string, options: ConnectOptions): void {
  socket._open(host, options);
}

export function drainLate(socket: TcpSocket): void {
  socket._drain();
}

export function emitClose(socket: TcpSocket, hadError: boolean): void {
  socket.emit("close", hadError);
}

export function emitTimeout(socket: TcpSocket): void {
  socket.emit("timeout");
}

export function callLate(socket: NetSocket, listener: () => void): void {
  if (!socket.destroyed) listener.call(socket);
}

export function refuseWrites(this: TcpSocket): void {
  this.write = writeAfterPeerEnd as typeof this.write;
}

export function writeAfterPeerEnd(
  this: TcpSocket,
  chunk: unknown,
  encoding?: unknown,
  callback?: unknown,
): boolean {
  if (!this.writableEnded) {
    return Duplex.prototype.write.call(this, chunk, encoding as BufferEncoding, callback as never);
  }
  const error = endedByPeer();
  const done = typeof encoding === "function" ? encoding : callback;
  if (typeof done === "function") process.nextTick(done as () => void, error);
  this.destroy(error);
  return false;
}

/** How the connection failed, in Node's form; only a connect names its target. */
export function failure(
  syscall: "connect" | "read" | "write",
  reason: Failure,
  target: { host: string; port: number } | null,
): Error {
  const { code, message } = reason;
  if (syscall !== "connect") return systemError(syscall, code, undefined, undefined, message);
  return systemError(syscall, code, target?.host, target?.port, message);
}

export function checkTimeout(ms: unknown, callback: unknown): void {
  if (typeof ms !== "number") throw invalidArgType("msecs", "of type number", ms);
  if (!(ms >= 0 && ms < Infinity)) throw outOfRange("msecs", "a non-negative finite number", ms);
  if (callback !== undefined && typeof callback !== "function") {
    throw invalidArgType("callback", "of type function", callback);
  }
}
