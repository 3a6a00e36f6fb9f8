/**
 * Explicit congestion notification (RFC 3168): what both SYNs agree on, which segments may be marked by routers, the echo
 * of a mark and the answer to an echo. How far the window shrinks is the congestion controller's business.
 */
import type { Instant } from "../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqGt, seqLt } from "../wire/seq.ts";
import { ACK, CWR, ECE, ECT_0, CE, SYN_TAKEN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { Outgoing } from "./output/outgoing.ts";
import { startRetransmitTimer } from "./retransmit-timer.ts";
import { ACK_NOW, type Tcb } from "./tcb.ts";
import { TIMER_RETRANSMIT } from "./timers.ts";

/** Of a connection that offered ECN or agreed to it; others have none. */
export class EcnState {
  /** False while our SYN is unanswered. */
  agreed = false;
  /** CE came and CWR has not: every ACK carries ECE. */
  echoes = false;
  /** The window was reduced: the first new data is to carry CWR. */
  cwrOwed = false;
  /** The window was reduced for data up to `point`: not again before more than that is acknowledged. */
  reduced = false;
  point: SeqNum;
  /** That was for an echo: the first loss below `point` is the same congestion. */
  answersLoss = false;
  /** The ACK in hand carries ECE: the window does not grow by it. */
  echoed = false;
  /** New data waits for the retransmission timer. */
  waits = false;
  /** The peer's packets were ECN-capable at least once. */
  seen = false;
  /** Below it nothing is new data: what was on our SYN is not when it leaves again. */
  newFrom: SeqNum;
  /** Segments: acknowledged with an echo, and received with CE. */
  deliveredCe = 0;
  receivedCe = 0;

  constructor(iss: SeqNum) {
    this.point = iss;
    this.newFrom = seqAdd(iss, 1);
  }
}

/** The flags of an ECN-setup SYN, where we ask; a repeat goes without them (RFC 3168 §6.1.1.1). */
export function offerEcn(t: Tcb, isFirst: boolean): number {
  const { tcp_ecn, tcp_ecn_fallback } = t.env.settings;
  if (tcp_ecn !== 1) return 0;
  t.ecn ??= new EcnState(t.snd.iss);
  return isFirst || tcp_ecn_fallback === 0 ? ECE | CWR : 0;
}

/**
 * An ECN-setup SYN that may be agreed to (RFC 3168 §6.1.1). The bit of accurate ECN beside its two flags is not looked at
 * (RFC 9768 §3.1.2). A SYN that claims to be ECN-capable itself shows, as for Linux, that the path rewrites the field.
 */
export function asksForEcn(s: TcpSegment, tcpEcn: number): boolean {
  return (s.flags & (ECE | CWR | ACK)) === (ECE | CWR) && s.ecn === 0 && tcpEcn !== 0;
}

/** With the peer's SYN or SYN-ACK: on only after the right pair of them. */
export function agreeEcn(t: Tcb, s: TcpSegment): void {
  if (t.state === "SYN-SENT") {
    const wanted = (s.flags & ACK) !== 0 ? ECE : ECE | CWR;
    if ((s.flags & (ECE | CWR)) !== wanted) t.ecn = null;
  } else if (asksForEcn(s, t.env.settings.tcp_ecn)) t.ecn = new EcnState(t.snd.iss);
  if (t.ecn !== null) t.ecn.agreed = true;
}

/** The SYN-ACK that ends a simultaneous open must agree as well. */
export function confirmEcn(t: Tcb, s: TcpSegment): void {
  if ((s.flags & (ECE | CWR)) !== ECE) t.ecn = null;
}

// --- receiver -----------------------------------------------------------------------------------------

/** Text within the window came (RFC 3168 §6.1.3). As in Linux what changes is acknowledged at once: the peer's window may be small. */
export function noteMark(t: Tcb, e: EcnState, s: TcpSegment): void {
  if ((s.flags & CWR) !== 0) {
    e.echoes = false;
    t.ack = ACK_NOW;
  }
  if (s.ecn === 0) return;
  e.seen = true;
  if (s.ecn !== CE) return;
  e.receivedCe++;
  if (e.echoes) return;
  e.echoes = true;
  t.ack = ACK_NOW;
}

// --- sender -------------------------------------------------------------------------------------------

/** Before an acceptable ACK at or above SND.UNA is taken. */
export function noteEcho(t: Tcb, e: EcnState, s: TcpSegment, now: Instant): void {
  if (e.reduced && seqGt(s.ack, e.point)) {
    e.reduced = false;
    e.answersLoss = false;
  }
  e.echoed = (s.flags & (ECE | SYN_TAKEN)) === ECE;
  if (!e.echoed || t.cc === null) return;
  const { snd, cc } = t;
  const segments = Math.ceil(seqDiff(s.ack, snd.una) / snd.mss);
  if (segments > 0) {
    e.deliveredCe += segments;
    t.env.count("TcpExtTCPDeliveredCE", segments);
  }
  const before = cc.cwnd;
  const due = !e.reduced;
  if (due) {
    const flight = Math.min(seqDiff(snd.nxt, snd.una), before);
    if (cc.onEcn === undefined) cc.onLoss(flight, now);
    else cc.onEcn(flight, now);
    noteReduction(t);
    e.answersLoss = true;
  }
  // RFC 3168 §6.1.2: slower than a segment a round trip is by the timer only; two are the least that controllers leave
  const isLeast = due && before <= 2 * snd.mss && cc.cwnd >= before;
  if (isLeast || cc.cwnd <= snd.mss) {
    e.waits = true;
    startRetransmitTimer(t, now);
  }
}

/** The window was reduced, by an echo, a loss or a timeout: said by CWR, and once for what is outstanding. */
export function noteReduction(t: Tcb): void {
  const e = t.ecn;
  t.mostFlight = 0; // what filled the window before says nothing of the smaller one
  if (e === null) return;
  e.cwrOwed = true;
  e.reduced = true;
  e.answersLoss = false;
  e.point = t.snd.nxt;
}

/** Whether a loss that was found now is congestion that an echo told before; a copy lost after that is not. */
export function wasEchoed(t: Tcb): boolean {
  const e = t.ecn;
  if (e === null || !e.answersLoss || !seqLt(t.snd.una, e.point)) return false;
  e.answersLoss = false;
  return true;
}

/** RFC 3168 §6.1.2: not by an ACK with an echo. */
export function mayGrow(t: Tcb): boolean {
  return t.ecn === null || !t.ecn.echoed;
}

/** New data is held back until the timer runs out. */
export function waitsForTimer(t: Tcb): boolean {
  return t.ecn !== null && t.ecn.waits && t.timers.isArmed(TIMER_RETRANSMIT);
}

/** ECT(0) on data that leaves for the first time, CWR on the first of it after a reduction (RFC 3168 §6.1.2, §6.1.5). */
export function markData(t: Tcb, e: EcnState, out: Outgoing, at: SeqNum, length: number): void {
  if (length === 0 || at !== t.snd.nxt || seqLt(at, e.newFrom)) return;
  e.newFrom = at; // never half of the number space behind
  out.ecn = ECT_0;
  if (!e.cwrOwed) return;
  e.cwrOwed = false;
  out.segment.flags |= CWR;
}
