/**
 * What a socket offers beyond `net.Socket`: options of the connection, soft errors, urgent data. A wish from before the
 * connection waits for it.
 */
import type { Endpoint } from "../tcp/endpoint.ts";
import { EVENT_SOFT_ERROR, EVENT_URGENT } from "../tcp/endpoint.ts";
import { AddressedSocket } from "./addressed-socket.ts";
import { outOfRange, systemError } from "./errors.ts";
import { callLate } from "./socket-support.ts";

interface Wishes {
  userTimeout?: number;
  userTimeoutOffer?: number;
  typeOfService?: number;
  notSentLowat?: number;
  congestionControl?: string;
}

export class TunedSocket extends AddressedSocket {
  #wishes: Wishes | null = null;
  /** @internal The chunk behind whose end the urgent mark belongs. */
  protected _urgentChunk: Uint8Array | null = null;
  /** The peer's urgent mark, as a count of bytes since the start. */
  #urgentMark = 0;

  /** ms without progress after which a connection with data under way fails with ETIMEDOUT; Infinity: never; 0: R2. */
  setUserTimeout(ms: number): this {
    if (!(ms >= 0)) throw outOfRange("ms", "0 or more", ms);
    this.#wish({ userTimeout: ms });
    return this;
  }

  /** Tells the peer how long we shall wait, and heeds its wish (RFC 5482). ms, in whole seconds; 0: not. */
  offerUserTimeout(ms: number): this {
    if (!(ms >= 0 && ms <= 32767 * 60_000)) throw outOfRange("ms", "0 to 1966020000", ms);
    this.#wish({ userTimeoutOffer: ms });
    return this;
  }

  /** The IPv4 field, 0 to 255: DSCP in the upper six bits; the lower two stay the stack's. As in newer Node. */
  setTypeOfService(tos: number): this {
    if (!(Number.isInteger(tos) && tos >= 0 && tos <= 255))
      throw outOfRange("tos", "0 to 255", tos);
    this.#wish({ typeOfService: tos });
    return this;
  }

  /** As set by {@link setTypeOfService}, without the bits of ECN; 0 where nothing was. */
  getTypeOfService(): number {
    return (this.#wishes?.typeOfService ?? 0) & 0xfc;
  }

  /** TCP_NOTSENT_LOWAT: bytes not yet sent above which `write` says that it wants to wait. */
  setNotSentLowat(bytes: number): this {
    if (!(bytes >= 1)) throw outOfRange("bytes", "1 or more", bytes);
    this.#wish({ notSentLowat: bytes });
    return this;
  }

  /** TCP_CONGESTION: `"cubic"`, `"reno"`, `"bbr"` or another that the stack was given. EINVAL for a name it does not know. */
  setCongestionControl(name: string): this {
    this.#wish({ congestionControl: name });
    return this;
  }

  #wish(wish: Wishes): void {
    this.#wishes = { ...this.#wishes, ...wish };
    if (this._endpoint !== null) apply(wish, this._endpoint);
  }

  /** @internal The connection is there. */
  protected _tune(endpoint: Endpoint): void {
    if (this.#wishes !== null) apply(this.#wishes, endpoint);
  }

  /**
   * `write`, with the urgent mark behind the last byte (RFC 9293 §3.8.5, MSG_OOB elsewhere): the peer is told at once, even
   * while windows hold the bytes back. They stay in line. For old protocols such as telnet; new ones do without.
   */
  sendUrgent(data: string | Uint8Array, callback?: (error?: Error | null) => void): boolean {
    // memory of its own, so that the chunk is known again when its turn comes
    const chunk = Buffer.from(data as Uint8Array);
    this._urgentChunk = chunk;
    return callback === undefined ? this.write(chunk) : this.write(chunk, callback);
  }

  /** Bytes from where the program has read to the peer's urgent mark: 0 at the mark, behind it and without one. */
  get urgentAhead(): number {
    return Math.max(0, this.#urgentMark - (this.bytesRead - this.readableLength));
  }

  /**
   * A `connect` listener that comes too late is served on the next tick: `node:tls` takes a `net.Socket`
   * without a handle for one that is still connecting, and would wait for ever.
   */
  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    super.on(event as string, listener as () => void);
    if (event === "connect" && this._opened && !this.destroyed) {
      process.nextTick(callLate, this, listener);
    }
    return this;
  }

  override addListener(event: string | symbol, listener: (...args: never[]) => void): this {
    return this.on(event, listener);
  }

  /** @internal `urgent` (how many bytes ahead the mark is) and `softError` (an Error; nothing ends by it). */
  protected _notice(endpoint: Endpoint, events: number): void {
    if ((events & EVENT_URGENT) !== 0) {
      this.#urgentMark = this.bytesRead + endpoint.urgentAhead;
      this.emit("urgent", this.urgentAhead);
    }
    const soft = endpoint.softError;
    if ((events & EVENT_SOFT_ERROR) === 0 || soft === null) return;
    if (this.listenerCount("softError") === 0) return;
    this.emit("softError", systemError("read", soft.code, undefined, undefined, soft.message));
  }
}

function apply(wish: Wishes, endpoint: Endpoint): void {
  if (wish.userTimeout !== undefined) endpoint.setUserTimeout(wish.userTimeout);
  if (wish.userTimeoutOffer !== undefined) endpoint.offerUserTimeout(wish.userTimeoutOffer);
  if (wish.typeOfService !== undefined) endpoint.setTypeOfService(wish.typeOfService);
  if (wish.notSentLowat !== undefined) endpoint.setNotSentLowat(wish.notSentLowat);
  if (wish.congestionControl !== undefined) endpoint.setCongestionControl(wish.congestionControl);
}
