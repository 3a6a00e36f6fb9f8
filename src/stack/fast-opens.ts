/** What a listener makes of a SYN with the Fast Open option (RFC 7413 §4.2.2). */
import type { Instant } from "../base/time.ts";
import type { Settings } from "../tcp/config.ts";
import { FastOpenState } from "../tcp/fast-open.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import type { Counters } from "./counters.ts";
import { COOKIE_BYTES, type FastOpenKeys } from "./fast-open-keys.ts";
import type { ListenerImpl } from "./listener.ts";

/** An ordinary SYN. */
export const NO_FAST_OPEN = 0;
/** An ordinary one too, whose answer is to have a cookie. */
export const GIVE_COOKIE = 1;
/** Its data may be taken; the cookie is of the key before: a new one goes along. */
export const GOOD_COOKIE = 2;
export const OLD_COOKIE = 3;
export type FastOpenVerdict = 0 | 1 | 2 | 3;

/** Bit of tcp_fastopen. */
const SERVER = 2;
const WITHOUT_COOKIE = 0x200;

export class FastOpens {
  private readonly settings: Settings;
  private readonly counters: Counters;
  private readonly keys: FastOpenKeys;

  constructor(settings: Settings, counters: Counters, keys: FastOpenKeys) {
    this.settings = settings;
    this.counters = counters;
    this.keys = keys;
  }

  judge(listener: ListenerImpl, s: TcpSegment, now: Instant): FastOpenVerdict {
    const { fastOpens } = listener;
    const { counters } = this;
    const bits = this.settings.tcp_fastopen;
    if (fastOpens.limit === 0 || (bits & SERVER) === 0) return NO_FAST_OPEN;
    const bare = (bits & WITHOUT_COOKIE) !== 0 && s.payloadLength > 0;
    if (bare && fastOpens.hasRoom(now)) {
      counters.add("TcpExtTCPFastOpenPassive");
      return GOOD_COOKIE;
    }
    if (s.fastOpen < 0) return NO_FAST_OPEN;
    if (s.fastOpen === 0) {
      counters.add("TcpExtTCPFastOpenCookieReqd");
      return GIVE_COOKIE;
    }
    if (!fastOpens.hasRoom(now)) {
      counters.add("TcpExtTCPFastOpenListenOverflow");
      return NO_FAST_OPEN;
    }
    const verdict = this.keys.check(s, now);
    if (verdict === "bad") {
      counters.add("TcpExtTCPFastOpenPassiveFail");
      return GIVE_COOKIE;
    }
    counters.add("TcpExtTCPFastOpenPassive");
    if (verdict === "good") return GOOD_COOKIE;
    counters.add("TcpExtTCPFastOpenPassiveAltKey");
    return OLD_COOKIE;
  }

  /** Counts the connection in; with `renew` its SYN-ACK has a new cookie. */
  enter(listener: ListenerImpl, s: TcpSegment, renew: boolean, now: Instant): FastOpenState {
    let cookie: Uint8Array | null = null;
    if (renew) {
      cookie = new Uint8Array(COOKIE_BYTES);
      this.keys.make(s.destination, s.source, now, cookie);
    }
    listener.fastOpens.enter();
    return new FastOpenState(cookie, 0, listener.fastOpens);
  }
}
