/**
 * Bytes from SND.UNA on, kept until they are acknowledged: by reference where the user promised not to
 * change them, else copied into memory of our own, where small writes are joined.
 */
import type { PacketSender } from "../base/device.ts";
import type { SendMemory } from "./send-memory.ts";

/** Room that a copied write opens for those after it, until so much is queued that a whole piece will be needed. */
const MIN_TAIL = 512;
const MUCH = 16384;

export class SendBuffer {
  private bufs: Uint8Array[] = [];
  private starts: number[] = [];
  private ends: number[] = [];
  private head = 0;
  /** Whether a piece came out of the memory that is used again. */
  private shared: boolean[] = [];
  private readonly memory: SendMemory;
  /** The last piece is ours and has room behind its end. */
  private tailOwned = false;
  private cursor = 0;
  /** Offset from SND.UNA of the first byte of the piece at `cursor`. */
  private cursorBase = 0;
  /** Bytes held. */
  length = 0;

  constructor(memory: SendMemory) {
    this.memory = memory;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.add(chunk, chunk.length, false);
    this.tailOwned = false;
  }

  private add(buf: Uint8Array, length: number, shared: boolean): void {
    this.bufs.push(buf);
    this.starts.push(0);
    this.ends.push(length);
    this.shared.push(shared);
    this.length += length;
  }

  pushCopy(chunk: Uint8Array): void {
    let from = 0;
    if (this.tailOwned) {
      const i = this.bufs.length - 1;
      const buf = this.bufs[i]!;
      const end = this.ends[i]!;
      const n = Math.min(buf.length - end, chunk.length);
      if (n > 0) {
        buf.set(n === chunk.length ? chunk : chunk.subarray(0, n), end);
        this.ends[i] = end + n;
        this.length += n;
        from = n;
      }
    }
    while (from < chunk.length) {
      const rest = chunk.length - from;
      const whole = this.length + rest >= MUCH;
      const buf = whole ? this.memory.take() : new Uint8Array(Math.max(rest, MIN_TAIL));
      const n = Math.min(buf.length, rest);
      buf.set(n === chunk.length ? chunk : chunk.subarray(from, from + n));
      this.add(buf, n, whole);
      this.tailOwned = true;
      from += n;
    }
  }

  /** The peer has the first `n` bytes. */
  acknowledge(n: number): void {
    this.length -= n;
    let left = n;
    while (left > 0) {
      const size = this.ends[this.head]! - this.starts[this.head]!;
      if (size > left) {
        this.starts[this.head]! += left;
        break;
      }
      left -= size;
      if (this.shared[this.head]!) this.memory.give(this.bufs[this.head]!);
      this.bufs[this.head] = NOTHING;
      this.head++;
    }
    this.cursor = this.head;
    this.cursorBase = 0;
    if (this.length === 0) this.clear();
    else if (this.head > 32 && this.head * 2 > this.bufs.length) this.compact();
  }

  /** Pieces are not used again from here: a packet that holds one may not be flushed yet. */
  clear(): void {
    this.bufs = [];
    this.starts = [];
    this.ends = [];
    this.shared = [];
    this.head = 0;
    this.cursor = 0;
    this.cursorBase = 0;
    this.tailOwned = false;
    this.length = 0;
  }

  /** Copies `length` bytes from `offset` behind SND.UNA to `to[at ..]`. */
  copyTo(offset: number, length: number, to: Uint8Array, at: number): void {
    let i = this.seek(offset);
    let skip = offset - this.cursorBase;
    let left = length;
    let put = at;
    while (left > 0) {
      const start = this.starts[i]! + skip;
      const n = Math.min(this.ends[i]! - start, left);
      const buf = this.bufs[i]!;
      if (n < 64) for (let k = 0; k < n; k++) to[put + k] = buf[start + k]!;
      else to.set(buf.subarray(start, start + n), put);
      put += n;
      left -= n;
      skip = 0;
      i++;
    }
  }

  /** Hands the same bytes by reference to a packet under way. */
  appendTo(offset: number, length: number, sender: PacketSender): void {
    let i = this.seek(offset);
    let skip = offset - this.cursorBase;
    let left = length;
    while (left > 0) {
      const start = this.starts[i]! + skip;
      const n = Math.min(this.ends[i]! - start, left);
      sender.append(this.bufs[i]!, start, start + n);
      left -= n;
      skip = 0;
      i++;
    }
  }

  /** The piece that holds the byte at `offset`; sending goes forward, so the last place is remembered. */
  private seek(offset: number): number {
    if (offset < this.cursorBase) {
      this.cursor = this.head;
      this.cursorBase = 0;
    }
    for (;;) {
      const size = this.ends[this.cursor]! - this.starts[this.cursor]!;
      if (offset < this.cursorBase + size) return this.cursor;
      this.cursorBase += size;
      this.cursor++;
    }
  }

  private compact(): void {
    this.bufs.splice(0, this.head);
    this.starts.splice(0, this.head);
    this.ends.splice(0, this.head);
    this.shared.splice(0, this.head);
    this.head = 0;
    this.cursor = 0;
    this.cursorBase = 0;
  }
}

const NOTHING = new Uint8Array(0);
