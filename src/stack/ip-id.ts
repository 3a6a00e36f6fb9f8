/**
 * IPv4 identification (RFC 6864): a counter for each peer, so that nobody reads a global one, seen through a keyed permutation,
 * so that a peer cannot tell its next value from the last (RFC 7739 §5). No value comes twice in 65,536.
 */
import type { Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import type { Ipv4Address } from "../wire/address.ts";

/** Peers share counters by hash; enough of them that one tells little about another. */
const CELLS = 2048;
/** Rounds of a Feistel network after which a permutation looks random (Luby and Rackoff 1988). */
const ROUNDS = 4;

export class IpIdentification {
  private readonly key: SipKey;
  private readonly cells = new Uint16Array(CELLS);

  constructor(rng: Rng) {
    this.key = sipKey(rng);
    for (let i = 0; i < CELLS; i++) this.cells[i] = rng.i32();
  }

  next(source: Ipv4Address, destination: Ipv4Address, protocol: number): number {
    const cell = sipHash(this.key, source, destination, protocol, 0) & (CELLS - 1);
    this.cells[cell]!++;
    let left = this.cells[cell]! >> 8;
    let right = this.cells[cell]! & 0xff;
    for (let round = 1; round <= ROUNDS; round++) {
      const mixed = sipHash(this.key, source, destination, protocol, (round << 8) | right) & 0xff;
      [left, right] = [right, left ^ mixed];
    }
    return (left << 8) | right;
  }
}
