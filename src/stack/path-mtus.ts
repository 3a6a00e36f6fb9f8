/**
 * What routers said of the way to a destination: its path MTU, for all connections to it, forgotten after a while so that
 * a larger one is tried again (RFC 1191 §6.3).
 */
import { after, type Instant, NEVER } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { PathMtus } from "../tcp/path-mtu.ts";

/** Destinations remembered; the one learnt of first goes when there are more. */
const MOST = 1024;

interface Entry {
  readonly mtu: number;
  readonly expires: Instant;
}

export class PathMtuCache implements PathMtus {
  epoch = 0;
  private readonly entries = new Map<Ipv4Address, Entry>();
  private readonly link: { readonly mtu: number };
  private readonly keepMs: number;

  /** `link` has the MTU of what is not here; `expires` in seconds (`mtu_expires`). */
  constructor(link: { readonly mtu: number }, expires: number) {
    this.link = link;
    this.keepMs = expires * 1000;
  }

  get size(): number {
    return this.entries.size;
  }

  mtu(destination: Ipv4Address, now: Instant): number {
    const entry = this.valid(destination, now);
    return entry === undefined ? this.link.mtu : Math.min(entry.mtu, this.link.mtu);
  }

  expires(destination: Ipv4Address, now: Instant): Instant {
    return this.valid(destination, now)?.expires ?? NEVER;
  }

  learn(destination: Ipv4Address, mtu: number, now: Instant): void {
    this.entries.delete(destination); // to the end of the order in which they go
    if (this.entries.size >= MOST) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(destination, { mtu, expires: after(now, this.keepMs) });
    this.epoch++;
  }

  /** Everything learnt. */
  forget(): void {
    this.entries.clear();
    this.epoch++;
  }

  private valid(destination: Ipv4Address, now: Instant): Entry | undefined {
    const entry = this.entries.get(destination);
    if (entry === undefined || entry.expires > now) return entry;
    this.entries.delete(destination);
    return undefined;
  }
}
