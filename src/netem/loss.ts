/** Which packets a link loses: each by chance, in bursts by the model of Gilbert and Elliott, or those of a list. */
import type { Rng } from "../base/rng.ts";
import { namedRng, uniform } from "../base/rng.ts";

/**
 * Two states with a loss of their own each. The chances of going over hold for each packet: bursts last 1 / `toGood` packets on
 * average, and `toBad / (toBad + toGood)` of all packets meet the bad state.
 */
export interface GilbertElliott {
  readonly toBad: number;
  readonly toGood: number;
  readonly lossBad: number;
  readonly lossGood: number;
}

/** Numbers of packets, from 1, both ends included. */
export type PacketRange = readonly [first: number, last: number];

export interface LossSpec {
  /** Chance of each packet, 0 to 1. */
  readonly loss: number;
  readonly burst: GilbertElliott | null;
  readonly drop: readonly PacketRange[];
}

export class LossModel {
  private readonly spec: LossSpec;
  private readonly each: Rng;
  private readonly chain: Rng;
  private bad = false;
  private count = 0;

  constructor(spec: LossSpec, seed: number, name: string) {
    this.spec = spec;
    this.each = namedRng(seed, `${name}/loss`);
    this.chain = namedRng(seed, `${name}/burst`);
  }

  /** Whether the next packet is lost. Each model is asked for each packet, so that none moves another's choices. */
  next(): boolean {
    const { loss, burst, drop } = this.spec;
    this.count++;
    let lost = loss > 0 && uniform(this.each) < loss;
    if (burst !== null && this.inBurst(burst)) lost = true;
    if (drop.length > 0) {
      for (const [first, last] of drop) if (this.count >= first && this.count <= last) lost = true;
    }
    return lost;
  }

  private inBurst(burst: GilbertElliott): boolean {
    const lost = uniform(this.chain) < (this.bad ? burst.lossBad : burst.lossGood);
    if (uniform(this.chain) < (this.bad ? burst.toGood : burst.toBad)) this.bad = !this.bad;
    return lost;
  }
}
