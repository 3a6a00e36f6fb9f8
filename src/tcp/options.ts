/** What the options of both SYNs agree on: MSS, window scale, timestamps, SACK. */
import type { Instant } from "../base/time.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import type { Tcb } from "./tcb.ts";

/** Bytes of a timestamp option with its padding. */
export const TIMESTAMP_BYTES = 12;
const HEADERS = 40;

/** The shift for a receive buffer that may grow to `max` bytes (RFC 7323 §2.3: at most 14). */
export function windowScaleFor(max: number): number {
  let shift = 0;
  while (shift < 14 && 65535 << shift < max) shift++;
  return shift;
}

export function agreeOptions(t: Tcb, s: TcpSegment, now: Instant): void {
  const { settings } = t.env;
  t.snd.peerMss = s.mss > 0 ? Math.max(s.mss, settings.tcp_min_snd_mss) : 536;
  t.windowScaling = s.windowScale >= 0 && settings.tcp_window_scaling !== 0;
  // the log that RFC 7323 §2.3 asks for
  if (s.windowScaleOver) t.env.count("TcpExtTCPWindowScaleOver14");
  t.snd.scale = t.windowScaling ? s.windowScale : 0;
  t.rcv.scale = t.windowScaling ? windowScaleFor(settings.tcp_rmem[2]) : 0;
  t.timestamps = s.hasTimestamps && settings.tcp_timestamps !== 0;
  if (t.timestamps) {
    t.tsRecent = s.tsVal;
    t.tsRecentAt = now;
  }
  t.sack = s.sackPermitted && settings.tcp_sack !== 0;
  t.snd.wnd = s.window;
  t.snd.maxWnd = Math.max(t.snd.maxWnd, s.window);
  t.snd.wl1 = s.seq;
  t.snd.wl2 = s.ack;
  updateMss(t);
  t.rcv.mss = Math.min(t.snd.mss, 536);
  t.cc = t.env.createCongestionController(t.snd.mss);
}

/** RFC 6691: the option bytes come off the data; never below one byte. */
export function updateMss(t: Tcb): void {
  const options = t.timestamps ? TIMESTAMP_BYTES : 0;
  t.snd.mss = Math.max(1, Math.min(t.snd.peerMss, t.pmtu - HEADERS - t.ipOptionBytes) - options);
  t.cc?.onMss(t.snd.mss);
}
