/**
 * Looks at every packet on its way through the stack, in memory as at the device of the other process: how many answers it
 * had (I4), how long it took (I5), whether its drop was counted (I7). A packet is judged with a poll of its own.
 */
import type { PacketRemark } from "../../../src/base/device.ts";
import type { Counters } from "../../../src/stack/counters.ts";
import { isControl, readSent, RST, TCP } from "./packet.ts";

/** No packet may hold the loop longer (I5), ms. */
const BLOCKED = 50;
/** The collector, whose time is the process's too, may come now and then. */
const PAUSES = 2;
/** Packets are looked at one by one up to here; beyond it only their sums are. */
const LOOKED_AT = 20_000;

/** What went through, since the start. */
export interface Tally {
  readonly received: number;
  readonly sent: number;
  /** Packets whose remark says that they were dropped. */
  readonly dropped: number;
  /** What counters of anything but traffic grew by. */
  readonly counted: number;
  /** ms of the stack. */
  readonly spent: number;
  /** ms of the packet that took longest. */
  readonly slowest: number;
  readonly violations: readonly string[];
}

export class Judge {
  private readonly counters: Counters;
  private readonly violations: string[] = [];
  received = 0;
  sent = 0;
  private dropped = 0;
  private spent = 0;
  private slowest = 0;
  private pauses = 0;
  /** While a packet is judged: itself, and what it drew so far. */
  private cause: Uint8Array | null = null;
  private controls = 0;

  constructor(counters: Counters) {
    this.counters = counters;
  }

  /** `run` has the stack take the packet and answer it; `after`, which is not timed, may tell what left. */
  packet(packet: Uint8Array, run: () => PacketRemark, after: () => void = () => {}): void {
    const looked = this.received++ < LOOKED_AT;
    const before = looked ? this.counted() : 0;
    this.cause = looked ? packet : null;
    this.controls = 0;
    const cpu = looked ? process.cpuUsage() : undefined;
    const began = performance.now();
    const remark = run();
    const took = performance.now() - began;
    this.spent += took;
    if (looked) this.isQuick(took, process.cpuUsage(cpu).user / 1000);
    after();
    if (remark?.startsWith("dropped") === true) {
      this.dropped++;
      if (looked && this.counted() === before) this.violates(`I7: "${remark}" is counted nowhere`);
    }
    if (this.controls > 1) {
      this.violates(`I4: ${this.controls} control segments in answer to one packet`);
    }
    this.cause = null;
  }

  /** Both the clock and the processor say so: another process may have had the processor meanwhile. */
  private isQuick(took: number, cpu: number): void {
    const blocked = Math.min(took, cpu);
    this.slowest = Math.max(this.slowest, blocked);
    if (blocked > BLOCKED && ++this.pauses > PAUSES) {
      this.violates(`I5: one packet took ${blocked.toFixed(0)} ms`);
    }
  }

  /** What left the stack. */
  leaves(packet: Uint8Array): void {
    this.sent++;
    if (this.cause === null) return;
    let seen;
    try {
      seen = readSent(packet, 0);
    } catch (error) {
      this.violates((error as Error).message);
      return;
    }
    if (isControl(seen)) this.controls++;
    if ((seen.flags & RST) !== 0 && isReset(this.cause)) {
      this.violates("I4: a RST was answered with a RST");
    }
  }

  /** All counters but those of what came in and went out. */
  private counted(): number {
    let n = 0;
    for (const [name, value] of this.counters.entries()) {
      if (!/InReceives|InSegs|InMsgs|OutRequests|OutSegs/.test(name)) n += value;
    }
    return n;
  }

  private violates(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what);
  }

  get tally(): Tally {
    const { received, sent, dropped, spent, slowest, violations } = this;
    return { received, sent, dropped, counted: this.counted(), spent, slowest, violations };
  }
}

function isReset(packet: Uint8Array): boolean {
  const at = (packet[0]! & 15) * 4;
  return packet[9] === TCP && at + 13 < packet.length && (packet[at + 13]! & RST) !== 0;
}
