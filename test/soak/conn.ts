/** One end of a connection in a soak: what it was sent is checked byte by byte, what it heard is remembered. */
import type { Failure } from "../../src/base/errors.ts";
import {
  type Endpoint,
  type EndpointOwner,
  EVENT_CLOSED,
  EVENT_PEER_FIN,
} from "../../src/tcp/endpoint.ts";
import type { TcpState } from "../../src/tcp/state.ts";
import type { Side } from "./wire.ts";

/** Prime, so that no segment size divides it. */
const PERIOD = 65_521;
const PATTERN = Uint8Array.from({ length: 2 * PERIOD }, (_, n) => {
  const i = n % PERIOD;
  return (i * 31 + (i >> 8) * 7) & 0xff;
});

export class Conn implements EndpointOwner {
  readonly side: Side;
  endpoint: Endpoint | null = null;
  reads = true;
  /** Ends its side when the peer has ended its own. */
  answersEnd = false;
  sent = 0;
  received = 0;
  wrong = 0;
  peerEnded = false;
  closed = false;

  constructor(side: Side) {
    this.side = side;
  }

  get state(): TcpState {
    return this.endpoint?.state ?? "CLOSED";
  }

  get maySend(): boolean {
    return this.state === "ESTABLISHED" || this.state === "CLOSE-WAIT";
  }

  get error(): Failure | null {
    return this.endpoint?.error ?? null;
  }

  /** As a program writes, while there is room and somebody to write to. Returns how much went. */
  sends(bytes: number): number {
    let left = bytes;
    while (left > 0 && this.maySend && this.endpoint!.sendSpace > 0) {
      const from = this.sent % PERIOD;
      const n = Math.min(left, PERIOD);
      this.endpoint!.send(PATTERN.subarray(from, from + n));
      this.sent += n;
      left -= n;
    }
    return bytes - left;
  }

  onEvents(endpoint: Endpoint, events: number): void {
    if ((events & EVENT_CLOSED) !== 0) this.closed = true;
    if (this.reads) this.read(endpoint);
    if ((events & EVENT_PEER_FIN) !== 0) {
      this.peerEnded = true;
      if (this.answersEnd) endpoint.shutdown();
    }
  }

  read(endpoint: Endpoint = this.endpoint!): void {
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) {
      let at = 0;
      while (at < c.length) {
        const from = this.received % PERIOD;
        const n = Math.min(c.length - at, PERIOD);
        const same = Buffer.compare(c.subarray(at, at + n), PATTERN.subarray(from, from + n));
        if (same !== 0) this.wrong++;
        this.received += n;
        at += n;
      }
    }
  }
}
