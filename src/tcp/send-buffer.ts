/**
 * Bytes from SND.UNA on, kept until they are acknowledged: by reference where the user promised not to
 * change them, else copied into memory of our own, where small writes are joined. A list of pieces, so that an idle
 * connection holds none.
 */
import type { PacketSender } from "../base/device.ts";
import { PIECE_COST } from "./memory.ts";
import { SMALL_PIECE, type SendMemory } from "./send-memory.ts";

/** So much queued that a whole piece will be needed. */
const MUCH = 16384;

interface Piece {
  readonly buf: Uint8Array;
  start: number;
  end: number;
  /** Out of the memory that is used again. */
  readonly shared: boolean;
  readonly cost: number;
  next: Piece | null;
}

export class SendBuffer {
  private head: Piece | null = null;
  private tail: Piece | null = null;
  private readonly memory: SendMemory;
  /** The last piece is ours and has room behind its end. */
  private tailOwned = false;
  /** Where sending stands, as it goes forward. */
  private cursor: Piece | null = null;
  /** Offset from SND.UNA of the first byte of the piece at `cursor`. */
  private cursorBase = 0;
  /** Bytes held. */
  length = 0;
  /** What holding them costs, in bytes: whole pieces, and the objects around them. */
  cost = 0;

  constructor(memory: SendMemory) {
    this.memory = memory;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.add(chunk, chunk.length, false);
    this.tailOwned = false;
  }

  private add(buf: Uint8Array, end: number, shared: boolean): void {
    const cost = buf.length + PIECE_COST;
    const piece: Piece = { buf, start: 0, end, shared, cost, next: null };
    if (this.tail === null) this.head = piece;
    else this.tail.next = piece;
    this.tail = piece;
    this.length += end;
    this.cost += cost;
  }

  pushCopy(chunk: Uint8Array): void {
    let from = this.tailOwned ? this.fillTail(chunk) : 0;
    while (from < chunk.length) {
      const rest = chunk.length - from;
      const whole = this.length + rest >= MUCH;
      const buf = whole ? this.memory.take() : this.room(rest);
      const n = Math.min(buf.length, rest);
      buf.set(n === chunk.length ? chunk : chunk.subarray(from, from + n));
      this.add(buf, n, whole || rest <= SMALL_PIECE);
      this.tailOwned = true;
      from += n;
    }
  }

  /** For a write of `n` bytes; what a small one leaves is for those after it. */
  private room(n: number): Uint8Array {
    return n <= SMALL_PIECE ? this.memory.takeSmall() : new Uint8Array(n);
  }

  /** Copies what fits behind the last piece; how much that was. */
  private fillTail(chunk: Uint8Array): number {
    const tail = this.tail!;
    const n = Math.min(tail.buf.length - tail.end, chunk.length);
    if (n === 0) return 0;
    tail.buf.set(n === chunk.length ? chunk : chunk.subarray(0, n), tail.end);
    tail.end += n;
    this.length += n;
    return n;
  }

  /** The peer has the first `n` bytes. */
  acknowledge(n: number): void {
    this.length -= n;
    let left = n;
    while (left > 0) {
      const piece = this.head!;
      const size = piece.end - piece.start;
      if (size > left) {
        piece.start += left;
        break;
      }
      left -= size;
      this.cost -= piece.cost;
      if (piece.shared) this.memory.give(piece.buf);
      this.head = piece.next;
    }
    if (this.length === 0) this.clear();
    else {
      this.cursor = this.head;
      this.cursorBase = 0;
    }
  }

  /** Pieces are not used again from here: a packet that holds one may not be flushed yet. */
  clear(): void {
    for (let piece = this.head; piece !== null; piece = piece.next) {
      if (piece.shared) this.memory.lose(piece.buf);
    }
    this.head = null;
    this.tail = null;
    this.cursor = null;
    this.cursorBase = 0;
    this.tailOwned = false;
    this.length = 0;
    this.cost = 0;
  }

  /** Copies `length` bytes from `offset` behind SND.UNA to `to[at ..]`. */
  copyTo(offset: number, length: number, to: Uint8Array, at: number): void {
    let piece = this.seek(offset);
    let start = piece.start + offset - this.cursorBase;
    let left = length;
    let put = at;
    for (;;) {
      const n = Math.min(piece.end - start, left);
      const { buf } = piece;
      if (n < 64) for (let k = 0; k < n; k++) to[put + k] = buf[start + k]!;
      else to.set(buf.subarray(start, start + n), put);
      put += n;
      left -= n;
      if (left <= 0) return;
      piece = piece.next!;
      start = piece.start;
    }
  }

  /** Hands the same bytes by reference to a packet under way. */
  appendTo(offset: number, length: number, sender: PacketSender): void {
    let piece = this.seek(offset);
    let start = piece.start + offset - this.cursorBase;
    let left = length;
    for (;;) {
      const n = Math.min(piece.end - start, left);
      sender.append(piece.buf, start, start + n);
      left -= n;
      if (left <= 0) return;
      piece = piece.next!;
      start = piece.start;
    }
  }

  /** The piece that holds the byte at `offset`; sending goes forward, so the last place is remembered. */
  private seek(offset: number): Piece {
    if (this.cursor === null || offset < this.cursorBase) {
      this.cursor = this.head;
      this.cursorBase = 0;
    }
    for (let piece = this.cursor!; ; piece = piece.next!) {
      const size = piece.end - piece.start;
      if (offset < this.cursorBase + size) {
        this.cursor = piece;
        return piece;
      }
      this.cursorBase += size;
    }
  }
}
