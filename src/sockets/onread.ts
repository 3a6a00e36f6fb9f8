/**
 * Reading without a stream: what arrives goes to a callback, in the user's own buffer as with `net.Socket`'s `onread`, or,
 * where no buffer is given, in memory that is lent for the length of the call: then nothing is copied at all.
 */
import type { TcpSocket } from "./tcp-socket.ts";

/** `onread` of a socket: what arrives goes to a function and not through the stream. */
export interface OnReadOptions {
  /** Filled again for each call, or asked for anew; left out: `callback` is lent the memory as it lies. */
  buffer?: Uint8Array | (() => Uint8Array) | undefined;
  /** Bytes `buffer[0 .. nread)`; returning `false` stops reading until `socket.resume()`. */
  callback(this: TcpSocket, nread: number, buffer: Uint8Array): boolean | void;
}

/** As in Node, what is not of this form is passed over. */
export function isOnRead(value: unknown): value is OnReadOptions {
  if (typeof value !== "object" || value === null) return false;
  const { buffer, callback } = value as { buffer?: unknown; callback?: unknown };
  const mine = buffer === undefined || buffer instanceof Uint8Array || typeof buffer === "function";
  return mine && typeof callback === "function";
}

export class OnRead {
  stopped = false;
  /** Of a chunk whose user said stop before it was all handed over. */
  rest: Uint8Array | null = null;
  readonly #options: OnReadOptions;

  constructor(options: OnReadOptions) {
    this.#options = options;
  }

  /** Calls back once, or as often as the user's buffer is too small. */
  deliver(socket: TcpSocket, chunk: Uint8Array): void {
    const { buffer } = this.#options;
    if (buffer === undefined) {
      this.#call(socket, chunk.length, chunk);
      return;
    }
    for (let at = 0; at < chunk.length && !socket.destroyed;) {
      if (this.stopped) {
        this.rest = chunk.slice(at);
        return;
      }
      const room = typeof buffer === "function" ? buffer() : buffer;
      const n = Math.min(room.length, chunk.length - at);
      if (n === 0) throw new RangeError("onread.buffer has no room: give one of at least 1 byte");
      room.set(chunk.subarray(at, at + n));
      at += n;
      this.#call(socket, n, room);
    }
  }

  #call(socket: TcpSocket, nread: number, buffer: Uint8Array): void {
    if (this.#options.callback.call(socket, nread, buffer) === false) this.stopped = true;
  }
}
