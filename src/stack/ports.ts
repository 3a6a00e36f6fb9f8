/** Ephemeral ports (RFC 6056 §3.3.4): a keyed start for each destination, and a counter that moves by random steps. */
import { below, type Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import type { Ipv4Address } from "../wire/address.ts";

/** Counters shared by destinations (RFC 6056's table of the double-hash selection). */
const CELLS = 256;
/** Largest step: makes the next port a guess, and still uses most of the range. */
const STEP = 8;

export class EphemeralPorts {
  private readonly rng: Rng;
  private readonly key: SipKey;
  private readonly first: number;
  private readonly count: number;
  private readonly cells: Uint32Array = new Uint32Array(CELLS);

  constructor(rng: Rng, range: readonly [number, number]) {
    this.rng = rng;
    this.key = sipKey(rng);
    this.first = range[0];
    this.count = range[1] - range[0] + 1;
    for (let i = 0; i < CELLS; i++) this.cells[i] = rng.i32();
  }

  /** A port for which `isFree` holds; 0 when there is none. At most one pass over the range. */
  choose(
    local: Ipv4Address,
    remote: Ipv4Address,
    remotePort: number,
    isFree: (port: number) => boolean,
  ): number {
    const offset = sipHash(this.key, local, remote, remotePort, 1) >>> 0;
    const cell = sipHash(this.key, local, remote, remotePort, 2) & (CELLS - 1);
    this.cells[cell] = this.cells[cell]! + 1 + below(this.rng, STEP);
    const start = (offset + this.cells[cell]!) % this.count;
    for (let i = 0; i < this.count; i++) {
      const port = this.first + ((start + i) % this.count);
      if (isFree(port)) {
        this.cells[cell] = this.cells[cell]! + i;
        return port;
      }
    }
    return 0;
  }
}
