/** The form of the oracle's rules, and what their effects have in common. */
import { SYNCHRONIZED } from "../support/states.ts";
import {
  ACK,
  type Block,
  diff,
  type Outcome,
  RST,
  type Segment,
  type State,
  SYN,
  write,
} from "./model.ts";

/** One segment on its way through the rules; `b` and `s` change on the way, `first` is the segment as it came. */
export interface Context {
  readonly b: Block;
  readonly s: Segment;
  readonly first: Segment;
  readonly o: Outcome;
  /** An ACK is owed at once; or later. */
  ackNow: boolean;
  ackLater: boolean;
  /** The ACK that is owed is a challenge ACK. */
  challenge: boolean;
  /** Something beyond the window was cut off. */
  cut: boolean;
  /** The rule that goes on next, if others are passed over. */
  next: string | null;
  /** Effects as letters of the page's legend. */
  letters: string;
}

export interface Rule {
  /** As the page names it in a cell. */
  readonly name: string;
  /** RFC and section. */
  readonly from: string;
  readonly says: string;
  readonly states: readonly State[];
  when(c: Context): boolean;
  effect(c: Context): void;
  /** The segment is done with; else the next rule looks at it. */
  readonly stops: boolean;
}

/** Those of §3.10.7.4. */
export const OTHER: readonly State[] = ["SYN-RECEIVED", ...SYNCHRONIZED];
/** Where text of the peer may come. */
export const RECEIVING: readonly State[] = ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"];
/** The peer's FIN was taken, and the connection is not over for the user. */
export const ENDING: readonly State[] = ["CLOSE-WAIT", "CLOSING", "LAST-ACK"];

export const has = (s: Segment, bit: number): boolean => (s.flags & bit) !== 0;

export function count(c: Context, ...names: string[]): void {
  for (const name of names) c.o.counters[name] = (c.o.counters[name] ?? 0) + 1;
}

/** `<SEQ=SEG.ACK><CTL=RST>` */
export function resetFromAck(c: Context): void {
  c.o.sent.push(write(RST, c.first.ack, null, 0));
  c.letters = "R";
  count(c, "TcpOutRsts");
}

/** `<SEQ=...><ACK=RCV.NXT><CTL=SYN,ACK>`, and the option that each SYN has. */
export function synAck(c: Context, irs: number): void {
  const { b, s, o } = c;
  const options = ["mss 1460"];
  if (b.timestamps && s.tsVal !== null) options.push(`TS ecr ${s.tsVal}`);
  o.sent.push(write(SYN | ACK, 0, irs + 1, b.buffer, options));
  c.letters = "S";
}

export function challenge(c: Context): void {
  c.ackNow = true;
  c.challenge = true;
  count(c, "TcpExtTCPChallengeACK");
}

/** The connection ends; in TIME-WAIT it was over for the user before. */
export function close(c: Context, error: string | null): void {
  if (c.b.state !== "TIME-WAIT") c.o.heard.push("closed");
  c.b.state = "CLOSED";
  c.o.error = error;
}

export function timeWait(c: Context): void {
  c.b.state = "TIME-WAIT";
  c.o.heard.push("closed");
  restart(c);
}

/** 2 MSL begin anew. */
export function restart(c: Context): void {
  c.o.timer = "time-wait 60";
}

export function takeWindow(c: Context): void {
  const { b, s } = c;
  b.wnd = s.window;
  b.wl1 = s.seq;
  b.wl2 = s.ack;
  if (!c.letters.includes("w")) c.letters += "w";
}

/** SND.UNA moves; the user hears when all its data has arrived. */
export function acknowledge(c: Context): void {
  const { b, s, o } = c;
  if (diff(b.una, b.dataEnd) < 0 && diff(s.ack, b.dataEnd) >= 0) o.heard.push("all sent");
  b.una = s.ack;
  c.letters += "n";
}

/** RFC 9293 §3.4: the four cases. */
export function acceptable(b: Block, seq: number, length: number): boolean {
  const within = (n: number): boolean => diff(n, b.rcvNxt) >= 0 && diff(n, b.edge) < 0;
  if (diff(b.edge, b.rcvNxt) <= 0) return length === 0 && diff(seq, b.rcvNxt) === 0;
  return within(seq) || (length > 0 && within(seq + length - 1));
}
