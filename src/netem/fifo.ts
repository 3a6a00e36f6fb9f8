/** A ring of packets that grows: in at the end, out at the front, and in its place by time. */
import { invariant } from "../base/errors.ts";
import type { NetemPacket } from "./packet.ts";

export class Fifo {
  private slots: (NetemPacket | null)[] = Array.from({ length: 16 }, () => null);
  private head = 0;
  length = 0;
  bytes = 0;

  get first(): NetemPacket | null {
    return this.length === 0 ? null : this.slots[this.head]!;
  }

  get last(): NetemPacket | null {
    return this.length === 0 ? null : this.at(this.length - 1);
  }

  push(p: NetemPacket): void {
    if (this.length === this.slots.length) this.grow();
    this.slots[(this.head + this.length) & (this.slots.length - 1)] = p;
    this.length++;
    this.bytes += p.length;
  }

  shift(): NetemPacket {
    const p = this.slots[this.head]!;
    invariant(this.length > 0, "a packet is there to be taken");
    this.slots[this.head] = null;
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.length--;
    this.bytes -= p.length;
    return p;
  }

  /** Behind all that are delivered at the same time or earlier. */
  insertByTime(p: NetemPacket): void {
    this.push(p);
    const mask = this.slots.length - 1;
    let i = this.length - 1;
    for (; i > 0 && this.at(i - 1).deliverAt > p.deliverAt; i--) {
      this.slots[(this.head + i) & mask] = this.at(i - 1);
    }
    this.slots[(this.head + i) & mask] = p;
  }

  private at(i: number): NetemPacket {
    return this.slots[(this.head + i) & (this.slots.length - 1)]!;
  }

  private grow(): void {
    const old = this.slots;
    const { head, length } = this;
    this.slots = Array.from({ length: old.length * 2 }, (_, i) =>
      i < length ? old[(head + i) & (old.length - 1)]! : null,
    );
    this.head = 0;
  }
}
