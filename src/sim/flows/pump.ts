/** Sends a number of bytes as the send buffer takes them, and tells whether what comes is what was sent. */
import type { Endpoint } from "../../tcp/endpoint.ts";

/** A prime, so that a piece at a wrong place is not right by chance. */
const PERIOD = 65521;

function pattern(): Uint8Array {
  const bytes = new Uint8Array(PERIOD);
  let x = 1;
  for (let i = 0; i < PERIOD; i++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

const PATTERN = pattern();

export class Pump {
  /** Bytes still to be queued. */
  left = 0;
  private sent = 0;

  /** Queues what the buffer takes now; true when all is queued. */
  run(endpoint: Endpoint): boolean {
    while (this.left > 0 && endpoint.sendSpace > 0) {
      const at = this.sent % PERIOD;
      const length = Math.min(this.left, PERIOD - at);
      endpoint.send(length === PERIOD ? PATTERN : PATTERN.subarray(at, at + length));
      this.sent += length;
      this.left -= length;
    }
    return this.left === 0;
  }
}

/** Offset in `chunk` of the first byte that is not what stands at `at` of the stream; -1: all are right. */
export function firstWrong(chunk: Uint8Array, at: number): number {
  let p = at % PERIOD;
  for (let i = 0; i < chunk.length; i++) {
    if (chunk[i] !== PATTERN[p]) return i;
    if (++p === PERIOD) p = 0;
  }
  return -1;
}
