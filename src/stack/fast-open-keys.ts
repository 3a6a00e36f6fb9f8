/**
 * The cookies that a server gives out (RFC 7413 §4.1.2): eight bytes of a keyed hash over the client's address and ours,
 * under a key that changes. A cookie is good while its key is the present one or the one before.
 */
import type { Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import { writeI32, readI32 } from "../base/bytes.ts";
import { makeCookie, readKey } from "./fast-open-cookie.ts";
import type { Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";

/** ms of a key: its cookies live for half a day to a day, and who was told one by then is told the next. */
export const KEY_LIFETIME: number = 12 * 3600 * 1000;
export const COOKIE_BYTES = 8;

export type CookieVerdict = "bad" | "good" | "old";

export class FastOpenKeys {
  private readonly rng: Rng;
  private readonly settings: { readonly tcp_fastopen_key: string };
  private readonly scratch = new Uint8Array(COOKIE_BYTES);
  private key: SipKey | null = null;
  private previous: SipKey | null = null;
  private epoch = 0;

  constructor(
    rng: Rng,
    settings: { readonly tcp_fastopen_key: string } = { tcp_fastopen_key: "" },
  ) {
    this.rng = rng;
    this.settings = settings;
  }

  /** Writes the cookie for a client at `remote` to the start of `to`. */
  make(local: Ipv4Address, remote: Ipv4Address, now: Instant, to: Uint8Array): void {
    const set = this.settings.tcp_fastopen_key;
    if (set !== "") return makeCookie(readKey(set), local, remote, to);
    const key = this.keyAt(now);
    writeI32(to, 0, sipHash(key, remote, local, 0, 0));
    writeI32(to, 4, sipHash(key, remote, local, 1, 0));
  }

  /** "old": good under the key before; its owner should have a new one. */
  check(s: TcpSegment, now: Instant): CookieVerdict {
    if (s.fastOpen !== COOKIE_BYTES) return "bad";
    if (this.settings.tcp_fastopen_key !== "") {
      this.make(s.destination, s.source, now, this.scratch);
      return this.scratch.every((byte, i) => byte === s.cookie[i]) ? "good" : "bad";
    }
    if (matches(this.keyAt(now), s)) return "good";
    return this.previous !== null && matches(this.previous, s) ? "old" : "bad";
  }

  private keyAt(now: Instant): SipKey {
    const epoch = Math.floor(now / KEY_LIFETIME);
    if (this.key === null || epoch !== this.epoch) {
      this.previous = epoch === this.epoch + 1 ? this.key : null;
      this.key = sipKey(this.rng);
      this.epoch = epoch;
    }
    return this.key;
  }
}

function matches(key: SipKey, s: TcpSegment): boolean {
  return (
    readI32(s.cookie, 0) === sipHash(key, s.source, s.destination, 0, 0) &&
    readI32(s.cookie, 4) === sipHash(key, s.source, s.destination, 1, 0)
  );
}
