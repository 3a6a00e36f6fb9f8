/** What a program may set of one connection, or of all that a listener makes, in place of the stack's settings: Linux's socket options. */
import type { Tcb } from "./tcb.ts";

/** Options of one connection beside its settings. */
export interface Tuning {
  /** SO_RCVBUF: bytes this end holds for the user; the buffer does not grow then. Of an open or a listener. */
  readonly receiveBuffer?: number;
  /** SO_SNDBUF: bytes that may be queued. */
  readonly sendBuffer?: number;
  /** TCP_MAXSEG: bytes, for both directions. Of an open or a listener. */
  readonly maxSegment?: number;
  /** TCP_SYNCNT. */
  readonly synRetries?: number;
  /** TCP_LINGER2: seconds in FIN-WAIT-2 once the user is gone; negative: none. */
  readonly finTimeout?: number;
  /** TCP_DEFER_ACCEPT: how many SYN-ACKs, the first one counted, a peer without data is waited for. Of a listener. */
  readonly deferAccept?: number;
  /** IP_TTL. */
  readonly ttl?: number;
  /** IP_TOS of a listener's SYN-ACKs; a connection has `setTypeOfService`. */
  readonly typeOfService?: number;
  /** IP_PMTUDISC_DONT and IP_PMTUDISC_PROBE: what routers say of the path's MTU is not heeded. */
  readonly ignoresPathMtu?: boolean;
}

/** Of a connection that begins. */
export function beginTuned(t: Tcb, tuning: Tuning | null): void {
  if (tuning === null) return;
  t.tuning = tuning;
  if (tuning.receiveBuffer !== undefined) t.rcv.buffer = tuning.receiveBuffer;
  if (tuning.sendBuffer !== undefined) t.snd.limit = tuning.sendBuffer;
}

/** One that is under way: its receive buffer grows, but its window is not taken back. */
export function tune(t: Tcb, tuning: Tuning): void {
  t.tuning = { ...t.tuning, ...tuning };
  if (tuning.sendBuffer !== undefined) t.snd.limit = tuning.sendBuffer;
  if (tuning.receiveBuffer !== undefined) t.rcv.buffer = tuning.receiveBuffer;
}

/** What the window scale must be able to say. */
export function mostReceived(t: Tcb): number {
  return t.tuning?.receiveBuffer ?? t.env.settings.tcp_rmem[2];
}
