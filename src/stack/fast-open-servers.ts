/**
 * What a client remembers for Fast Open, by address of the server (RFC 7413 §4.1.3): the cookie, the MSS, and failures, after
 * which nothing is tried for a while, longer each time. And the pause for all servers that `tcp_fastopen_blackhole_timeout_sec`
 * asks for, after a connection opened so fell silent.
 */
import { after, type Instant, instantOf } from "../base/time.ts";
import type { FastOpenServers, KnownServer } from "../tcp/fast-open.ts";
import type { Ipv4Address } from "../wire/address.ts";

/** Servers remembered; the one learnt of first goes when there are more. */
const MOST = 1024;
/** ms after the first failure, doubled with each more, at most so often: what Linux did while it remembered them by server. */
const PAUSE = 60_000;
const MOST_DOUBLINGS = 6;

interface Entry {
  readonly cookie: Uint8Array;
  readonly mss: number;
  readonly failures: number;
  /** Nothing is tried before. */
  readonly pausedUntil: Instant;
}

const LONG_AGO = instantOf(-Infinity);
const UNKNOWN: Entry = {
  cookie: new Uint8Array(0),
  mss: 536, // MUST-15
  failures: 0,
  pausedUntil: LONG_AGO,
};

export class FastOpenCache implements FastOpenServers {
  private readonly entries = new Map<Ipv4Address, Entry>();
  private readonly blackHoleMs: number;
  private readonly count: (name: string) => void;
  private blackHoles = 0;
  private pausedUntil: Instant = LONG_AGO;

  /** `blackHoleTimeout` in seconds; 0: no pause for all. */
  constructor(blackHoleTimeout: number, count: (name: string) => void) {
    this.blackHoleMs = blackHoleTimeout * 1000;
    this.count = count;
  }

  get size(): number {
    return this.entries.size;
  }

  known(server: Ipv4Address, now: Instant): KnownServer | null {
    if (now < this.pausedUntil) return null;
    const entry = this.entries.get(server) ?? UNKNOWN;
    return now < entry.pausedUntil ? null : entry;
  }

  learn(server: Ipv4Address, cookie: Uint8Array, mss: number): void {
    this.put(server, { cookie, mss, failures: 0, pausedUntil: LONG_AGO });
  }

  succeeded(server: Ipv4Address, mss: number): void {
    const { cookie } = this.entries.get(server) ?? UNKNOWN;
    this.learn(server, cookie, mss);
  }

  failed(server: Ipv4Address, now: Instant): void {
    const entry = this.entries.get(server) ?? UNKNOWN;
    const pause = PAUSE * 2 ** Math.min(entry.failures, MOST_DOUBLINGS);
    this.put(server, {
      ...entry,
      failures: entry.failures + 1,
      pausedUntil: after(now, pause),
    });
  }

  blackHole(now: Instant): void {
    if (this.blackHoleMs === 0) return;
    const pause = this.blackHoleMs * 2 ** Math.min(this.blackHoles, MOST_DOUBLINGS);
    this.blackHoles++;
    this.pausedUntil = after(now, pause);
    this.count("TcpExtTCPFastOpenBlackhole");
  }

  /** Everything learnt, cookies and failures. */
  forget(): void {
    this.entries.clear();
    this.blackHoles = 0;
    this.pausedUntil = LONG_AGO;
  }

  endSeen(): void {
    this.blackHoles = 0;
  }

  private put(server: Ipv4Address, entry: Entry): void {
    this.entries.delete(server); // to the end of the order in which they go
    if (this.entries.size >= MOST) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(server, entry);
  }
}
