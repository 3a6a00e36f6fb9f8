/**
 * The user's side of one connection: what `sockets/` (and simulations, scripts, fuzzers) call and hear.
 * None of these calls sends by itself: they mark the connection, and the stack's next `poll(now)` sends.
 */
import type { Failure } from "../base/errors.ts";
import type { Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { TcpInfo } from "./info.ts";
import type { TcpState } from "./state.ts";
import type { Tuning } from "./tuning.ts";

/** Bits of {@link EndpointOwner.onEvents}. */
export const EVENT_ESTABLISHED = 1;
/** In-order bytes wait for `receive`. */
export const EVENT_READABLE = 2;
/** `sendSpace` grew after it had been used up, or everything queued was acknowledged. */
export const EVENT_WRITABLE = 4;
/** The peer's FIN was reached: after what is readable comes the end. */
export const EVENT_PEER_FIN = 8;
/** The connection is over for the user; `error` says how (null: orderly). Always the last event. */
export const EVENT_CLOSED = 16;
/** The urgent pointer came or advanced. */
export const EVENT_URGENT = 32;
/** A soft error is there to be read (`softError`). */
export const EVENT_SOFT_ERROR = 64;
/** Our FIN was acknowledged: everything sent has arrived. */
export const EVENT_FIN_ACKED = 128;

/** Who hears of a connection. */
export interface EndpointOwner {
  /** Called from `poll`, never from within a user call; several events come as one call. */
  onEvents(endpoint: Endpoint, events: number): void;
}

/** One connection. */
export interface Endpoint {
  /** After EVENT_CLOSED "TIME-WAIT" or "CLOSED": the stack lets go of the endpoint, which does not hear of the end of 2 MSL. */
  readonly state: TcpState;
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  owner: EndpointOwner | null;
  /** Why it ended; null while it lives and after an orderly close. */
  readonly error: Failure | null;
  readonly softError: Failure | null;
  /** Payload bytes accepted in order from the peer, and acknowledged by it. */
  readonly bytesReceived: number;
  readonly bytesAcked: number;

  /** The SYN waits a moment for data to take along (Fast Open, with a cookie): what is sent now leaves with it. */
  readonly holdsSyn: boolean;
  /** Bytes that `send` takes before the send buffer is full (it takes a whole chunk while this is > 0). */
  readonly sendSpace: number;
  /** Bytes queued and not yet acknowledged. */
  readonly sendQueued: number;
  /**
   * Queues bytes by reference: they must not change until acknowledged. Throws EPIPE after `shutdown`,
   * ENOTCONN when closed.
   */
  send(chunk: Uint8Array): void;
  /** As `send`, but copies into memory of the connection, joining small writes. */
  sendCopy(chunk: Uint8Array): void;
  /**
   * As `sendCopy`, and the end of these bytes is the urgent mark: the peer hears of it at once, even where windows hold the
   * bytes back (RFC 9293 §3.8.5). The bytes stay in line (RFC 6093 §6). For old protocols; new ones do without (SHLD-13).
   */
  sendUrgent(chunk: Uint8Array): void;

  /** In-order bytes waiting. */
  readonly receiveQueued: number;
  /**
   * Set by an owner that is done with each chunk when its `onEvents` returns: `receive` may then lend the memory that
   * the device reads into, and nothing is copied. What is not received by then is copied after all.
   */
  lends: boolean;
  /**
   * The next chunk in order, or no more than `max` bytes of it, the caller's for good (but see `lends`); null when there is
   * none. Opens the window.
   */
  receive(max?: number): Uint8Array | null;
  /** Bytes from where the user has read to the peer's urgent mark: 0 at the mark, behind it and without one. */
  readonly urgentAhead: number;
  /** True when the peer's FIN was reached and everything before it was received. */
  readonly atEnd: boolean;

  /** No more sending: FIN after what is queued (half-close). Idempotent. */
  shutdown(): void;
  /**
   * The user is gone: FIN after what is queued, or RST where unread data would be lost
   * (RFC 9293 §3.6.1, SHLD-3). No events follow but EVENT_CLOSED.
   */
  close(): void;
  /** RST, everything dropped at once (RFC 9293 §3.10.5). */
  abort(): void;

  /** TCP_NODELAY: short segments do not wait for ACKs (RFC 9293 §3.7.4, MUST-17). */
  setNoDelay(on: boolean): void;
  /** TCP_CORK, and MSG_MORE of one write: while it is on a short segment waits for more, as long as the window probe would. */
  setCork(on: boolean): void;
  /** TCP_QUICKACK: true sends an ACK that is put off now, and no later one waits for data until some answers; false: they wait. */
  setQuickAck(on: boolean): void;
  /** `idle`, `interval` in ms; undefined leaves the stack's setting. */
  setKeepAlive(on: boolean, idle?: number, interval?: number, probes?: number): void;
  /**
   * ms without progress after which the connection fails with ETIMEDOUT, instead of R2 (MUST-21); Infinity: never; 0: as the
   * settings say. The peer's wish by RFC 5482 does not change it.
   */
  setUserTimeout(ms: number): void;
  /**
   * Tells the peer by the option of RFC 5482 how long we shall wait, and takes its wish into account, within 100 s to 1 h.
   * ms, in whole seconds, rounded up; 0 (the default): the option is neither sent nor obeyed. EINVAL above 22 days.
   */
  offerUserTimeout(ms: number): void;
  /** The IPv4 field of that name, 0 to 255: DSCP in the upper six bits; the lower two are ECN's and stay the stack's. */
  setTypeOfService(tos: number): void;
  /** TCP_NOTSENT_LOWAT: `sendSpace` is 0 while so many bytes are queued and were never sent. 1 or more. */
  setNotSentLowat(bytes: number): void;
  /** TCP_CONGESTION: by name, from now on; EINVAL for one that the stack does not know. Default: tcp_congestion_control. */
  setCongestionControl(name: string): void;
  /** Options of this connection alone; those that count at its beginning only are without effect. */
  tune(tuning: Tuning): void;
  /** False: no EVENT_SOFT_ERROR; `softError` is kept all the same. Default: true. */
  tellSoftErrors(on: boolean): void;
  /** As of `now`; without it of the last time that anything happened to the connection. */
  info(now?: Instant): TcpInfo;
}
