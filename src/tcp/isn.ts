/** Initial sequence numbers (RFC 6528, RFC 9293 §3.4.1): a 4 µs clock plus a keyed hash of the socket pair. */
import type { Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import type { Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seq } from "../wire/seq.ts";

/** Ticks of 4 µs in a ms (MUST-8). */
const TICKS_PER_MS = 250;

export class IsnGenerator {
  private readonly key: SipKey;
  private readonly timestampKey: SipKey;
  private readonly origin: number;

  constructor(rng: Rng) {
    this.key = sipKey(rng);
    this.timestampKey = sipKey(rng);
    this.origin = rng.i32();
  }

  generate(
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
    now: Instant,
  ): SeqNum {
    const clock = Math.floor(now * TICKS_PER_MS) % 4294967296;
    const ports = (localPort << 16) | remotePort;
    return seq((clock | 0) + sipHash(this.key, local, remote, ports, this.origin));
  }

  /** RFC 7323 §7.1: an offset of each connection's own for the timestamp clock. */
  timestampOffset(
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
  ): number {
    return sipHash(this.timestampKey, local, remote, (localPort << 16) | remotePort, 0);
  }
}
