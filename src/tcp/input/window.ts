/** SND.WND by the WL1/WL2 rule (RFC 9293 §3.10.7.4), and what follows when it opens or closes. */
import { seqLeq, seqLt } from "../../wire/seq.ts";
import { scaledWindow, type TcpSegment } from "../../wire/tcp-segment.ts";
import { news } from "../recovery/ack-news.ts";
import type { Tcb } from "../tcb.ts";
import { TIMER_PERSIST } from "../timers.ts";

export function openWindow(t: Tcb, s: TcpSegment): void {
  const { snd } = t;
  if (!(seqLt(snd.wl1, s.seq) || (snd.wl1 === s.seq && seqLeq(snd.wl2, s.ack)))) return;
  const window = scaledWindow(s, snd.scale);
  if (window > snd.wnd && t.timers.isArmed(TIMER_PERSIST)) {
    t.timers.stop(TIMER_PERSIST);
    t.persistBackoff = 0;
  }
  // what was sent again into a closed window was not taken: it leaves now rather than a back-off later
  if (snd.wnd === 0 && window > 0 && t.recovery === "loss") t.sent?.loseResent(news);
  snd.wnd = window;
  if (window > snd.maxWnd) snd.maxWnd = window;
  snd.wl1 = s.seq;
  snd.wl2 = s.ack;
  // the peer answers: it lives, however small its window (RFC 9293 §3.8.6.1, MUST-37)
  if (t.persistBackoff > 0 || window === 0) t.retries = 0;
}
