/** What the socket class stands on: its base, and functions shared by all sockets instead of closures for each. */
import type { BlockList, Socket as NodeSocket } from "node:net";
import { Duplex } from "node:stream";

import type { Endpoint } from "../tcp/endpoint.ts";
import type { ConnectOptions, SocketOptions } from "./arguments.ts";
import { endedByPeer } from "./errors.ts";
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
  chunk: Uint8Array | string;
  readonly encoding: BufferEncoding;
}

// Wishes of the user that wait for the endpoint, and the life of the handle, as bits: one field, not eight.
export const NO_DELAY = 1;
export const KEEP_ALIVE = 2;
export const BY_REFERENCE = 4;
/** `_read` was called and `push` has not refused since. */
export const WANT_DATA = 8;
export const END_PUSHED = 16;
export const UNREF = 32;
/** This socket is counted in the host's liveness. */
export const HELD = 64;
export const RESET = 128;
/** What is written while the connection is opened goes to the endpoint at once, and so with the SYN where that may be. */
export const FAST_OPEN = 256;
/** A write waits for the connection. */
export const WRITE_WAITS = 512;

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
  readonly bufferSize: number;
  /** Node's own, though not in its documentation. */
  readonly _bytesDispatched: number;
  _unrefTimer(): void;
  blockList?: BlockList;
}

export const Base: new (options: object) => NetSocket = Duplex as unknown as new (
  options: object,
) => NetSocket;

export function streamOptions(options: SocketOptions): object {
  const { allowHalfOpen, highWaterMark, readableHighWaterMark, writableHighWaterMark } = options;
  const marks = { highWaterMark, readableHighWaterMark, writableHighWaterMark };
  return { allowHalfOpen: Boolean(allowHalfOpen), decodeStrings: false, ...marks };
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

export function abort(endpoint: Endpoint): void {
  endpoint.abort();
}

export function endLate(socket: TcpSocket): void {
  socket._pushEnd();
}

export function drainLate(socket: TcpSocket): void {
  socket._drain();
}

export function destroyWith(socket: NetSocket, error: Error | null): void {
  socket.destroy(error ?? undefined);
}

export function emitPlainClose(socket: NetSocket): void {
  socket.emit("close");
}

/** What was being written is told so before, and as in Node without an error: nobody knows what became of it. */
export function emitClose(socket: NetSocket, hadError: boolean, done: StreamCallback | null): void {
  done?.();
  socket.emit("close", hadError);
}

export function emitTimeout(socket: TcpSocket): void {
  socket.emit("timeout");
}

export function callLate(socket: NetSocket, listener: () => void): void {
  if (!socket.destroyed && !socket.connecting) listener.call(socket);
}

export function refuseWrites(this: TcpSocket): void {
  if (!this.allowHalfOpen) this.write = writeAfterPeerEnd as typeof this.write;
}

/** Another connection, another peer. */
export function allowWrites(socket: TcpSocket): void {
  if (socket.write === (writeAfterPeerEnd as typeof socket.write))
    Reflect.deleteProperty(socket, "write");
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
