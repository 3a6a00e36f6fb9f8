/**
 * One direction of a modelled network at work, in whatever time the caller has: loss, then the queue, then the wire at its rate,
 * then the delay. What is too large for its MTU never enters. `due` says when `run` has something to do; nothing here waits by itself.
 *
 * What chance decides of a packet is drawn when it enters, from a stream of its own for each model, also where it will not be
 * needed: the fate of packet 7 in one model does not depend on the others.
 */
import { below, namedRng, type Rng, uniform } from "../base/rng.ts";
import { Codel } from "./codel.ts";
import { markCe } from "./ecn.ts";
import { Fifo } from "./fifo.ts";
import type { LinkSpec } from "./link-spec.ts";
import { LossModel } from "./loss.ts";
import { fragments, mayFragment, mtuAt } from "./mtu.ts";
import type { NetemPacket, PacketPool } from "./packet.ts";

/** Why a link dropped a packet: by its loss model, for its limit, for a full queue, by CoDel, during a cut, as too large for it. */
export type DropReason = "loss" | "limit" | "queue" | "aqm" | "cut" | "mtu";

export interface LinkCounters {
  /** Offered to the link. */
  packets: number;
  bytes: number;
  lost: number;
  /** For the limit, or a full queue. */
  overflowed: number;
  aqmDropped: number;
  cut: number;
  /** Larger than the MTU, and not to be cut; and those that were cut. */
  tooBig: number;
  fragmented: number;
  marked: number;
  duplicated: number;
  corrupted: number;
  /** Delivered before one that left earlier. */
  reordered: number;
}

/** Who owns the packet from then on. */
export interface LinkSink {
  deliver(p: NetemPacket, now: number): void;
  dropped(p: NetemPacket, why: DropReason, now: number): void;
  /** A bit will be flipped, or the packet cut: checksums that are left to a device must be filled in before. */
  beforeChange(p: NetemPacket): void;
}

interface Streams {
  readonly duplicate: Rng;
  readonly corrupt: Rng;
  readonly reorder: Rng;
  readonly jitter: Rng;
  readonly copy: Rng;
}

export class NetemLink {
  readonly counters: LinkCounters = {
    packets: 0,
    bytes: 0,
    lost: 0,
    overflowed: 0,
    aqmDropped: 0,
    cut: 0,
    tooBig: 0,
    fragmented: 0,
    marked: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
  };
  readonly spec: LinkSpec;
  /** ms that the last packet to leave had waited in the queue. */
  lastWait = 0;
  private readonly sink: LinkSink;
  private readonly pool: PacketPool;
  private readonly losses: LossModel;
  private readonly streams: Streams;
  private readonly queue: Fifo = new Fifo();
  private readonly codel: Codel | null;
  private readonly line: Fifo = new Fifo();
  private sending: NetemPacket | null = null;
  private sentAt = Infinity;
  private lastDelivery = -Infinity;

  /** `name` sets its random streams apart from those of other links. */
  constructor(spec: LinkSpec, seed: number, name: string, pool: PacketPool, sink: LinkSink) {
    this.spec = spec;
    this.sink = sink;
    this.pool = pool;
    this.losses = new LossModel(spec, seed, name);
    const stream = (model: string): Rng => namedRng(seed, `${name}/${model}`);
    this.streams = {
      duplicate: stream("duplicate"),
      corrupt: stream("corrupt"),
      reorder: stream("reorder"),
      jitter: stream("jitter"),
      copy: stream("copy"),
    };
    this.codel = spec.queue.codel
      ? new Codel(spec.queue, this.queue, {
          aqmDropped: (p, now) => {
            this.counters.aqmDropped++;
            this.sink.dropped(p, "aqm", now);
          },
          aqmMarked: () => void this.counters.marked++,
        })
      : null;
  }

  /** When `run` is to be called next, ms; Infinity: not before the next `offer`. */
  get due(): number {
    const first = this.line.first;
    return first !== null && first.deliverAt < this.sentAt ? first.deliverAt : this.sentAt;
  }

  /** What waits to be sent, without the packet that is being sent. */
  get queuePackets(): number {
    return this.queue.length;
  }

  get queueBytes(): number {
    return this.queue.bytes;
  }

