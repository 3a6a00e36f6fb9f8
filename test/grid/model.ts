/**
 * What the grid's oracle knows of a connection, of a segment and of what follows: plain numbers, counted from both ISNs,
 * compared modulo 2^32. Nothing here comes from the code under test.
 */

export type State =
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

/** The variables of RFC 9293 §3.3.1, and what else decides. */
export interface Block {
  state: State;
  /** It came from a passive OPEN (MUST-11). */
  passive: boolean;
  /** Somebody listens on the local port. */
  listener: boolean;
  /** The user has closed for good: nobody will read. */
  userGone: boolean;
  // send side, from our ISS
  una: number;
  nxt: number;
  wnd: number;
  wl1: number;
  wl2: number;
  maxWnd: number;
  /** The number after the last byte of data; a FIN that was sent has this one. */
  dataEnd: number;
  finSent: boolean;
  // receive side, from the peer's ISN
  rcvNxt: number;
  /** RCV.NXT + RCV.WND: never moved left. */
  edge: number;
  /** RCV.BUFF, and how much of it the user has left unread. */
  buffer: number;
  unread: number;
  /** Last.ACK.sent (RFC 7323 §4.3). */
  lastAckSent: number;
  /** Timestamps were agreed; TS.Recent. */
  timestamps: boolean;
  tsRecent: number;
}

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;
export const ECE = 64;
export const CWR = 128;

export interface Segment {
  flags: number;
  seq: number;
  /** Bytes of text. */
  length: number;
  ack: number;
  window: number;
  urgent: number;
  tsVal: number | null;
}

/** What one segment leads to; text in the order and form in which the driver of the stack writes what it saw. */
export interface Outcome {
  /** Segments that leave at once, and those that leave within 60 ms. */
  sent: string[];
  later: string[];
  state: State;
  /** SND.UNA, RCV.NXT, SND.WND; null where the state has none. */
  una: number | null;
  rcvNxt: number | null;
  wnd: number | null;
  /** Bytes kept out of order. */
  held: number;
  /** The first and the last+1 of the bytes that the user was given. */
  text: string;
  /** Events in order of name, and the error if the connection ended with one. */
  heard: string[];
  error: string | null;
  /** Where the urgent pointer stands, if it came. */
  urgent: number | null;
  /** The timer that runs next, and for TIME-WAIT the seconds left. */
  timer: string;
  counters: Record<string, number>;
}

/** a - b modulo 2^32, as a signed number. */
export function diff(a: number, b: number): number {
  return (a - b) | 0;
}

/** SEG.LEN: SYN and FIN count (RFC 9293 §3.4). */
export function segLen(s: Segment): number {
  return s.length + ((s.flags & SYN) === 0 ? 0 : 1) + ((s.flags & FIN) === 0 ? 0 : 1);
}

const LETTERS: readonly (readonly [string, number])[] = [
  ["S", SYN],
  ["F", FIN],
  ["R", RST],
  ["P", PSH],
  [".", ACK],
  ["U", URG],
  ["E", ECE],
  ["W", CWR],
];

/** The notation of test/support/notation.ts, with every field: what leaves never has text here. */
export function write(
  flags: number,
  seq: number,
  ack: number | null,
  window: number,
  options: readonly string[] = [],
): string {
  const letters = LETTERS.filter(([, bit]) => (flags & bit) !== 0).map(([letter]) => letter);
  const number = seq | 0;
  const acked = ack === null ? "" : ` ack ${ack | 0}`;
  const tail = options.length === 0 ? "" : ` <${options.join(",")}>`;
  return `${letters.join("")} ${number}:${number}(0)${acked} win ${window}${tail}`;
}
