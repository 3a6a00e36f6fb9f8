/**
 * Which connections have a source route (RFC 9293 §3.9.2.1): given by the user, or the way back along one that their peer
 * used. Nearly always empty, which is all that a packet on its way out asks.
 */
import { StackError } from "../base/errors.ts";
import { type Instant, instantOf } from "../base/time.ts";
import { type Ipv4Address, isUnicast } from "../wire/address.ts";
import type { Ipv4Header } from "../wire/ipv4.ts";
import {
  isRouteCompleted,
  LOOSE_SOURCE_ROUTE,
  MAX_HOPS,
  returnRoute,
  type SourceRoute,
  sourceRoute,
} from "../wire/source-route.ts";
import { ACK, RST, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { Settings } from "../tcp/config.ts";
import { updateMss } from "../tcp/mss.ts";
import type { Tcb } from "../tcp/tcb.ts";
import type { ConnectionTable } from "./connection-table.ts";

/** Routes learnt from peers that are kept; SYNs that come to nothing leave theirs behind until this is reached. */
const MOST = 4096;
/** ms between two searches for such remains. */
const SWEEP = 1000;

interface Entry {
  readonly route: SourceRoute;
  /** The user's: nothing received replaces it (MUST-52). */
  readonly given: boolean;
  readonly pair: Pair;
}

/** A socket pair, as the connection table takes it. */
type Pair = readonly [Ipv4Address, number, Ipv4Address, number];

export class SourceRoutes {
  private readonly entries = new Map<string, Entry>();
  private readonly accept: boolean;
  private readonly table: ConnectionTable<object>;
  private swept: Instant = instantOf(0);

  constructor(settings: Settings, table: ConnectionTable<object>) {
    this.accept = settings.accept_source_route !== 0;
    this.table = table;
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /** Whether a packet with a source route is to be dropped: not wanted (RFC 7126 §4.3), or not at its end. */
  refuses(h: Ipv4Header, buffer: Uint8Array): boolean {
    return !this.accept || !isRouteCompleted(buffer, h.sourceRouteAt);
  }

  /** What a connection's segments are to carry. */
  find(...pair: Pair): SourceRoute | null {
    if (this.entries.size === 0) return null;
    return this.entries.get(pair.join())?.route ?? null;
  }

  /** By the user, for an active open (MUST-51), if at all. Throws EINVAL. */
  give(t: Tcb, hops: readonly Ipv4Address[] | undefined): void {
    if (hops === undefined) return;
    if (hops.length < 1 || hops.length > MAX_HOPS || !hops.every(isUnicast)) {
      throw new StackError("EINVAL", `a source route has 1 to ${MAX_HOPS} hops, each a host`);
    }
    const route = sourceRoute(LOOSE_SOURCE_ROUTE, hops, t.remoteAddress);
    this.entries.set(pairOf(t).join(), { route, given: true, pair: pairOf(t) });
    this.apply(t);
  }

  /** Meets a listener. A SYN is answered along its route turned round (MUST-53), and not along one left by another SYN. */
  begin(h: Ipv4Header, s: TcpSegment, now: Instant): void {
    if ((!h.sourceRoute && this.isEmpty) || (s.flags & (SYN | ACK | RST)) !== SYN) return;
    this.forget(s.destination, s.destinationPort, s.source, s.sourcePort);
    if (h.sourceRoute) this.learn(h, s, now);
  }

  /** A segment that was taken: its route turned round is the connection's from now on (SHLD-24). */
  learn(h: Ipv4Header, s: TcpSegment, now: Instant): void {
    const pair: Pair = [s.destination, s.destinationPort, s.source, s.sourcePort];
    const key = pair.join();
    if (this.entries.get(key)?.given === true) return;
    const route = returnRoute(s.buffer, h.sourceRouteAt, s.source);
    if (route === null) {
      this.entries.delete(key);
      return;
    }
    if (this.entries.size >= MOST && !this.entries.has(key)) {
      this.sweep(now);
      if (this.entries.size >= MOST) return;
    }
    this.entries.set(key, { route, given: false, pair });
  }

  /** The connection's segments have so much less room for text. */
  apply(t: Tcb): void {
    const bytes = this.find(...pairOf(t))?.option.length ?? 0;
    if (bytes === t.ipOptionBytes) return;
    t.ipOptionBytes = bytes;
    updateMss(t);
  }

  forget(...pair: Pair): void {
    if (this.entries.size > 0) this.entries.delete(pair.join());
  }

  private sweep(now: Instant): void {
    if (now - this.swept < SWEEP) return;
    this.swept = now;
    for (const [key, { pair }] of this.entries)
      if (this.table.get(...pair) === null) this.entries.delete(key);
  }
}

function pairOf(t: Tcb): Pair {
  return [t.localAddress, t.localPort, t.remoteAddress, t.remotePort];
}
