/**
 * Memory of all connections of one stack (Linux's tcp_mem) at true cost: with the room around bytes and the objects that
 * hold them. Above the second limit, and until below the first, there is pressure: windows and send buffers stop growing.
 * A little before the third nothing is taken any more but what each connection needs to go on.
 */
import type { Tcb } from "./tcb.ts";

/** Bytes of the objects around one piece of payload: a view, its ArrayBuffer and the link of the list. */
export const PIECE_COST = 256;
/**
 * Bytes of a connection that holds nothing, with its place in the table: 1978 measured of each of 100,000 (test/load/idle.test.ts), and a
 * little for what the first loss makes. The socket on it is its program's.
 */
export const CONNECTION_COST = 2048;
/** Of a connection that is in no table: its memory is not counted. */
export const NOT_CHARGED = -1;
/** Of the cap, kept for what no connection can do without: a new one itself, and one segment of each. */
const SET_ASIDE = 1 / 16;
/** Linux's rule: segments offered at most while memory is short. */
const SEGMENTS_UNDER_PRESSURE = 4;

export class MemoryAccount {
  private readonly limits: readonly [number, number, number];
  private readonly most: number;
  private readonly count: (name: string) => void;
  /** Bytes. */
  used = 0;
  /** Memory is short: nothing grows. */
  pressed = false;
  /** The cap is reached. */
  full = false;

  constructor(limits: readonly [number, number, number], count: (name: string) => void) {
    this.limits = limits;
    this.most = limits[2] * (1 - SET_ASIDE);
    this.count = count;
  }

  /** Bytes more, or less where negative. */
  charge(bytes: number): void {
    this.used += bytes;
    const { used, limits } = this;
    this.full = used >= this.most;
    if (this.pressed) this.pressed = used >= limits[0];
    else if (used > limits[1]) {
      this.pressed = true;
      this.count("TcpExtTCPMemoryPressures");
    }
  }
}

/** From here on what the connection holds is counted, and the connection itself. */
export function beginMemory(t: Tcb): void {
  t.charged = 0;
  settleMemory(t);
}

/** What the connection holds now is what it is charged with. */
export function settleMemory(t: Tcb): void {
  if (t.charged === NOT_CHARGED) return;
  const cost =
    CONNECTION_COST + t.receiveQueue.cost + t.sendBuffer.cost + (t.reassembly?.cost ?? 0);
  if (cost === t.charged) return;
  t.env.memory.charge(cost - t.charged);
  t.charged = cost;
}

/** Nothing of it is counted any more. */
export function endMemory(t: Tcb): void {
  if (t.charged === NOT_CHARGED) return;
  t.env.memory.charge(-t.charged);
  t.charged = NOT_CHARGED;
}

/** Bytes that may be queued to be sent. At the cap one segment, and only where nothing is queued: each connection goes on, as in Linux. */
export function sendLimit(t: Tcb): number {
  const { memory, settings } = t.env;
  if (!memory.pressed) return t.snd.limit;
  if (memory.full) return t.sendBuffer.length === 0 ? t.snd.mss : 0;
  return Math.min(t.snd.limit, settings.tcp_wmem[1]);
}

/**
 * Bytes to offer of what is free of the receive buffer. Under pressure a few segments; at the cap the same once all was
 * read, else nothing more: what was offered stays so.
 */
export function offerable(t: Tcb, free: number): number {
  const { memory } = t.env;
  if (!memory.pressed) return free;
  if (memory.full && t.receiveQueue.length > 0) return 0;
  return Math.min(free, SEGMENTS_UNDER_PRESSURE * t.snd.mss);
}

/**
 * At the cap: whether a text at RCV.NXT (`inOrder`) may be taken. What came before its turn is given up first, as a receiver
 * may (RFC 2018 §8); then one segment is taken where the user has nothing to read.
 */
export function mayTakeText(t: Tcb, inOrder: boolean): boolean {
  const { memory } = t.env;
  if (!memory.full) return true;
  if (t.reassembly !== null && !t.reassembly.isEmpty) {
    t.reassembly.clear();
    t.env.count("TcpExtOfoPruned");
    settleMemory(t);
    if (!memory.full) return true;
  }
  if (inOrder && t.receiveQueue.length === 0) return true;
  t.env.count(inOrder ? "TcpExtTCPRcvQDrop" : "TcpExtTCPOFODrop");
  return false;
}
