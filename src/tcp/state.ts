/** The eleven states of RFC 9293 §3.3.2, the transitions that are legal, and what each state allows. */

export type TcpState =
  | "CLOSED"
  | "LISTEN"
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT";

/** From each state, where one event may lead. A diagram can be printed from this table. */
export const TRANSITIONS: Readonly<Record<TcpState, readonly TcpState[]>> = {
  CLOSED: ["LISTEN", "SYN-SENT", "SYN-RECEIVED"],
  LISTEN: ["SYN-RECEIVED", "SYN-SENT", "CLOSED"],
  "SYN-SENT": ["SYN-RECEIVED", "ESTABLISHED", "CLOSED"],
  "SYN-RECEIVED": ["ESTABLISHED", "FIN-WAIT-1", "LISTEN", "CLOSED"],
  ESTABLISHED: ["FIN-WAIT-1", "CLOSE-WAIT", "CLOSED"],
  "FIN-WAIT-1": ["FIN-WAIT-2", "CLOSING", "TIME-WAIT", "CLOSED"],
  "FIN-WAIT-2": ["TIME-WAIT", "CLOSED"],
  "CLOSE-WAIT": ["LAST-ACK", "CLOSED"],
  CLOSING: ["TIME-WAIT", "CLOSED"],
  "LAST-ACK": ["CLOSED"],
  "TIME-WAIT": ["CLOSED", "SYN-RECEIVED"],
};

/** All of them, in the order of a connection's life. */
export const STATES: readonly TcpState[] = Object.keys(TRANSITIONS) as TcpState[];

export function isLegal(from: TcpState, to: TcpState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Both ends agree on sequence numbers (RFC 9293 §3.5.2, "synchronized"). */
export function isSynchronized(s: TcpState): boolean {
  return s !== "CLOSED" && s !== "LISTEN" && s !== "SYN-SENT" && s !== "SYN-RECEIVED";
}

/** The user may still queue data. */
export function maySend(s: TcpState): boolean {
  return s === "ESTABLISHED" || s === "CLOSE-WAIT" || s === "SYN-SENT" || s === "SYN-RECEIVED";
}

/** Text from the peer may still come. */
export function mayReceive(s: TcpState): boolean {
  return s === "ESTABLISHED" || s === "FIN-WAIT-1" || s === "FIN-WAIT-2";
}
