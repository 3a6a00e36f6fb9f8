/** What leaves again, and when it may. */
import type { Instant } from "../../base/time.ts";
import {
  type SeqNum,
  seqAdd,
  seqDiff,
  seqGt,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
} from "../../wire/seq.ts";
import { FIN } from "../../wire/tcp-segment.ts";
import { nextLost, pipe, stopTiming } from "../loss.ts";
import { probeSentAgain } from "../mtu-search.ts";
import { startRetransmitTimer } from "../retransmit-timer.ts";
import type { Tcb } from "../tcb.ts";
import type { Outgoing } from "./outgoing.ts";
import { optionOverhead, send } from "./segment.ts";
import { unsent } from "./send-policy.ts";

function mayResend(t: Tcb): boolean {
  if (t.forceRetransmit > 0) return true;
  if (t.onlyForced || t.cc === null) return false;
  return pipe(t) + t.snd.mss <= t.cc.cwnd + t.inflation;
}

export function retransmission(t: Tcb, out: Outgoing, max: number, now: Instant): boolean {
  const at = nextLost(t);
  if (at === null) return rescue(t, out, now);
  const { snd } = t;
  if (!mayResend(t)) return false;
  const length = lostLength(t, at, max);
  const finOnly = seqLeq(seqAdd(snd.bufferSeq, t.sendBuffer.length), at) && snd.finSent;
  if (length <= 0 && !finOnly) return false;
  if (t.forceRetransmit > 0) t.forceRetransmit--;
  probeSentAgain(t.mtuSearch, at, seqAdd(at, length));
  send(t, out, at, Math.max(length, 0), now);
  out.remark = t.recovery === "loss" ? "retransmission: timeout" : "retransmission: fast";
  t.highRxt = seqAdd(at, Math.max(length, 0) + ((out.segment.flags & FIN) !== 0 ? 1 : 0));
  t.retransmits++;
  t.retransmittedBytes += Math.max(length, 0);
  stopTiming(t);
  // RFC 6298 §5: what the timer guards has just left again; after partial ACKs RFC 6582 §3.2 would rather be impatient
  if (at === snd.una && (t.sack || t.partialAcks === 0)) startRetransmitTimer(t, now);
  t.env.count("TcpRetransSegs");
  return true;
}

/** Bytes of the hole at `at` that one segment may carry again. */
function lostLength(t: Tcb, at: SeqNum, max: number): number {
  const { snd } = t;
  let end = seqMin(t.lostEdge, seqAdd(snd.bufferSeq, t.sendBuffer.length));
  if (t.scoreboard !== null) end = t.scoreboard.holeEnd(at, end);
  // a peer that shrank its window gets what lies within it, or one byte; the first repeat of what stands first goes
  // whole, as it was within the window when it left (RFC 9293 §3.8.6, RFC 7323 §2.4)
  const limit = seqAdd(snd.una, Math.max(snd.wnd, 1));
  if (seqGt(end, limit) && (at !== snd.una || t.retries > 1)) end = limit;
  return Math.min(seqDiff(end, at), Math.min(max, snd.mss) - optionOverhead(t));
}

/** RFC 6675 §4 rule 4: once an episode, the highest segment again, lest a lost tail cost a timeout. */
function rescue(t: Tcb, out: Outgoing, now: Instant): boolean {
  if (t.recovery !== "recovery" || t.rescued || !t.sack || t.scoreboard === null) return false;
  if (unsent(t) > 0 || t.scoreboard.isEmpty) return false;
  const top = t.scoreboard.highest(t.snd.una);
  const dataEnd = seqAdd(t.snd.bufferSeq, t.sendBuffer.length);
  if (!seqLt(top, dataEnd) || !seqLt(t.highRxt, top)) return false;
  if (t.cc === null || pipe(t) + t.snd.mss > t.cc.cwnd) return false;
  const at = seqMax(top, seqAdd(dataEnd, -t.snd.mss));
  t.rescued = true;
  send(t, out, at, seqDiff(dataEnd, at), now);
  out.remark = "retransmission: rescue";
  stopTiming(t);
  t.retransmits++;
  t.env.count("TcpRetransSegs");
  return true;
}
