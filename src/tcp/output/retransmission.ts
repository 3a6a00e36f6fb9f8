/** What leaves again, and when it may. */
import type { Instant } from "../../base/time.ts";
import { type SeqNum, seqAdd, seqDiff, seqGt, seqMax, seqMin } from "../../wire/seq.ts";
import { FIN } from "../../wire/tcp-segment.ts";
import { pipe, stopTiming } from "../flight.ts";
import { probeSentAgain } from "../mtu-search.ts";
import { probeLeft } from "../recovery/loss-probe.ts";
import type { LossState } from "../recovery/loss-state.ts";
import { sendWindow } from "../recovery/prr.ts";
import { usesRack } from "../recovery/rack.ts";
import type { SentRecords } from "../recovery/sent-records.ts";
import { noteCopy } from "../recovery/undo.ts";
import { chooseGuard, startRetransmitTimer } from "../retransmit-timer.ts";
import type { Tcb } from "../tcb.ts";
import type { Outgoing } from "./outgoing.ts";
import { optionOverhead, send } from "./segment.ts";
import { unsent, usableWindow } from "./send-policy.ts";

/** What is lost, from the lowest on, as far as the window for it goes; before that a probe of the tail. */
export function retransmission(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  const { sent, losses } = t;
  if (sent === null || losses === null) return false;
  if (losses.probeOwed) return lossProbe(t, losses, sent, out, max, now);
  // F-RTO asks with new data first
  if (t.recovery === "open" || sent.waiting === 0 || losses.spuriousStep === 2) return false;
  if (!mayResend(t)) return false;
  if (!sendAgain(t, losses, sent, sent.nextLost(), out, max, now)) return false;
  if (t.forceRetransmit > 0) t.forceRetransmit--;
  const slow = t.recovery === "loss";
  out.remark = slow ? "retransmission: timeout" : "retransmission: fast";
  t.env.count(slow ? "TcpExtTCPSlowStartRetrans" : "TcpExtTCPFastRetrans");
  return true;
}

function mayResend(t: Tcb): boolean {
  if (t.forceRetransmit > 0) return true;
  if (t.onlyForced || t.cc === null) return false;
  return pipe(t) + t.snd.mss <= sendWindow(t);
}

/** One segment of what begins at `at` and shares its fate. False: the peer's window has no room for it. */
function sendAgain(
  t: Tcb,
  l: LossState,
  sent: SentRecords,
  at: SeqNum,
  out: Outgoing,
  max: number,
  now: Instant,
): boolean {
  const { snd } = t;
  const dataEnd = seqAdd(snd.bufferSeq, t.sendBuffer.length);
  let end = sent.runEnd(at, seqAdd(at, Math.min(max, snd.mss) - optionOverhead(t)));
  end = seqMin(end, dataEnd);
  // a peer that shrank its window gets what lies within it, or one byte; the first repeat of what stands first goes
  // whole, as it was within the window when it left (RFC 9293 §3.8.6, RFC 7323 §2.4)
  const limit = seqAdd(snd.una, Math.max(snd.wnd, 1));
  if (seqGt(end, limit) && (at !== snd.una || t.retries > 1)) end = limit;
  const length = Math.max(0, seqDiff(end, at));
  if (length === 0 && !(at === dataEnd && snd.finSent)) return false;
  const { nxt } = snd;
  probeSentAgain(t.mtuSearch, at, seqAdd(at, length));
  send(t, out, at, length, now);
  const isEnd = (out.segment.flags & FIN) !== 0;
  sent.resend(at, seqMin(seqAdd(at, length + (isEnd ? 1 : 0)), nxt), now);
  noteCopy(t, l, length, now);
  t.retransmits++;
  t.retransmittedBytes += length;
  stopTiming(t);
  // RFC 6298 §5: what the timer guards has just left again; after partial ACKs RFC 6582 §3.2 would rather be impatient
  if (at === snd.una && (t.sack || t.partialAcks === 0)) {
    startRetransmitTimer(t, now);
    chooseGuard(t, now);
  }
  t.env.count("TcpRetransSegs");
  return true;
}

/** RFC 8985 §7.3: a segment of new data if the peer's window has room for it, else the highest one again. */
function lossProbe(
  t: Tcb,
  l: LossState,
  sent: SentRecords,
  out: Outgoing,
  max: number,
  now: Instant,
): boolean {
  const { snd } = t;
  l.probeOwed = false;
  if (sent.isEmpty) return false;
  const size = Math.min(max, snd.mss) - optionOverhead(t);
  const fresh = Math.min(size, unsent(t));
  if (fresh > 0 && fresh <= usableWindow(t)) {
    send(t, out, snd.nxt, fresh, now);
    probeLeft(t, l, false);
  } else {
    const end = seqMin(seqAdd(snd.bufferSeq, t.sendBuffer.length), snd.nxt); // without FIN
    const at = seqMax(sent.last, seqAdd(end, -size));
    if (!sendAgain(t, l, sent, at, out, max, now)) return false;
    probeLeft(t, l, true);
  }
  out.remark = "tail loss probe";
  startRetransmitTimer(t, now);
  return true;
}

/**
 * With nothing lost and nothing new to send: rules 3 and 4 of RFC 6675 §4. RACK needs neither, as its timer and the delivery
 * of a copy tell what else is lost.
 */
export function furtherRetransmission(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  const { sent, losses } = t;
  if (t.recovery !== "recovery" || !t.sack || t.repairsProbe || usesRack(t)) return false;
  if (sent === null || losses === null || sent.sacked === 0 || sent.waiting > 0) return false;
  if (!mayResend(t)) return false;
  const hole = sent.nextHole();
  if (hole !== null) {
    if (!sendAgain(t, losses, sent, hole, out, max, now)) return false;
    out.remark = "retransmission: hole";
    return true;
  }
  return rescue(t, losses, sent, out, max, now);
}

/** Once an episode the highest segment again, lest a lost tail cost a timeout. */
function rescue(
  t: Tcb,
  l: LossState,
  sent: SentRecords,
  out: Outgoing,
  max: number,
  now: Instant,
): boolean {
  if (l.rescued || unsent(t) > 0 || !sent.isTailOpen) return false;
  const dataEnd = seqAdd(t.snd.bufferSeq, t.sendBuffer.length);
  const at = seqMax(sent.last, seqAdd(dataEnd, optionOverhead(t) - t.snd.mss));
  if (!sendAgain(t, l, sent, at, out, max, now)) return false;
  l.rescued = true;
  out.remark = "retransmission: rescue";
  return true;
}
