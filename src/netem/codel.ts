/**
 * Controlled delay (RFC 8289): what waited longer than the target for a whole interval is dropped at the head of the queue, more
 * often the longer that lasts; or marked, where the sender understands it.
 */
import { markCe } from "./ecn.ts";
import type { Fifo } from "./fifo.ts";
import type { NetemPacket } from "./packet.ts";

export interface CodelSpec {
  /** ms (RFC 8289 §4.3: 5 and 100). */
  readonly target: number;
  readonly interval: number;
  /** Packets of ECN-capable transports are marked, not dropped. */
  readonly ecn: boolean;
}

export interface CodelSink {
  aqmDropped(p: NetemPacket, now: number): void;
  aqmMarked(): void;
}

export class Codel {
  private readonly spec: CodelSpec;
  private readonly queue: Fifo;
  private readonly sink: CodelSink;
  private largest = 0;
  /** When the delay will have been above the target for an interval; 0: it is not above. */
  private firstAbove = 0;
  private dropNext = 0;
  private count = 0;
  private lastCount = 0;
  private dropping = false;
  private mayDrop = false;

  constructor(spec: CodelSpec, queue: Fifo, sink: CodelSink) {
    this.spec = spec;
    this.queue = queue;
    this.sink = sink;
  }

  /** The next packet to send; null when the queue is empty, perhaps because all was dropped. */
  dequeue(now: number): NetemPacket | null {
    let p = this.take(now);
    if (this.dropping) {
      if (!this.mayDrop) this.dropping = false;
      while (this.dropping && p !== null && now >= this.dropNext) {
        this.count++;
        if (this.marks(p)) {
          this.dropNext = this.control(this.dropNext);
          break;
        }
        this.sink.aqmDropped(p, now);
        p = this.take(now);
        if (this.mayDrop) this.dropNext = this.control(this.dropNext);
        else this.dropping = false;
      }
      return p;
    }
    if (!this.mayDrop || p === null) return p;
    if (!this.marks(p)) {
      this.sink.aqmDropped(p, now);
      p = this.take(now);
    }
    this.dropping = true;
    // soon after the last time of dropping, its rate is the one to begin with (RFC 8289 §5.4)
    const before = this.count - this.lastCount;
    this.count = before > 1 && now - this.dropNext < 16 * this.spec.interval ? before : 1;
    this.dropNext = this.control(now);
    this.lastCount = this.count;
    return p;
  }

  private marks(p: NetemPacket): boolean {
    if (!this.spec.ecn || !markCe(p.buffer, p.length)) return false;
    this.sink.aqmMarked();
    return true;
  }

  private take(now: number): NetemPacket | null {
    this.mayDrop = false;
    if (this.queue.length === 0) {
      this.firstAbove = 0;
      return null;
    }
    const p = this.queue.shift();
    if (p.length > this.largest) this.largest = p.length;
    const { target, interval } = this.spec;
    if (now - p.queuedAt < target || this.queue.bytes <= this.largest) this.firstAbove = 0;
    else if (this.firstAbove === 0) this.firstAbove = now + interval;
    else if (now >= this.firstAbove) this.mayDrop = true;
    return p;
  }

  private control(from: number): number {
    return from + this.spec.interval / root(this.count);
  }
}

/** Newton's square root of a whole number from 1 on: the same digits on every engine. */
function root(n: number): number {
  let x = 1;
  while (x * x < n) x *= 2;
  for (let i = 0; i < 6; i++) x = (x + n / x) / 2;
  return x;
}
