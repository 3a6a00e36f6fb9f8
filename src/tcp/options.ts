/** What both SYNs agree on: MSS, window scale, timestamps, SACK, ECN. */
import type { Instant } from "../base/time.ts";
import { startCongestionControl } from "./congestion/start.ts";
import { firstWindow } from "./congestion/validation.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import { agreeEcn } from "./ecn.ts";
import { startMtuSearch } from "./mtu-search.ts";
import { updateMss } from "./mss.ts";
import type { Tcb } from "./tcb.ts";
import { mostReceived } from "./tuning.ts";
import { readUserTimeout } from "./user-timeout.ts";

/** The shift for a receive buffer that may grow to `max` bytes (RFC 7323 §2.3: at most 14). */
export function windowScaleFor(max: number): number {
  let shift = 0;
  while (shift < 14 && 65535 << shift < max) shift++;
  return shift;
}

export function agreeOptions(t: Tcb, s: TcpSegment, now: Instant): void {
  const { settings } = t.env;
  t.snd.peerMss = s.mss > 0 ? Math.max(s.mss, settings.tcp_min_snd_mss) : 536;
  if (t.tuning?.maxSegment !== undefined)
    t.snd.peerMss = Math.min(t.snd.peerMss, t.tuning.maxSegment);
  t.windowScaling = s.windowScale >= 0 && settings.tcp_window_scaling !== 0;
  // the log that RFC 7323 §2.3 asks for
  if (s.windowScaleOver) t.env.count("TcpExtTCPWindowScaleOver14");
  t.snd.scale = t.windowScaling ? s.windowScale : 0;
  t.rcv.scale = t.windowScaling ? windowScaleFor(mostReceived(t)) : 0;
  t.timestamps = s.hasTimestamps && settings.tcp_timestamps !== 0;
  if (t.timestamps) {
    t.tsRecent = s.tsVal;
    t.tsRecentAt = now;
  }
  if (s.userTimeout > 0) readUserTimeout(t, s);
  t.sack = s.sackPermitted && settings.tcp_sack !== 0;
  agreeEcn(t, s);
  t.snd.wnd = s.window;
  t.snd.maxWnd = Math.max(t.snd.maxWnd, s.window);
  t.snd.wl1 = s.seq;
  t.snd.wl2 = s.ack;
  if (settings.tcp_mtu_probing === 2) startMtuSearch(t, now);
  updateMss(t);
  t.rcv.mss = Math.min(t.snd.mss, 536);
  startCongestionControl(t, firstWindow(t), now);
}
