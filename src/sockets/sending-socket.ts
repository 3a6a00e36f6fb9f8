/** The writing half of a socket: from the stream's chunks to the connection's memory, and the counts of it. */
import type { Endpoint } from "../tcp/endpoint.ts";
import { closedBeforeConnection, socketClosed, systemError } from "./errors.ts";
import {
  BY_REFERENCE,
  codeOf,
  FAST_OPEN,
  type QueuedChunk,
  type StreamCallback,
  WRITE_WAITS,
} from "./socket-support.ts";
import { TunedSocket } from "./tuned-socket.ts";

export class SendingSocket extends TunedSocket {
  /** Given to `_write`, whether or not the connection has them yet. */
  #bytesGiven = 0;
  /** The chunk being handed over, from where, and those of the same `_writev` behind it. */
  #chunk: Uint8Array | null = null;
  #offset = 0;
  #rest: readonly QueuedChunk[] | null = null;
  #restAt = 0;
  #writeDone: StreamCallback | null = null;

  /** The stream's, called by it. */
  override _write(
    chunk: Uint8Array | string,
    encoding: BufferEncoding,
    callback: StreamCallback,
  ): void {
    const bytes = bytesOf(chunk, encoding);
    this.#begin(bytes, bytes.length, callback);
  }

  /** The stream's, called by it. */
  override _writev(chunks: readonly QueuedChunk[], callback: StreamCallback): void {
    let length = 0;
    for (const queued of chunks) {
      queued.chunk = bytesOf(queued.chunk, queued.encoding);
      length += queued.chunk.length;
    }
    this.#rest = chunks;
    this.#restAt = 1;
    this.#begin(chunks[0]!.chunk as Uint8Array, length, callback);
  }

  #begin(bytes: Uint8Array, length: number, callback: StreamCallback): void {
    if (!this.connecting && !this._live) {
      callback(socketClosed());
      return;
    }
    this.#bytesGiven += length;
    this.#chunk = bytes;
    this.#offset = 0;
    this.#writeDone = callback;
    this._unrefTimer();
    if (!this.connecting || (this._flags & FAST_OPEN) !== 0) {
      this._pump();
      return;
    }
    // among the listeners, so that its callback comes in their order as it does in Node
    this._flags |= WRITE_WAITS;
    this.once("connect", writeNow);
    this.once("close", neverWritten);
  }

  /** @internal The connection stands, or there will be none. */
  _writeWaited(opened: boolean): void {
    if ((this._flags & WRITE_WAITS) === 0) return;
    this._flags &= ~WRITE_WAITS;
    this.off("connect", writeNow);
    this.off("close", neverWritten);
    if (opened) this._pump();
    else this._takeWrite()?.(closedBeforeConnection());
  }

  /** @internal Hands over what fits. The callback comes when all of the write is in the connection's memory. */
  protected _pump(): void {
    const endpoint = this._endpoint;
    if (this.#chunk === null || endpoint === null || (this._flags & WRITE_WAITS) !== 0) return;
    try {
      while (this.#chunk !== null) {
        const space = endpoint.sendSpace;
        if (space <= 0) return;
        this.#handOver(endpoint, this.#chunk, space);
      }
    } catch (cause) {
      // it may be over, and its event not yet told
      const why = endpoint.error ?? cause;
      this._writeFailed(systemError("write", codeOf(why), undefined, undefined, why));
      return;
    }
    this._unrefTimer();
    const done = this.#writeDone;
    this.#writeDone = null;
    done?.();
  }

  #handOver(endpoint: Endpoint, chunk: Uint8Array, space: number): void {
    const left = chunk.length - this.#offset;
    const urgent = chunk === this._urgentChunk;
    let taken = left;
    if (urgent && left <= space) {
      endpoint.sendUrgent(this.#offset === 0 ? chunk : chunk.subarray(this.#offset));
      this._urgentChunk = null;
    } else if (!urgent && (this._flags & BY_REFERENCE) !== 0) {
      if (left > 0) endpoint.send(chunk);
    } else {
      // In pieces: a copy of the whole of a large write would double the memory.
      taken = Math.min(left, space);
      const whole = taken === chunk.length;
      if (taken > 0) {
        endpoint.sendCopy(whole ? chunk : chunk.subarray(this.#offset, this.#offset + taken));
      }
    }
    this.#offset += taken;
    if (this.#offset < chunk.length) {
      // a long write that gets on is no idle time
      this._unrefTimer();
      return;
    }
    this.#offset = 0;
    this.#chunk = (this.#rest?.[this.#restAt++]?.chunk as Uint8Array | undefined) ?? null;
    if (this.#chunk === null) this.#rest = null;
  }

  /** @internal A write is not yet with the connection. */
  protected get _writing(): boolean {
    return this.#chunk !== null;
  }

  /** @internal */
  protected _writeFailed(error: Error): void {
    const done = this._takeWrite();
    if (done === null) this.destroy(error);
    else done(error);
  }

  /** @internal Forgets the write under way and gives back its callback; one that waits for the connection is left. */
  protected _takeWrite(): StreamCallback | null {
    if ((this._flags & WRITE_WAITS) !== 0) return null;
    const done = this.#writeDone;
    this.#writeDone = null;
    this.#chunk = null;
    this.#rest = null;
    return done;
  }

  /** @internal For another connection of the same socket. */
  protected _forgetSent(): void {
    this.#bytesGiven = 0;
  }

  /** The stream's, called by it. */
  override _final(callback: StreamCallback): void {
    if (this.pending) {
      this.once("connect", () => this._final(callback));
      return;
    }
    this._endpoint?.shutdown();
    process.nextTick(callback);
  }

  override get bytesWritten(): number {
    let bytes = this.#bytesGiven;
    if (this.writableLength === 0) return bytes;
    for (const { chunk, encoding } of (this as unknown as Buffering).writableBuffer)
      bytes += typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.length;
    return bytes;
  }

  override get _bytesDispatched(): number {
    return this.#bytesGiven;
  }
}

/** What waits in the stream before `_write`. */
interface Buffering {
  readonly writableBuffer: readonly QueuedChunk[];
}

function bytesOf(chunk: Uint8Array | string, encoding: BufferEncoding): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
}

function writeNow(this: SendingSocket): void {
  this._writeWaited(true);
}

function neverWritten(this: SendingSocket): void {
  this._writeWaited(false);
}
