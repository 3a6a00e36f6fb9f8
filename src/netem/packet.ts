/** A packet on its way through a modelled network, and the pool that such packets are taken from and go back to. */

export interface NetemPacket {
  /** The packet stands at its beginning. */
  buffer: Uint8Array;
  length: number;
  /** Of the receiver's `onPacket`. */
  flags: number;
  /** What a capture says of it. */
  remark: string | null;
  /** The link's own: when it entered the queue, when it is delivered (ms), and its share of the jitter, -1 to 1. */
  queuedAt: number;
  deliverAt: number;
  jitter: number;
  /** Skips the delay. */
  ahead: boolean;
  /** ms spent in queues since it was sent. */
  waited: number;
}

/** Bytes of the memory of a usual packet; larger ones get memory of their own size. */
const USUAL = 2048;
/** Packets kept for use again. */
const MOST = 8192;

export class PacketPool {
  private readonly spare: NetemPacket[] = [];

  /** A packet with room for `size` bytes; the bytes are what was there before. */
  take(size: number): NetemPacket {
    const p = this.spare.pop() ?? {
      buffer: new Uint8Array(Math.max(size, USUAL)),
      length: 0,
      flags: 0,
      remark: null,
      queuedAt: 0,
      deliverAt: 0,
      jitter: 0,
      ahead: false,
      waited: 0,
    };
    if (p.buffer.length < size) p.buffer = new Uint8Array(size);
    p.length = size;
    p.flags = 0;
    p.remark = null;
    p.waited = 0;
    return p;
  }

  copy(from: NetemPacket): NetemPacket {
    const p = this.take(from.length);
    p.buffer.set(from.buffer.subarray(0, from.length));
    p.flags = from.flags;
    p.remark = from.remark;
    p.waited = from.waited;
    return p;
  }

  give(p: NetemPacket): void {
    if (this.spare.length < MOST) this.spare.push(p);
  }
}
