/** In-order bytes on their way to the user, in chunks that belong to the user once taken. */
import { PIECE_COST } from "./memory.ts";
import { isJoined, joined, OWN_MEMORY_BELOW } from "./small-pieces.ts";

/** Large enough that many segments join, small enough that the allocator reuses it (64 KiB: 3.1 µs with the copy). */
const ARENA_CHUNK = 65536;

/** Carves memory for incoming bytes; shared by the connections of one stack, never reused unless rewound. */
export class ReceiveArena {
  private chunk: Uint8Array = new Uint8Array(0);
  private used = 0;
  private readonly allocate: (size: number) => Uint8Array;

  /** `allocate` need not clear the memory: what is handed out was written before. */
  constructor(allocate: (size: number) => Uint8Array) {
    this.allocate = allocate;
  }

  /**
   * Copies into the arena. If `previous` ends just where the copy begins, both are returned as one
   * longer view, so that a batch of small segments reaches the user as one chunk.
   */
  copy(from: Uint8Array, offset: number, length: number): Uint8Array {
    if (length < OWN_MEMORY_BELOW) return from.slice(offset, offset + length);
    if (this.chunk.length - this.used < length) {
      this.chunk = this.allocate(Math.max(ARENA_CHUNK, length));
      this.used = 0;
    }
    const at = this.used;
    this.chunk.set(from.subarray(offset, offset + length), at);
    this.used = at + length;
    return this.chunk.subarray(at, at + length);
  }

  /** Nobody holds what was carved: the memory, still in the cache, is carved again. */
  rewind(): void {
    this.used = 0;
  }

  /** Whether `piece` was the last one carved and `length` more bytes fit behind it. */
  canExtend(piece: Uint8Array, length: number): boolean {
    return (
      piece.buffer === this.chunk.buffer &&
      piece.byteOffset + piece.length === this.used &&
      this.chunk.length - this.used >= length
    );
  }

  extend(piece: Uint8Array, from: Uint8Array, offset: number, length: number): Uint8Array {
    this.chunk.set(from.subarray(offset, offset + length), this.used);
    this.used += length;
    return this.chunk.subarray(piece.byteOffset, piece.byteOffset + piece.length + length);
  }
}

interface Chunk {
  bytes: Uint8Array;
  /** Bytes of memory that it holds down. */
  cost: number;
  /** Valid until the end of the batch only. */
  lent: boolean;
  next: Chunk | null;
}

/** A list, so that an idle connection holds nothing. */
export class ReceiveQueue {
  private head: Chunk | null = null;
  private tail: Chunk | null = null;
  length = 0;
  /** What holding this costs, in bytes: with the objects around it, and with the whole of a packet's memory that is kept. */
  cost = 0;
  /** Some of it is lent: see {@link own}. */
  lent = false;

  /** Copies bytes that are only lent. */
  pushCopy(arena: ReceiveArena, from: Uint8Array, offset: number, length: number): void {
    const { tail } = this;
    if (tail !== null && arena.canExtend(tail.bytes, length)) {
      tail.bytes = arena.extend(tail.bytes, from, offset, length);
      this.grow(tail, length, length);
    } else if (tail !== null && isJoined(tail.bytes.length, length)) {
      tail.bytes = joined(tail.bytes, !tail.lent, from, offset, length);
      this.grow(tail, length, tail.bytes.buffer.byteLength + PIECE_COST - tail.cost);
    } else {
      this.push(arena.copy(from, offset, length));
    }
  }

  private grow(chunk: Chunk, length: number, cost: number): void {
    chunk.cost += cost;
    this.length += length;
    this.cost += cost;
  }

  /** As {@link pushCopy} into memory that is rewound when the batch is over. */
  pushBriefly(arena: ReceiveArena, from: Uint8Array, offset: number, length: number): void {
    this.pushCopy(arena, from, offset, length);
    this.tail!.lent = true;
    this.lent = true;
  }

  /** Takes a view of bytes that are somebody else's when the batch is over. */
  pushLent(bytes: Uint8Array): void {
    this.push(bytes);
    this.tail!.lent = true;
    this.lent = true;
  }

  /** The end of the batch: what is lent and was not taken is copied. */
  own(arena: ReceiveArena): void {
    if (!this.lent) return;
    this.lent = false;
    for (let chunk = this.head; chunk !== null; chunk = chunk.next) {
      if (chunk.lent) chunk.bytes = arena.copy(chunk.bytes, 0, chunk.bytes.length);
      chunk.lent = false;
    }
  }

  /** Takes bytes that are ours already; `memory`: what they hold down, where that is more than themselves. */
  push(bytes: Uint8Array, memory: number = bytes.length): void {
    const cost = memory + PIECE_COST;
    const chunk: Chunk = { bytes, cost, lent: false, next: null };
    if (this.tail === null) this.head = chunk;
    else this.tail.next = chunk;
    this.tail = chunk;
    this.length += bytes.length;
    this.cost += cost;
  }

  /** The next chunk, or `max` bytes of it; what is left of it holds down all of its memory. */
  shift(max: number = Infinity): Uint8Array | null {
    const chunk = this.head;
    if (chunk === null) return null;
    if (chunk.bytes.length > max) {
      const taken = chunk.bytes.subarray(0, max);
      chunk.bytes = chunk.bytes.subarray(max);
      this.length -= max;
      return taken;
    }
    this.head = chunk.next;
    if (chunk.next === null) {
      this.tail = null;
      this.lent = false;
    }
    this.length -= chunk.bytes.length;
    this.cost -= chunk.cost;
    return chunk.bytes;
  }

  clear(): void {
    this.head = null;
    this.tail = null;
    this.length = 0;
    this.cost = 0;
    this.lent = false;
  }
}