  /** A packet enters at `now`, which never goes back; it is the link's from here on. Why it was dropped at once, or null. */
  offer(p: NetemPacket, now: number): DropReason | null {
    const { duplicate, corrupt, reorder, jitter, limit } = this.spec;
    const { streams, counters } = this;
    counters.packets++;
    counters.bytes += p.length;
    const lost = this.losses.next();
    const twice = duplicate > 0 && uniform(streams.duplicate) < duplicate;
    const damaged = corrupt > 0 && uniform(streams.corrupt) < corrupt;
    const bit = damaged ? below(streams.corrupt, p.length * 8) : 0;
    p.ahead = reorder > 0 && uniform(streams.reorder) < reorder;
    p.jitter = jitter > 0 ? 2 * uniform(streams.jitter) - 1 : 0;
    if (lost) return this.drop(p, "loss", now);
    const underWay = this.queue.length + this.line.length + (this.sending === null ? 0 : 1);
    if (underWay >= limit) return this.drop(p, "limit", now);
    const mtu = mtuAt(this.spec.mtu, now);
    if (p.length > mtu && !mayFragment(p)) return this.drop(p, "mtu", now);
    if (damaged) this.damage(p, bit);
    if (!twice || underWay + 1 >= limit) return this.enter(p, mtu, now);
    counters.duplicated++;
    const copy = this.pool.copy(p);
    copy.ahead = p.ahead;
    copy.jitter = jitter > 0 ? 2 * uniform(streams.copy) - 1 : 0;
    const dropped = this.enter(p, mtu, now);
    this.enter(copy, mtu, now);
    return dropped;
  }

  /** Does all that is due until `now`, each thing as of its own time. */
  run(now: number): void {
    for (;;) {
      const first = this.line.first;
      if (this.sentAt <= now && (first === null || this.sentAt <= first.deliverAt)) {
        const at = this.sentAt;
        const p = this.sending!;
        this.sending = null;
        this.sentAt = Infinity;
        this.leave(p, at);
        this.sendNext(at);
      } else if (first !== null && first.deliverAt <= now) {
        this.line.shift();
        this.sink.deliver(first, now);
      } else {
        return;
      }
    }
  }

  /** Drops all that is under way, unheard. */
  clear(): void {
    while (this.queue.length > 0) this.pool.give(this.queue.shift());
    while (this.line.length > 0) this.pool.give(this.line.shift());
    if (this.sending !== null) this.pool.give(this.sending);
    this.sending = null;
    this.sentAt = Infinity;
  }

  /** As a whole, or in pieces. */
  private enter(p: NetemPacket, mtu: number, now: number): DropReason | null {
    if (p.length <= mtu) return this.enqueue(p, now);
    this.sink.beforeChange(p);
    this.counters.fragmented++;
    let dropped: DropReason | null = null;
    for (const piece of fragments(p, mtu, this.pool)) dropped = this.enqueue(piece, now) ?? dropped;
    return dropped;
  }

  private enqueue(p: NetemPacket, now: number): DropReason | null {
    p.queuedAt = now;
    const { rate, queue: bound } = this.spec;
    if (rate === 0) return this.leave(p, now);
    const { length, bytes } = this.queue;
    if (this.sending !== null) {
      if (length + 1 > bound.packets || bytes + p.length > bound.bytes) {
        return this.drop(p, "queue", now);
      }
      if (length + 1 > bound.mark.packets || bytes + p.length > bound.mark.bytes) {
        if (markCe(p.buffer, p.length)) this.counters.marked++;
      }
    }
    this.queue.push(p);
    if (this.sending === null) this.sendNext(now);
    return null;
  }

  private sendNext(now: number): void {
    const p =
      this.codel !== null
        ? this.codel.dequeue(now)
        : this.queue.length > 0
          ? this.queue.shift()
          : null;
    if (p === null) return;
    this.lastWait = now - p.queuedAt;
    p.waited += this.lastWait;
    this.sending = p;
    this.sentAt = now + (p.length * 8000) / this.spec.rate;
  }

  /** The packet's last bit left at `at`. */
  private leave(p: NetemPacket, at: number): DropReason | null {
    const { cuts, delay, jitter, reorders } = this.spec;
    for (const [from, to] of cuts) if (at >= from && at < to) return this.drop(p, "cut", at);
    let deliverAt = at;
    if (!p.ahead) {
      deliverAt = at + Math.max(0, delay + jitter * p.jitter);
      if (!reorders && deliverAt < this.lastDelivery) deliverAt = this.lastDelivery;
    }
    if (deliverAt < this.lastDelivery) this.counters.reordered++;
    else this.lastDelivery = deliverAt;
    p.deliverAt = deliverAt;
    this.line.insertByTime(p);
    return null;
  }

  private damage(p: NetemPacket, bit: number): void {
    this.sink.beforeChange(p);
    p.buffer[bit >>> 3] = p.buffer[bit >>> 3]! ^ (0x80 >>> (bit & 7));
    this.counters.corrupted++;
  }

  private drop(p: NetemPacket, why: DropReason, now: number): DropReason {
    if (why === "loss") this.counters.lost++;
    else if (why === "cut") this.counters.cut++;
    else if (why === "mtu") this.counters.tooBig++;
    else this.counters.overflowed++;
    this.sink.dropped(p, why, now);
    return why;
  }
}
