/**
 * The assembling half of a packet sender: gathers reserved and appended bytes into one contiguous packet
 * and hands it on. In-memory devices and middleware are built on it; its buffer is reused.
 */
import type { PacketRemark, PacketSender } from "../base/device.ts";
import { invariant } from "../base/errors.ts";

/** One packet of 65,535 bytes and some room. */
export const LARGEST_PACKET = 65_600;

/** The bytes are lent for the call only. */
export type PacketSink = (
  buffer: Uint8Array,
  offset: number,
  length: number,
  needsChecksum: boolean,
  gsoSize: number,
  remark: PacketRemark,
) => void;

export class BufferedSender implements PacketSender {
  buffer: Uint8Array = new Uint8Array(2048);
  readonly offset: number = 0;
  /** Packets that were larger than any IPv4 packet can be. */
  oversized = 0;

  readonly #emit: PacketSink;
  readonly #flush: () => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #ranges: number[] = [];
  #count = 0;

  constructor(emit: PacketSink, flush: () => void) {
    this.#emit = emit;
    this.#flush = flush;
  }

  reserve(size: number): boolean {
    if (size > LARGEST_PACKET) return false;
    this.#count = 0;
    this.#grow(size, 0);
    return true;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    // Only commit says where the reserved bytes end, so the copy waits for it.
    this.#chunks[this.#count] = chunk;
    this.#ranges[2 * this.#count] = from;
    this.#ranges[2 * this.#count + 1] = to;
    this.#count++;
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void {
    let length = used;
    for (let i = 0; i < this.#count; i++) length += this.#ranges[2 * i + 1]! - this.#ranges[2 * i]!;
    if (length > LARGEST_PACKET) {
      this.oversized++;
      this.#forget();
      return;
    }
    this.#grow(length, used);
    let at = used;
    for (let i = 0; i < this.#count; i++) {
      const from = this.#ranges[2 * i]!;
      const to = this.#ranges[2 * i + 1]!;
      this.buffer.set(this.#chunks[i]!.subarray(from, to), at);
      at += to - from;
    }
    this.#forget();
    this.#emit(this.buffer, 0, length, needsChecksum, gsoSize, remark);
  }

  flush(): void {
    this.#flush();
  }

  #forget(): void {
    this.#count = 0;
    this.#chunks.length = 0;
  }

  #grow(size: number, keep: number): void {
    if (size <= this.buffer.length) return;
    const larger = new Uint8Array(Math.min(LARGEST_PACKET, Math.max(size, this.buffer.length * 2)));
    larger.set(this.buffer.subarray(0, keep));
    this.buffer = larger;
  }
}

/** Passes a whole packet to the next sender; false when even after a flush there was no room. */
export function forwardPacket(
  to: PacketSender,
  buffer: Uint8Array,
  offset: number,
  length: number,
  needsChecksum: boolean,
  gsoSize: number,
  remark: PacketRemark,
): boolean {
  if (!to.reserve(length)) {
    to.flush();
    if (!to.reserve(length)) return false;
  }
  invariant(to.buffer.length - to.offset >= length, "a sender reserves what it was asked for");
  to.buffer.set(buffer.subarray(offset, offset + length), to.offset);
  to.commit(length, needsChecksum, gsoSize, remark);
  return true;
}
