/** IPv4 identification (RFC 6864): a counter for each peer from a keyed start, so that nobody reads a global one. */
import type { Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import type { Ipv4Address } from "../wire/address.ts";

/** Peers share counters by hash; enough of them that one tells little about another. */
const CELLS = 2048;

export class IpIdentification {
  private readonly key: SipKey;
  private readonly cells = new Uint16Array(CELLS);

  constructor(rng: Rng) {
    this.key = sipKey(rng);
    for (let i = 0; i < CELLS; i++) this.cells[i] = rng.i32();
  }

  next(source: Ipv4Address, destination: Ipv4Address, protocol: number): number {
    const h = sipHash(this.key, source, destination, protocol, 0);
    const cell = h & (CELLS - 1);
    this.cells[cell]!++;
    return (this.cells[cell]! + (h >>> 16)) & 0xffff;
  }
}
