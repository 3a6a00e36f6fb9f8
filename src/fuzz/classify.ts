/** Which class of the model's table a packet to the stack is of: by its bytes, and the numbers of the connection that it meets. */
import { HalfOpen } from "../stack/half-open.ts";
import { TimeWait } from "../stack/time-wait.ts";
import { TcpConnection } from "../tcp/connection.ts";
import { get16, get32, minus, pseudoSum, sum } from "./bytes.ts";
import { ACKS, KINDS, PLACES } from "./model.ts";
import { ACK, FIN, RST, STACK_ADDRESS, SYN } from "./peer.ts";

const kind = (name: (typeof KINDS)[number]): number => KINDS.indexOf(name);
const place = (name: (typeof PLACES)[number]): number => PLACES.indexOf(name);
const ack = (name: (typeof ACKS)[number]): number => ACKS.indexOf(name);

export const KIND_RST: number = kind("RST");
export const KIND_SYN: number = kind("SYN");
export const KIND_SYN_ACK: number = kind("SYN-ACK");
export const KIND_NONE: number = kind("none");
export const KIND_FIN: number = kind("FIN");
export const KIND_TEXT: number = kind("text");
export const KIND_ACK: number = kind("ACK");
export const KIND_BROKEN: number = kind("broken");
export const PLACE_AT: number = place("at");
export const ACK_NONE: number = ack("-");
export const ACK_NEW: number = ack("new");

/** A packet as the classes see it; filled again for each. */
export interface Arrival {
  kind: number;
  sport: number;
  dport: number;
  source: number;
  flags: number;
  seq: number;
  ack: number;
  /** Bytes of text. */
  text: number;
  /** With SYN and FIN. */
  length: number;
  hasStamps: boolean;
  stamp: number;
}

export function createArrival(): Arrival {
  return {
    kind: 0,
    sport: 0,
    dport: 0,
    source: 0,
    flags: 0,
    seq: 0,
    ack: 0,
    text: 0,
    length: 0,
    hasStamps: false,
    stamp: 0,
  };
}

/** Reads a packet; false for one that the table does not speak of: no TCP, a fragment, not for the stack. */
export function readArrival(b: Uint8Array, length: number, out: Arrival): boolean {
  if (length < 40 || b[0]! >> 4 !== 4 || b[9] !== 6) return false;
  if ((get16(b, 6) & 0x3fff) !== 0 || get32(b, 16) !== STACK_ADDRESS) return false;
  const at = (b[0]! & 15) * 4;
  const total = get16(b, 2);
  // options of IPv4 are another table's
  if (at !== 20) return false;
  const header = (b[at + 12]! >> 4) * 4;
  out.sport = get16(b, at);
  out.dport = get16(b, at + 2);
  out.source = get32(b, 12);
  out.flags = b[at + 13]!;
  out.seq = get32(b, at + 4);
  out.ack = get32(b, at + 8);
  out.text = total - at - header;
  out.hasStamps = false;
  const isWhole = total <= length && hasRightSums(b, total) && header >= 20 && at + header <= total;
  const isRight = isWhole && readOptions(b, at + 20, at + header, out);
  out.kind = isRight ? kindOf(out.flags, out.text) : KIND_BROKEN;
  out.length = out.text + (out.flags & SYN ? 1 : 0) + (out.flags & FIN ? 1 : 0);
  return true;
}

/** Of a packet of `total` bytes with a header of 20. */
function hasRightSums(b: Uint8Array, total: number): boolean {
  if (total < 40 || sum(b, 0, 20) !== 0xffff) return false;
  return sum(b, 20, total, pseudoSum(b, total - 20)) === 0xffff;
}

function kindOf(flags: number, text: number): number {
  if ((flags & RST) !== 0) return KIND_RST;
  if ((flags & SYN) !== 0) return (flags & ACK) === 0 ? KIND_SYN : KIND_SYN_ACK;
  if ((flags & ACK) === 0) return KIND_NONE;
  return (flags & FIN) !== 0 ? KIND_FIN : text > 0 ? KIND_TEXT : KIND_ACK;
}

/** False where a length leads nowhere. */
function readOptions(b: Uint8Array, from: number, end: number, out: Arrival): boolean {
  for (let i = from; i < end && b[i] !== 0;) {
    if (b[i] === 1) {
      i++;
      continue;
    }
    const size = i + 1 < end ? b[i + 1]! : 0;
    if (size < 2 || i + size > end) return false;
    if (b[i] === 8 && size === 10 && !out.hasStamps) {
      out.hasStamps = true;
      out.stamp = get32(b, i + 2);
    }
    i += size;
  }
  return true;
}

/** The numbers of a connection; filled again for each packet. */
export interface Numbers {
  una: number;
  nxt: number;
  rcvNxt: number;
  edge: number;
  irs: number;
  stamps: boolean;
  recent: number;
}

export function createNumbers(): Numbers {
  return { una: 0, nxt: 0, rcvNxt: 0, edge: 0, irs: 0, stamps: false, recent: 0 };
}

/** What is private of an entry in TIME-WAIT. */
interface Frozen {
  readonly rcvWnd: number;
  readonly tsRecent: number;
}

export function readNumbers(
  entry: TcpConnection | HalfOpen | TimeWait,
  receiveBuffer: number,
  out: Numbers,
): void {
  if (entry instanceof TcpConnection) {
    out.una = entry.snd.una;
    out.nxt = entry.snd.nxt;
    out.rcvNxt = entry.rcv.nxt;
    out.edge = entry.rcv.edge;
    out.irs = entry.rcv.irs;
    out.stamps = entry.timestamps;
    out.recent = entry.tsRecent;
    return;
  }
  if (entry instanceof HalfOpen) {
    out.una = entry.iss;
    out.nxt = (entry.iss + 1) | 0;
    out.rcvNxt = (entry.irs + 1) | 0;
    out.edge = (out.rcvNxt + Math.min(receiveBuffer, 65535)) | 0;
    out.irs = entry.irs;
    out.stamps = (entry.agreed & (1 << 21)) !== 0;
    out.recent = entry.tsRecent;
    return;
  }
  const frozen = entry as unknown as Frozen;
  out.una = entry.sndNxt;
  out.nxt = entry.sndNxt;
  out.rcvNxt = entry.rcvNxt;
  out.edge = (entry.rcvNxt + frozen.rcvWnd) | 0;
  out.irs = entry.irs;
  out.stamps = (entry.agreed & 1) !== 0;
  out.recent = frozen.tsRecent;
}

/** Index into PLACES. */
export function placeOf(a: Arrival, n: Numbers): number {
  const window = minus(n.edge, n.rcvNxt);
  const offset = minus(a.seq, n.rcvNxt);
  // a window of 0 has room for what has no length, and for ACK and RST (MUST-66)
  const fits = window > 0 || a.length === 0 || (a.flags & (ACK | RST)) !== 0;
  if (offset === 0) return fits ? PLACE_AT : 4;
  if (offset > 0) return offset < window ? 1 : 4;
  const last = offset + a.length - 1;
  // what has no length reaches nowhere
  return a.length > 0 && last >= 0 && last < window ? 2 : 3;
}

/** Index into ACKS. */
export function acksOf(a: Arrival, n: Numbers): number {
  if ((a.flags & ACK) === 0) return ACK_NONE;
  const ahead = minus(a.ack, n.una);
  if (ahead < 0) return 0;
  if (ahead === 0) return 1;
  return minus(a.ack, n.nxt) > 0 ? 3 : ACK_NEW;
}
