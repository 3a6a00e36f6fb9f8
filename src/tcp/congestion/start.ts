/** The controller of a connection: its first, and another in its place. */
import type { Instant } from "../../base/time.ts";
import { DeliveryRate } from "../delivery-rate.ts";
import { Pace } from "../output/pacing.ts";
import type { Tcb } from "../tcb.ts";
import { NO_SSTHRESH } from "./controller.ts";

/** A connection begins, with `window` bytes. */
export function startCongestionControl(t: Tcb, window: number, now: Instant): void {
  create(t, window, NO_SSTHRESH, now);
  t.firstWindowEnd = window;
}

/** TCP_CONGESTION: at once, also under way; the window is handed on. EINVAL for a name that the stack does not know. */
export function chooseCongestionControl(t: Tcb, name: string, now: Instant): void {
  t.env.congestionControls.check(name);
  t.congestionControl = name;
  if (t.cc !== null && t.cc.name !== name) create(t, t.cc.cwnd, t.cc.ssthresh, now);
}

function create(t: Tcb, cwnd: number, ssthresh: number, now: Instant): void {
  t.cc = t.env.congestionControls.create(t.congestionControl, t.snd.mss, cwnd, ssthresh);
  t.pace = t.cc.pacingRate === undefined ? null : new Pace(now, cwnd);
  t.rate = t.cc.wantsRate === true ? new DeliveryRate(now) : null;
}
