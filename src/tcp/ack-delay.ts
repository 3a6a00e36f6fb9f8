/**
 * When the ACK of text in order leaves, as in Linux: at once while a connection is young, so that the peer's slow start need not
 * wait; after 40 to 200 ms later on, so that data may take it along (RFC 9293 §3.8.6.3, SHLD-18, SHLD-19, MUST-40).
 */
import { after, type Instant } from "../base/time.ts";
import { ACK_DELAYED, ACK_NOW, type Tcb } from "./tcb.ts";
import { TIMER_DELAYED_ACK } from "./timers.ts";

/** Linux's TCP_MAX_QUICKACKS: 16, and 2 where the receive buffer is too small to need more. */
const QUICK_ACKS = 16;
const LEAST_QUICK_ACKS = 2;
/** ms; Linux's TCP_DELACK_MAX. */
const LONGEST = 200;
/** ms; of the estimate, for one that does not answer. RFC 9293, MUST-40. */
const LONGEST_ESTIMATE = 500;

/** Text arrived at `now`: its spacing says how long an ACK may wait for more of it. */
export function noteSpacing(t: Tcb, now: Instant): void {
  const { rcv } = t;
  const least = t.env.settings.tcp_delack_min_ms;
  const gap = now - rcv.lastText;
  rcv.lastText = now;
  if (rcv.delay === 0) {
    rcv.delay = least;
    beQuick(t);
  } else if (gap <= least / 2) rcv.delay = (rcv.delay + least) / 2;
  else if (gap < rcv.delay) rcv.delay = Math.min(rcv.delay / 2 + gap, t.rtt.rto);
  else if (gap > t.rtt.rto) beQuick(t); // the peer may have begun slow start anew
}

function beQuick(t: Tcb): void {
  const { rcv } = t;
  const segments = Math.floor(rcv.buffer / (2 * rcv.mss));
  const quick = Math.min(QUICK_ACKS, Math.max(LEAST_QUICK_ACKS, segments));
  if (quick > rcv.quickAcks) rcv.quickAcks = quick;
}

/** Text in order was taken: its ACK is owed now, or by the timer. */
export function oweAck(t: Tcb, now: Instant): void {
  if (t.ack === ACK_NOW) return;
  const { rcv } = t;
  // two full segments are the most that go by (SHLD-19); `rcv.mss` may be one large offloaded segment
  if (rcv.unacked >= 2 * Math.min(rcv.mss, t.snd.mss)) t.ack = ACK_NOW;
  else if (rcv.quickAcks > 0 && !rcv.interactive) {
    rcv.quickAcks--;
    t.ack = ACK_NOW;
  } else {
    t.ack = ACK_DELAYED;
    if (!t.timers.isArmed(TIMER_DELAYED_ACK)) {
      t.timers.start(TIMER_DELAYED_ACK, after(now, delay(t)));
    }
  }
}

function delay(t: Tcb): number {
  const { rcv, rtt } = t;
  const least = t.env.settings.tcp_delack_min_ms;
  if (rcv.delay <= least) return least;
  let most = rcv.interactive ? LONGEST : LONGEST_ESTIMATE;
  if (rtt.samples > 0) most = Math.min(most, Math.max(rtt.srtt, least));
  return Math.max(least, Math.min(rcv.delay, most, LONGEST));
}

/** Data leaves for the first time: who answers what has just come has its data take the ACKs along. */
export function noteAnswer(t: Tcb, now: Instant): void {
  const { rcv } = t;
  if (t.bytesReceived === 0 || rcv.interactive || now - rcv.lastText >= rcv.delay) return;
  rcv.interactive = true;
  rcv.quickAcks = 0;
}

/** No data came along: an answer is not to be waited for as surely, or more text may be. */
export function delayRanOut(t: Tcb): void {
  const { rcv } = t;
  if (rcv.interactive) {
    rcv.interactive = false;
    rcv.delay = t.env.settings.tcp_delack_min_ms;
  } else rcv.delay = Math.min(2 * rcv.delay, t.rtt.rto);
}
